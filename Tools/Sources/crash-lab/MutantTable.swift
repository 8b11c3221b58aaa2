// Tries every mutant, each in a process of its own, and prints who found it.

#if Mutants
import ArgumentParser
import CFlush
import Glibc
import PersistentMemory
import SystemPackage
import ToolSupport

/// The table of mutants.
struct MutantTable {
  private let command: CrashLabCommand

  init(_ command: CrashLabCommand) { self.command = command }

  func run() throws {
    if let name = command.trial { return try runTrial(of: name) }
    unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
    let mutants: [Mutant?] = [nil] + Mutant.allCases
    let chosen = mutants.filter { command.mutant == nil || $0?.description == command.mutant }
    guard !chosen.isEmpty else {
      throw ValidationError("no mutant is called '\(command.mutant ?? "")'")
    }
    var finders = try MutantFinders(command.finders)
    var survivors: [String] = []
    for batch in stride(from: 0, to: chosen.count, by: command.jobs) {
      let mutants = chosen[batch..<min(batch + command.jobs, chosen.count)]
      let running = try mutants.map { try Trial($0, command, finders[$0]) }
      for trial in running {
        let outcome = try trial.outcome()
        // At once, also where it is not read by a person.
        try FileDescriptor.standardOutput.writeAll((Self.row(trial.mutant, outcome) + "\n").utf8)
        if let mutant = trial.mutant { finders[mutant] = outcome.by }
        if !outcome.isAsItShouldBe(trial.mutant) {
          survivors.append(trial.mutant?.description ?? "none")
        }
      }
    }
    let count = chosen.count { $0 != nil }
    print("\(count) mutants, \(survivors.count) not as they should be \(survivors)")
    if !survivors.isEmpty { throw ExitCode(1) }
    if command.accept { try finders.write() }
  }

  private static func row(_ mutant: Mutant?, _ outcome: Outcome) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let name = padded(mutant?.description ?? "none", 27)
    let part = padded(mutant?.part ?? "", 11)
    let result = outcome.isFound ? "found by \(outcome.by)" : "not found"
    return "\(name) \(part) \(padded(String(outcome.images), 9)) \(result)"
  }

  private func runTrial(of name: String) throws {
    guard let pipe = command.reportTo else { throw ValidationError("nobody listens") }
    Mutant.select(Mutant.allCases.first { $0.description == name })
    var trial = MutantTrial(command, ReportPipe(pipe))
    try trial.run()
  }
}

/// How a trial ended.
private struct Outcome {
  var isFound = false
  var images = 0
  var by = ""

  /// Without a mutant nothing is found; with one it is.
  func isAsItShouldBe(_ mutant: Mutant?) -> Bool { isFound == (mutant != nil) }
}

/// One mutant's process.
private struct Trial {
  let mutant: Mutant?
  private let process: Subprocess
  private let messages: FileDescriptor

  init(_ mutant: Mutant?, _ command: CrashLabCommand, _ finder: String?) throws {
    self.mutant = mutant
    let pipe = try FileDescriptor.reportPipe()
    process = try Subprocess(
      [
        "/proc/self/exe", "--mutants", "--trial", mutant?.description ?? "none",
        "--report-to", "\(pipe.writeEnd.rawValue)", "--seed", "\(command.seed)",
        "--seconds", "\(command.seconds)",
      ] + (finder.map { ["--finder", $0] } ?? []),
      errors: "/dev/null"
    )
    try pipe.writeEnd.close()
    messages = pipe.readEnd
  }

  /// Waits for its end.
  func outcome() throws -> Outcome {
    defer { try? messages.close() }
    var lines = ReportLines(messages)
    var outcome = Outcome()
    while let message = try lines.next() {
      switch message {
      case .trying(let images, let name): (outcome.images, outcome.by) = (images, name)
      case .found(let images, let name): outcome = Outcome(isFound: true, images: images, by: name)
      default: break
      }
    }
    let end = process.end(waiting: true)
    MutantTrial.removeScratch(of: process.pid)
    if case .exited(0) = end { return outcome }
    // It trapped, or could not go on: nobody would ship that.
    outcome.isFound = true
    outcome.by = MutantFinders.trap + outcome.by
    return outcome
  }
}
#endif
