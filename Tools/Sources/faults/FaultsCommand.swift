// The program behind Tools/faults: counts the calls of a life, has workers fail each of them in turn, and
// prints what came of it.

import ArgumentParser
import DamageLab
import FaultLayer
import Glibc
import SystemPackage

@main
struct FaultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults",
    abstract: "Fail every system call of a store's life in turn and check every answer.",
    discussion: """
      A store is created, written, filled, imaged, compacted, closed, killed, recovered, followed and \
      exported, with the same calls every time. Each call fails once, and from then on, with every \
      error that it may give. Then each page of the store's files can't be read, in turn, in each \
      way to come upon it. Ends with status 1 if an answer was wrong, a process trapped or hung, \
      or something was left over. Every such case is named, and --case runs it again.
      """
  )

  @Option(help: "Where the store lies: disk, memory, forced; may be given several times.")
  var medium: [FaultMedium] = []

  @Option(
    help: ArgumentHelp(
      "Only calls of this function, or pages met in this way; may be given several times.",
      valueName: "row"
    )
  )
  var only: [String] = []

  @Option(
    help: """
      Check so many cases on a medium, each function with each error and each way to a page among \
      them (0: all).
      """
  )
  var most = 0

  @Option(help: "What a sample follows from.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "Only a share of these cases: 1/8 to 8/8 together are all of them.",
      valueName: "K/N"
    )
  )
  var part = Part.whole

  @Option(help: "Worker processes (default: one for each processor).")
  var jobs = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  @Option(name: .customLong("case"), help: "Run one case and say what it gave.")
  var single: String?

  @Option(help: .hidden)
  var worker: Int?

  @Option(help: .hidden)
  var directory: String?

  func validate() throws {
    guard jobs > 0, most >= 0 else { throw ValidationError("counts start at 1") }
  }

  func run() throws {
    if let worker, let directory, let medium = medium.first {
      let place = FilePath(directory).appending("worker-\(worker)")
      return try Worker(command: self, medium: medium, place: place, number: worker).run()
    }
    // A trap is a finding; its backtrace would take longer than all trials between two of them.
    unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
    var findings = 0
    for medium in medium.isEmpty ? FaultMedium.allCases : medium {
      // libpmem asks for it when it is loaded.
      if medium == .forced {
        unsafe setenv("PMEM_IS_PMEM_FORCE", "1", 1)
      } else {
        unsafe unsetenv("PMEM_IS_PMEM_FORCE")
      }
      findings += try Supervisor(command: self, medium: medium).run()
    }
    if findings > 0 { throw ExitCode(1) }
  }

  /// The cases to run, the same in every process.
  func cases(_ calls: [UInt64], _ pages: PageTrial) -> [TrialCase] {
    let faults = FaultCase.all(calls).map { TrialCase.fault($0) }
    let meetings = PageCase.all(closed: pages.closed, killed: pages.killed).map {
      TrialCase.page($0)
    }
    let limits = MemoryCase.all.map { TrialCase.memory($0) }
    let all = (faults + meetings + limits).filter { only.isEmpty || only.contains($0.row) }
    if let single { return all.filter { $0.name == single } }
    let chosen = most > 0 && all.count > most ? sample(of: all) : all
    return chosen.filter { part.contains($0.name) }
  }

  /// As many as were asked for: each function with each error first, and each way to a page; then each
  /// call; then the rest.
  private func sample(of all: [TrialCase]) -> [TrialCase] {
    var numbers = SeededNumbers(seed: seed)
    let shuffled = all.shuffled(using: &numbers)
    var seen: Set<String> = []
    let first = shuffled.filter { seen.insert("\($0.row)/\($0.sort)").inserted }
    let others = shuffled.filter { seen.insert($0.place).inserted }
    var chosen: [TrialCase] = []
    var names: Set<String> = []
    for next in first + others + shuffled where names.insert(next.name).inserted {
      guard chosen.count < max(most, first.count) else { break }
      chosen.append(next)
    }
    return chosen
  }
}

extension FaultMedium: ExpressibleByArgument {}
