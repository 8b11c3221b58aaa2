// CrashTest has to find what is wrong with a program, and its article has to show what the example does.

import CrashLab
import Fenceline
import SystemPackage
import Testing

@Suite("Programs that a crash breaks")
struct CrashTestTests {
  /// Two puts are two steps: money is lost between them, and after a crash too.
  @Test("A transfer that is no transaction is caught")
  func brokenTransfers() throws {
    let report = try CrashTest().run { run in
      let store = try run.openStore()
      try store.put("alice", "-30", durability: .durable)
      try store.put("bob", "30", durability: .durable)
      run.promise("30 moved")
    } check: { store, _ in
      let sum = try ["alice", "bob"].reduce(0) { $0 + (Int(try store.get($1) ?? "0") ?? 0) }
      if sum != 0 { throw Violation("money is lost: \(sum)") }
    }
    #expect(report.violations.count >= CrashHardware.allCases.count)
    #expect(report.violations.allSatisfy { $0.contains("money is lost: -30") })
  }

  @Test("A promise that comes too early is caught")
  func earlyPromise() throws {
    var test = CrashTest()
    test.hardware = [.disk]
    let report = try test.run { run in
      let store = try run.openStore()
      try store.put("key", "1")
      run.promise("key")
      try store.sync()
    } check: { store, promises in
      if promises.contains("key"), try store.get("key") == nil { throw Violation("key is lost") }
    }
    #expect(!report.violations.isEmpty)
  }

  @Test("The article shows the example as it is compiled")
  func article() throws {
    let tests = FilePath("\(#filePath)").removingLastComponent()
    let root = tests.removingLastComponent().removingLastComponent()
    let example = try lines(tests.appending("TransferExampleTests.swift"))
    let article = try lines(root.appending("Sources/CrashLab/CrashLab.docc/CrashLab.md"))
    let start = try #require(article.firstIndex(of: "```swift"))
    let end = try #require(article[(start + 1)...].firstIndex(of: "```"))
    let shown = Array(article[(start + 1)..<end])
    #expect(shown.count > 10)
    let first = try #require(example.firstIndex(of: shown[0]))
    #expect(Array(example[first..<min(first + shown.count, example.count)]) == shown)
  }

  /// The lines of a file without their indentation.
  private func lines(_ path: FilePath) throws -> [String] {
    let file = try FileDescriptor.open(path, .readOnly)
    var text: [UInt8] = []
    try file.closeAfter {
      var count = 0
      repeat {
        let chunk = try unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { (buffer, length) in
          unsafe length = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        text += chunk
        count = chunk.count
      } while count > 0
    }
    return String(decoding: text, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0.drop { $0 == " " }) }
  }
}
