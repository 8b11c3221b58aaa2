// The child processes: started with the step to do, waited for, and what they print taken in.

import Fenceline
import FoundationEssentials
import Glibc
import SystemPackage
import ToolSupport

/// What a child printed: a value for each name.
typealias Figures = [String: String]

/// Starts steps on one store.
struct Children {
  var command: OpenCost
  var store: FilePath
  /// Where their output goes.
  var output: FilePath

  /// Runs a step to its end.
  ///
  /// - Parameters:
  ///   - step: what it does.
  ///   - seed: what its choice of keys follows from.
  ///   - meanwhile: called every few milliseconds while it runs, and once behind its end.
  /// - Returns: what it printed.
  /// - Throws: where it can't be started, or did not end well.
  func run(_ step: Step, seed: UInt64, meanwhile: () -> Void = {}) throws -> Figures {
    let child = try start(step, seed: seed)
    let end = try wait(for: child, until: { false }, meanwhile: meanwhile)
    meanwhile()
    guard case .exited(0) = end else { throw Self.failure(of: step) }
    return try figures()
  }

  /// Lets a writer overwrite keys for 2 to 4 seconds and sync, and kills it within the next second,
  /// in which it goes on writing.
  func killWriter(seed: UInt64) throws {
    let child = try start(.overwrite, seed: seed, seconds: .random(in: 2...4))
    let early = try wait(for: child, until: { try figures()[StepWork.synced] != nil })
    guard early == nil else { throw Self.failure(of: .overwrite) }
    usleep(.random(in: 0..<1_000_000))
    child.kill()
    guard case .signalled(SIGKILL) = child.end(waiting: true) else {
      throw Self.failure(of: .overwrite)
    }
  }

  private func start(_ step: Step, seed: UInt64, seconds: Double = 0) throws -> Subprocess {
    try Subprocess(
      [
        "/proc/self/exe", "--step", step.rawValue, "--store", store.string,
        "--keys", "\(command.keys)", "--value-bytes", "\(command.valueBytes)",
        "--seconds", "\(seconds)", "--seed", "\(seed)",
      ],
      output: output
    )
  }

  /// Waits until a child has ended or something is true: how it ended, or nil.
  private func wait(
    for child: Subprocess,
    until isEnough: () throws -> Bool,
    meanwhile: () -> Void = {}
  ) throws -> Subprocess.End? {
    while true {
      if let end = child.end(waiting: false) { return end }
      if try isEnough() { return nil }
      guard !Interruption.hasCome else {
        child.kill()
        _ = child.end(waiting: true)
        throw OpenCostError("interrupted")
      }
      meanwhile()
      usleep(5000)
    }
  }

  private func figures() throws -> Figures {
    let text = String(decoding: try Data(contentsOf: URL(filePath: output.string)), as: UTF8.self)
    var figures: Figures = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: "\t", maxSplits: 1)
      guard fields.count == 2 else { continue }
      figures[String(fields[0])] = String(fields[1])
    }
    return figures
  }

  private static func failure(of step: Step) -> OpenCostError {
    OpenCostError("the step '\(step.rawValue)' failed; its message, if it had any, is above")
  }
}
