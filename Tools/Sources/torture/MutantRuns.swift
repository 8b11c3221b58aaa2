// Runs with deliberate faults, one at a time, to show that a violation would be found.

#if Mutants
import ArgumentParser
import CFlush
import DamageLab
import Glibc
import PersistentMemory
import SystemPackage
import ToolSupport

struct MutantRuns {
  private let command: TortureCommand

  /// Faults that need no more than the end of a process to show.
  ///
  /// What is missing here leaves out a
  /// flush, a fence or a sync, which only a kernel or a power supply can miss, or a check that only
  /// damage would fail.
  static let visible: [Mutant] = [
    .beginMarkMissing, .transactionSplit, .tornTransactionAccepted, .tornSegmentContinued,
    .usedSequencesReissued, .replacedRemovedFirst, .compactionUnsynced, .tombstonesDropped,
    .compactedIgnored, .imageWordsUnlimited, .moveUnnoted, .adoptedUnnoted, .removalsIgnored,
    .replayUnnoted, .successorHeaderLate, .firstHeaderLate, .sealPersistedLate,
  ]

  init(_ command: TortureCommand) { self.command = command }

  /// Tries each for as many kills as were asked for, at most.
  func run() throws {
    let output = FilePath("/dev/shm/fenceline-torture-\(getpid()).output")
    defer { Files.remove(output) }
    var missed: [String] = []
    for mutant in [nil] + Self.visible {
      let text = try run(mutant, output: output)
      let isFound = text != nil
      if isFound != (mutant != nil) { missed.append(mutant?.description ?? "none") }
      let name = mutant?.description ?? "none"
      let line = "\(name)\t\(text ?? "not found")\n"
      try FileDescriptor.standardOutput.writeAll(line.utf8)
    }
    print("\(Self.visible.count) faults, \(missed.count) not as they should be \(missed)")
    if !missed.isEmpty { throw ExitCode(1) }
  }

  /// What a run says of a fault; nil where it finds nothing.
  private func run(_ mutant: Mutant?, output: FilePath) throws -> String? {
    var arguments = ["/proc/self/exe", "--kills", "\(command.kills)"]
    if let mutant { arguments += ["--mutant", mutant.description] }
    if let seed = command.seed { arguments += ["--seed", "\(seed)"] }
    for directory in command.directory { arguments += ["--directory", directory] }
    let process = try Subprocess(arguments, output: output, errors: "/dev/null")
    if case .exited(0) = process.end(waiting: true) { return nil }
    let lines = String(decoding: try Files.read(output) ?? [], as: UTF8.self).split(separator: "\n")
    // What was left is of no use to anybody here.
    for line in lines where line.hasPrefix("left: ") {
      let store = FilePath(String(line.dropFirst(6).prefix { $0 != ";" }))
      Files.removeDirectory(store)
      Files.removeDirectory(store.removingLastComponent())
    }
    return lines.first { $0.contains("kill ") && $0.contains(", seed") }.map(String.init)
      ?? "a trap: \(lines.first ?? "")"
  }
}
#endif
