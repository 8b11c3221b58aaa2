// Has the kvctl program answer about an image: statuses 0, 1, 65 and 66 as the library's answers say,
// values byte for byte, and one line on the standard error for every failure.

import DamageLab
import SystemPackage
import ToolSupport

struct KvctlCheck: Sendable {
  let program: String
  /// Where outputs go.
  let scratch: FilePath

  /// Runs the reading commands, and a put where it must be refused.
  ///
  /// - Returns: the number of runs.
  @Sendable
  func check(_ image: CommandCase) throws -> Int {
    let failure: Int32 = image.hasStore ? 65 : 66
    let store = image.path.string
    var runs = 0
    var numbers = SeededNumbers(seed: UInt64(image.number))
    func expect(_ arguments: [String], _ status: Int32, output: ByteString? = nil) throws {
      runs += 1
      try run(arguments, status, output)
    }
    try expect(["verify", store], image.isSound ? 0 : failure)
    try expect(["list", store], image.isComplete ? 0 : failure)
    try expect(["export", store, "-"], image.isComplete ? 0 : failure)
    let index = scratch.appending("kvctl.sqlite")
    defer { Files.remove(index) }
    try expect(["index", store, index.string], image.isComplete ? 0 : failure)
    for (key, answer) in image.answers.shuffled(using: &numbers).prefix(3) {
      switch answer {
      case .none: try expect(["get", store, key], failure)
      case .some(.none): try expect(["get", store, key], 1, output: [])
      case .some(.some(let value)): try expect(["get", store, key], 0, output: value)
      }
    }
    // Where nothing is there it would create a store; what costs nothing it may mend.
    if image.hasStore, !image.isComplete { try expect(["put", store, "key", "value"], 65) }
    return runs
  }

  private func run(_ arguments: [String], _ wanted: Int32, _ output: ByteString?) throws {
    let outputPath = scratch.appending("output")
    let errorPath = scratch.appending("errors")
    let process = try Subprocess([program] + arguments, output: outputPath, errors: errorPath)
    let end = process.end(waiting: true)
    let shown = "kvctl \(arguments[0]) \(arguments.count > 2 ? arguments[2] : "")"
    guard case .exited(let status)? = end else {
      throw Finding(description: "\(shown) trapped: \(end.map { "\($0)" } ?? "gone")")
    }
    let errors = try Files.read(errorPath) ?? []
    guard status == wanted else {
      let message = String(decoding: errors, as: UTF8.self)
      throw Finding(description: "\(shown): status \(status) instead of \(wanted): \(message)")
    }
    let lines = errors.count { $0 == UInt8(ascii: "\n") }
    guard lines == (wanted > 1 ? 1 : 0), errors.isEmpty == (lines == 0) else {
      throw Finding(description: "\(shown): \(lines) lines on the standard error")
    }
    if let output, try Files.read(outputPath) != output {
      throw Finding(description: "\(shown): wrong output")
    }
  }
}
