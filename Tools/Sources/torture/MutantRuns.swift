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

  /// What a run prints, and what its processes say on their ways out; one may do so while another one
  /// writes, so each stream has a file of its own.
  private static let scratch = "/dev/shm/fenceline-torture-\(getpid())"
  private static let output = FilePath(scratch + ".output")
  private static let errors = FilePath(scratch + ".errors")
  /// Lines of one finding: of more nobody learns anything.
  private static let mostLines = 20

  /// Tries each for as many kills as were asked for, at most.
  func run() throws {
    defer { for path in [Self.output, Self.errors] { Files.remove(path) } }
    var missed: [String] = []
    for mutant in [nil] + Self.visible {
      let text = try run(mutant)
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
  private func run(_ mutant: Mutant?) throws -> String? {
    var arguments = ["/proc/self/exe", "--kills", "\(command.kills)"]
    if let mutant { arguments += ["--mutant", mutant.description] }
    if let seed = command.seed { arguments += ["--seed", "\(seed)"] }
    for directory in command.directory { arguments += ["--directory", directory] }
    let process = try Subprocess(arguments, output: Self.output, errors: Self.errors)
    guard let end = process.end(waiting: true) else { return "no end" }
    if case .exited(0) = end { return nil }
    let lines = try Self.lines(of: Self.output)
    // What was left is of no use to anybody here.
    for line in lines where line.hasPrefix("left: ") {
      let store = FilePath(String(line.dropFirst(6).prefix { $0 != ";" }))
      Files.removeDirectory(store)
      Files.removeDirectory(store.removingLastComponent())
    }
    let finding = lines.first { $0.contains("kill ") && $0.contains(", seed") }
    // Why a writer or a reader ended is known to nobody else: the lane saw no more than its status.
    let said = lines.filter { $0.hasPrefix("writer: ") || $0.hasPrefix("reader: ") }
    let rest = (said + (try Self.lines(of: Self.errors))).prefix(Self.mostLines)
    return ([finding ?? "no finding, but an end: \(end)"] + rest.map { "  \($0)" })
      .joined(separator: "\n")
  }

  private static func lines(of file: FilePath) throws -> [String] {
    String(decoding: try Files.read(file) ?? [], as: UTF8.self).split(separator: "\n")
      .map(String.init)
  }
}
#endif
