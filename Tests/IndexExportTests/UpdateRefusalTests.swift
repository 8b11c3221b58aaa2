// What can't be updated is refused with its name, and left as it is.

import Fenceline
import Foundation
import SystemPackage
import Testing

@testable import IndexExport

@Suite("Refusing to update an index")
struct UpdateRefusalTests {
  /// A store, an index of it, and something that the index lacks.
  private func grownStore() throws -> (Scratch, Store) {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    for number in 0..<3000 { try store.put("key \(number)", "value \(number)") }
    try IndexExport.write(store, to: scratch.index)
    try store.put("key 1234", "another")
    return (scratch, store)
  }

  private func expectRefusal(
    _ scratch: Scratch,
    _ store: Store,
    at path: FilePath? = nil,
    _ isExpected: (IndexExportError) -> Bool
  ) throws {
    let path = path ?? scratch.index
    let (before, names) = (try scratch.bytes(of: path), try scratch.names)
    let error = #expect(throws: IndexExportError.self) {
      try IndexExport.update(store, at: path)
    }
    #expect(error.map(isExpected) == true, "\(String(describing: error))")
    let isSame = try scratch.bytes(of: path) == before
    #expect(isSame)
    #expect(try scratch.names == names)
  }

  @Test("an index of another store")
  func otherStore() throws {
    let (scratch, _) = try grownStore()
    let other = try Scratch()
    let store = try other.openStore()
    try store.put("a", "1")
    try expectRefusal(scratch, store) { $0 == .otherStore(scratch.index) }
  }

  @Test("an index of another version", arguments: [1, 99])
  func version(number: Int) throws {
    let (scratch, store) = try grownStore()
    try run("sqlite3", [scratch.index.string, "PRAGMA user_version = \(number)"])
    try expectRefusal(scratch, store) { $0 == .otherVersion(scratch.index, version: number) }
    // Writing all of it is the way on.
    try IndexExport.write(store, to: scratch.index)
    #expect(try IndexExport.update(store, at: scratch.index).extent == .changes)
  }

  @Test("what is no index of ours", arguments: ["text", "a database of another application"])
  func foreignFile(kind: String) throws {
    let (scratch, store) = try grownStore()
    let path = scratch.path.appending("foreign")
    if kind == "text" {
      try scratch.write(Array(repeating: 0x61, count: 5000), to: path)
    } else {
      try run("sqlite3", [path.string, "CREATE TABLE t (x)"])
    }
    try expectRefusal(scratch, store, at: path) { $0 == .notAnIndex(path) }
  }

  @Test("an empty file and nothing become an index")
  func nothing() throws {
    let (scratch, store) = try grownStore()
    let path = scratch.path.appending("empty")
    for _ in 0..<2 {
      #expect(try IndexExport.update(store, at: path).extent == .everything(.noIndex))
      try scratch.write([], to: path)
    }
  }

  @Test(
    "an index that contradicts itself",
    arguments: [
      "DELETE FROM store WHERE name = 'id'",
      "UPDATE store SET value = 'x' WHERE name = 'key_count'",
      "UPDATE store SET value = 'x' WHERE name = 'change_token'", "DROP TABLE segments",
      "UPDATE segments SET live_entries = 0",
    ]
  )
  func contradiction(change: String) throws {
    let (scratch, store) = try grownStore()
    try run("sqlite3", [scratch.index.string, change])
    try expectRefusal(scratch, store) {
      if case .damagedIndex(scratch.index, _) = $0 { true } else { false }
    }
  }

  @Test("an index with a damaged page")
  func damagedPage() throws {
    let (scratch, store) = try grownStore()
    var bytes = try scratch.bytes(of: scratch.index)
    for offset in stride(from: 4096 * 6, to: bytes.count, by: 4096) { bytes[offset] = 0x77 }
    try scratch.write(bytes, to: scratch.index)
    try expectRefusal(scratch, store) {
      if case .sqlite(let code, _, scratch.index) = $0 { code & 0xff == 11 } else { false }
    }
  }

  @Test("a store that is closed, and a wish to stop")
  func interrupted() throws {
    let (scratch, store) = try grownStore()
    for number in 0..<5000 { try store.put("more \(number)", "") }
    let before = try contents(of: scratch.index)
    #expect(throws: IndexExportError.stopped(scratch.index)) {
      try IndexExport.update(store, at: scratch.index) { (_) in .stop }
    }
    #expect(try contents(of: scratch.index) == before)
    try store.close()
    try expectRefusal(scratch, store) { $0 == .store(.closed) }
  }

  @Test("an index that somebody is changing")
  func locked() throws {
    let (scratch, store) = try grownStore()
    let shell = Process()
    shell.executableURL = URL(filePath: "/usr/bin/env")
    shell.arguments = ["sqlite3", scratch.index.string]
    let (input, output) = (Pipe(), Pipe())
    (shell.standardInput, shell.standardOutput) = (input, output)
    try shell.run()
    try input.fileHandleForWriting.write(contentsOf: Data("BEGIN IMMEDIATE;\n.print ready\n".utf8))
    _ = try output.fileHandleForReading.read(upToCount: 6)
    let error = #expect(throws: IndexExportError.self) {
      try IndexExport.update(store, at: scratch.index)
    }
    guard case .sqlite(let code, _, scratch.index) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(code & 0xff == 5)
    try input.fileHandleForWriting.close()
    shell.waitUntilExit()
    #expect(try IndexExport.update(store, at: scratch.index).writtenRowCount == 1)
  }

  @Test("an index that goes while it is followed")
  func replaced() throws {
    let (scratch, store) = try grownStore()
    var follower = try IndexFollower(store, at: scratch.index)
    _ = try follower.step()
    try FileManager.default.removeItem(atPath: scratch.index.string)
    var error: IndexExportError?
    do throws(IndexExportError) { _ = try follower.step() } catch let caught { error = caught }
    #expect(error == .replaced(scratch.index))
  }
}
