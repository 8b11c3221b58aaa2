// What Tools/bench and Tools/peers have in common: their options, and running them.

import ArgumentParser
import Foundation
import SystemPackage

struct BenchOptions: ParsableArguments {
  @Option(help: "Keys to load (default 1,000,000). Durable workloads write a quarter as many.")
  var count: Int?

  @Option(help: ArgumentHelp("Lengths of the values, in bytes.", valueName: "length,..."))
  var valueSizes: NumberList = NumberList(numbers: [100, 1000])

  @Option(help: ArgumentHelp("How many threads work on a store at once.", valueName: "number,..."))
  var threads: NumberList = NumberList(numbers: [1, 2])

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

  @Option(help: ArgumentHelp("Which engines (default all).", valueName: "name,..."))
  var engines: CaseList<Engine>?

  @Option(help: ArgumentHelp("Which workloads (default all).", valueName: "name,..."))
  var workloads: CaseList<Workload>?

  @Option(help: ArgumentHelp("Write everything to this file too.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Draw the ratios into this file too.", valueName: "file"))
  var svg: String?

  @Option(
    help: ArgumentHelp(
      "Compare with what an earlier --json kept: speeds and p99, now by then.",
      valueName: "baseline.json"
    )
  )
  var against: String?

  @Flag(help: "2,000 keys, one round: shows that it works, measures nothing.")
  var quick = false

  @Flag(help: .hidden) var onlyCheckArguments = false
  @Flag(help: .hidden) var onlyPrintEngines = false
  @Option(help: .hidden) var driver: String?
  @Option(help: .hidden) var revision: String?
  @Option(help: .hidden) var scratch: String?

  /// The options with defaults filled in.
  func plan(engines available: [Engine]) -> Plan {
    Plan(
      count: count ?? (quick ? 2_000 : 1_000_000),
      valueLengths: valueSizes.numbers,
      threads: threads.numbers,
      rounds: rounds ?? (quick ? 1 : 3),
      seconds: seconds ?? (quick ? 0.2 : 5),
      engines: engines?.cases ?? available,
      workloads: workloads?.cases ?? Workload.ofStores
    )
  }

  func validate() throws {
    let plan = plan(engines: [])
    guard (1_000...100_000_000).contains(plan.count) else {
      throw ValidationError("--count takes 1000 to 100000000.")
    }
    guard plan.rounds >= 1, plan.seconds > 0 else {
      throw ValidationError("--rounds and --seconds take numbers above 0.")
    }
    guard plan.valueLengths.allSatisfy({ $0 <= 64 << 20 }) else {
      throw ValidationError("--value-sizes takes at most 67108864 bytes.")
    }
    guard plan.threads.allSatisfy({ $0 <= 64 }) else {
      throw ValidationError("--threads takes at most 64.")
    }
    for file in [json, svg].compactMap(\.self) {
      let directory = URL(filePath: file).deletingLastPathComponent().path(percentEncoded: false)
      guard FileManager.default.isWritableFile(atPath: directory) else {
        throw ValidationError("\(file): nothing can be written there.")
      }
    }
    if let against, case .failure(let error) = Result(catching: { try Report(path: against) }) {
      throw ValidationError("\(error)")
    }
  }

  func run(engines available: [Engine]) throws {
    if onlyCheckArguments { return }
    let plan = plan(engines: available)
    if onlyPrintEngines {
      for engine in plan.engines { print(engine.rawValue) }
      return
    }
    guard let driver, let scratch else {
      throw ValidationError("This program is started by its script in Tools/.")
    }
    let bases = directory.isEmpty ? ["/dev/shm", "/var/tmp"] : directory
    let media = try bases.map { try Medium(base: $0) }
    for medium in media { try medium.checkSpace(for: plan) }

    let machine = Machine(revision: revision ?? "unknown", plan: plan)
    Table.printHeader(machine)
    var report = Report(machine: machine)
    for medium in media {
      let directory = try medium.createDirectory(notedIn: FilePath(scratch))
      defer { directory.remove() }
      let runner = Runner(
        driver: driver,
        scratch: FilePath(scratch),
        directory: directory,
        plan: plan
      )
      for valueLength in plan.valueLengths {
        var single: Series?
        for threads in plan.threads {
          var series = try runner.measure(
            valueLength: valueLength,
            threads: threads,
            copiesAllSizes: threads == 1 && valueLength == plan.valueLengths.first
          )
          series.ratios = Goals.ratios(
            of: series,
            count: plan.count,
            single: threads > 1 ? single : nil
          )
          if threads == 1 { single = series }
          Table.print(series)
          report.series.append(series)
        }
      }
    }
    if quick { print("\n--quick shows that everything runs. Its figures say nothing.") }
    if let against { Against(baseline: try Report(path: against), path: against).print(report) }
    if let json { try report.write(to: json) }
    guard let svg else { return }
    guard let document = Plot.document(report) else {
      throw BenchError("\(svg): there are no two stores to compare, so nothing was drawn")
    }
    try Data(document.utf8).write(to: URL(filePath: svg))
  }
}
