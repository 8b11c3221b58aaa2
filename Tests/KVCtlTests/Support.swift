// Helpers of these tests: a directory of one's own, and the program run as a user runs it.
//
// The program is the one that was built with the tests, and lies beside them.

import Foundation
import Synchronization
import Testing

/// What a run of the program left.
struct Outcome {
  /// The exit status; 128 and the number of the signal that ended it, as a shell counts.
  let status: Int32
  let output: [UInt8]
  let errors: String

  /// The standard output as text.
  var text: String { String(decoding: output, as: UTF8.self) }
}

/// A directory in which the program runs, gone after the test.
final class Workplace: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/kvctl-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Where the program lies.
  private static let programs =
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

  /// Held while a process is started.
  ///
  /// Between fork and exec a child has all files of this process, a store's lock too. So that a lock
  /// which one test gave up is free for the program it starts next, starts don't overlap.
  private static let spawning = Mutex(())

  /// Runs `kvctl` with these arguments and this input; without one the input is empty.
  func kvctl(_ arguments: String..., input: [UInt8] = []) throws -> Outcome {
    let program = Self.programs.appendingPathComponent("kvctl")
    return try run(program, arguments, input)
  }

  /// Runs a shell script in which `kvctl` is the program, and `without_privileges kvctl` runs it
  /// as somebody whom permissions bind, which they don't if the tests run as root.
  func shell(_ script: String, input: [UInt8] = []) throws -> Outcome {
    let drop = getuid() == 0 ? "setpriv --bounding-set=-all --inh-caps=-all" : ""
    let prelude = """
      PATH='\(Self.programs.path)':$PATH
      without_privileges() { \(drop) "$@"; }

      """
    return try run(URL(fileURLWithPath: "/bin/sh"), ["-c", prelude + script], input)
  }

  private func run(_ program: URL, _ arguments: [String], _ input: [UInt8]) throws -> Outcome {
    // Files instead of pipes: no run waits for a reader.
    let name = path + "/.run-" + UUID().uuidString
    let names = ["in", "out", "err"].map { name + "." + $0 }
    defer { for name in names { try? FileManager.default.removeItem(atPath: name) } }
    try Data(input).write(to: URL(fileURLWithPath: names[0]))
    for name in names.dropFirst() { try Data().write(to: URL(fileURLWithPath: name)) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.standardInput = FileHandle(forReadingAtPath: names[0])
    process.standardOutput = FileHandle(forWritingAtPath: names[1])
    process.standardError = FileHandle(forWritingAtPath: names[2])
    try Self.spawning.withLock { _ in try process.run() }
    process.waitUntilExit()
    let signal: Int32 = process.terminationReason == .uncaughtSignal ? 128 : 0
    return Outcome(
      status: signal + process.terminationStatus,
      output: try read(names[1]),
      errors: String(decoding: try read(names[2]), as: UTF8.self)
    )
  }

  private func read(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Reads a file in the directory.
  func contents(of name: String) throws -> [UInt8] { try read(path + "/" + name) }

  /// Writes a file in the directory.
  func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  /// Names in a directory, sorted; hidden ones too.
  func names(in name: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + name)
      .filter { !$0.hasPrefix(".run-") }.sorted()
  }

  /// All files of a store with their bytes.
  func files(of store: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try names(in: store) { files[name] = try contents(of: store + "/" + name) }
    return files
  }

  /// Changes one bit of the first place where a file of the store holds `text`.
  func damage(_ text: String, in store: String) throws {
    for (name, bytes) in try files(of: store) {
      guard let place = Data(bytes).range(of: Data(text.utf8)) else { continue }
      var bytes = bytes
      bytes[place.lowerBound] ^= 1
      return try write(bytes, to: store + "/" + name)
    }
    Issue.record("no file of \(store) holds \(text)")
  }
}

/// The sample records of the repository.
func sampleRecords() throws -> [UInt8] {
  let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Data/unicode-records.tsv")
  return [UInt8](try Data(contentsOf: data))
}

/// Whether a program is installed.
func isInstalled(_ name: String) -> Bool {
  ["/bin/", "/usr/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
}
