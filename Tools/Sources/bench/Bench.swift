// The program behind Tools/bench: runs the driver `bench-loop` (C, Tools/Sources/bench-loop) for
// every medium, value size, round and engine, puts its samples into HDR histograms, and prints what
// came out as a table and as JSON. It measures nothing itself.

import ArgumentParser
import Foundation
import SystemPackage

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Tools/bench",
    abstract: "Measures Fenceline, its peers and the machine's floor.",
    discussion: """
      Without options: 1,000,000 keys of 16 bytes, values of 100 and 1000 bytes, 3 rounds, on tmpfs \
      as forced persistent memory and on the disk below /var/tmp. Each round runs the engines one \
      after the other, each in a process and a directory of its own; figures are medians over rounds.

      Workloads: load and delete (one transaction each, one sync at the end), put-fresh and \
      put-overwrite (durable), batch (100 puts, one durable transaction), get-hit, get-miss, \
      reopen-closed and reopen-killed (from the open to the first answer).
      """
  )

  @Option(help: "Keys to load (default 1,000,000). Durable workloads write a quarter as many.")
  var count: Int?

  @Option(help: ArgumentHelp("Lengths of the values, in bytes.", valueName: "length,..."))
  var valueSizes: NumberList = NumberList(numbers: [100, 1000])

  @Option(help: "Rounds (default 3).")
  var rounds: Int?

  @Option(help: "Seconds after which a workload stops, except the load (default 5).")
  var seconds: Double?

  @Option(
    help: ArgumentHelp(
      "Where to measure, repeatable (default /dev/shm and /var/tmp). What lies on tmpfs is forced.",
      valueName: "directory"
    )
  )
  var directory: [String] = []

  @Option(help: ArgumentHelp("Which engines.", valueName: "name,..."))
  var engines: EngineList = EngineList(names: EngineList.all)

  @Option(help: ArgumentHelp("Which workloads (default all).", valueName: "name,..."))
  var workloads: WorkloadList = WorkloadList(workloads: Workload.ofStores)

  @Option(help: ArgumentHelp("Write everything to this file too.", valueName: "file"))
  var json: String?

  @Flag(help: "2,000 keys, one round: shows that it works, measures nothing.")
  var quick = false

  @Flag(help: .hidden) var onlyCheckArguments = false
  @Option(help: .hidden) var driver: String?
  @Option(help: .hidden) var revision: String?
  @Option(help: .hidden) var scratch: String?

  /// The options with defaults filled in.
  var plan: Plan {
    Plan(
      count: count ?? (quick ? 2_000 : 1_000_000),
      valueLengths: valueSizes.numbers,
      rounds: rounds ?? (quick ? 1 : 3),
      seconds: seconds ?? (quick ? 0.2 : 5),
      engines: engines.names,
      workloads: workloads.workloads
    )
  }

  func validate() throws {
    let plan = plan
    guard (1_000...100_000_000).contains(plan.count) else {
      throw ValidationError("--count takes 1000 to 100000000.")
    }
    guard plan.rounds >= 1, plan.seconds > 0 else {
      throw ValidationError("--rounds and --seconds take numbers above 0.")
    }
    guard plan.valueLengths.allSatisfy({ $0 <= 1 << 20 }) else {
      throw ValidationError("--value-sizes takes at most 1048576 bytes.")
    }
  }

  func run() throws {
    if onlyCheckArguments { return }
    guard let driver, let scratch else {
      throw ValidationError("This program is started by Tools/bench.")
    }
    let plan = plan
    let bases = directory.isEmpty ? ["/dev/shm", "/var/tmp"] : directory
    let media = try bases.map { try Medium(base: $0) }
    for medium in media { try medium.checkSpace(for: plan) }

    let machine = Machine(revision: revision ?? "unknown", plan: plan)
    Table.printHeader(machine)
    var report = Report(machine: machine)
    for medium in media {
      let directory = try medium.createDirectory(notedIn: FilePath(scratch))
      defer { directory.remove() }
      for valueLength in plan.valueLengths {
        let runner = Runner(
          driver: driver,
          scratch: FilePath(scratch),
          directory: directory,
          plan: plan
        )
        let series = try runner.measure(valueLength: valueLength)
        Table.print(series)
        report.series.append(series)
      }
    }
    if quick { print("\n--quick shows that everything runs. Its figures say nothing.") }
    if let json { try report.write(to: json) }
  }
}
