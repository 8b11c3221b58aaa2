// The figures for people.

import Glibc

enum Table {
  static func printHeader(_ machine: Machine) {
    let plan = machine.plan
    Swift.print(
      """
      Fenceline \(machine.revision), \(machine.date)
      \(machine.processor), \(machine.cores) cores, \(Text.bytes(machine.memoryInBytes)), \
      Linux \(machine.kernel)
      \(Text.count(plan.count)) keys of 16 bytes in pseudo-random order; medians of \(plan.rounds) \
      \(plan.rounds == 1 ? "round" : "rounds"); a workload stops after \(plan.seconds) s
      "each" is wall time by operation, from blocks without time stamps; of a batch and of \(Plan.many) \
      gets at once each key counts, and a percentile is that of a call
      """
    )
    // What else runs takes its share of every figure, most of all of wall times.
    if machine.loadAverage > 0.5 {
      Swift.print("The machine is busy: its load average is \(Text.fixed(machine.loadAverage, 1)).")
    }
  }

  static func print(_ series: Series) {
    // Null means every stream. Seen at once also where the output goes to a file or a pipe.
    defer { _ = fflush(nil) }
    Swift.print("\n== \(series.title)")
    for engine in series.engines { printFacts(engine) }
    printFigures(series)
    SpeedTable.print(series)
    CopyTable.print(series)
    // What the speed table shows is told again only where there is a goal.
    let ratios = series.ratios.filter { $0.isMet != nil || !$0.text.contains("/ fenceline") }
    guard !ratios.isEmpty else { return }
    let titles = [Text.left("ratios", 56), Text.right("of time", 9), Text.right("of p50", 9)]
    Swift.print("\n" + titles.joined())
    for ratio in ratios {
      var wanted = ""
      if let bound = ratio.atMost { wanted = " wanted: at most \(Text.bound(bound))" }
      if let bound = ratio.atLeast { wanted = " wanted: at least \(Text.bound(bound))" }
      if let isMet = ratio.isMet { wanted += isMet ? ", met" : ", NOT met" }
      Swift.print(
        Text.left(ratio.text, 56) + Text.right(Text.ratio(ratio.value), 9)
          + Text.right(ratio.valueOfP50.map(Text.ratio) ?? "-", 9) + wanted
      )
    }
  }

  private static func printFacts(_ engine: EngineFigures) {
    let order = [
      "version", "medium", "copy-policy", "durable-survives", "settings", "durable-means",
      "lost-when-killed", "reads-verify", "copy-core", "libpmem", "write-back", "lines",
      "record-lines", "random-read-footprint", "stores", "clock", "stamp-after-loads-ns",
      "stamp-after-stores-ns",
    ]
    let facts = order.compactMap { name in
      engine.facts[name].map { value in
        let isSize = name.hasSuffix("footprint")
        let text = isSize ? Int(value).map(Text.bytes) ?? value : value
        return "\(name.split(separator: "-").joined(separator: " ")) \(text)"
      }
    }
    var line = "\(engine.name.rawValue):"
    for word in facts.joined(separator: "; ").split(separator: " ") {
      if line.count + word.count >= 100 {
        Swift.print(line)
        line = "   "
      }
      line += " \(word)"
    }
    Swift.print(line)
    printNumbers(engine)
  }

  private static func printNumbers(_ engine: EngineFigures) {
    for quantity in [Quantity.streamWrite, .streamRead] {
      guard let value = engine.numbers[quantity.rawValue] else { continue }
      let amount = "\(Text.fixed(value, 1)) \(quantity.unit)"
      Swift.print("\(engine.name.rawValue): \(quantity.title) \(amount)")
    }
  }

  private static func printFigures(_ series: Series) {
    let widths = [24, 11, 11, 10, 10, 10, 10, 10, 10]
    let titles = ["", "", "operations", "each", "per second", "p50", "p99", "p99.9", "longest"]
    func row(_ cells: [String]) -> String {
      zip(cells, widths).enumerated().map { index, cell in
        index < 2 ? Text.left(cell.0, cell.1) : Text.right(cell.0, cell.1)
      }.joined(separator: " ")
    }
    Swift.print("\n" + row(titles))
    for workload in Workload.allCases {
      for engine in series.engines {
        guard let figures = engine.figures(workload) else { continue }
        // A percentile needs samples beyond it.
        func percentile(_ value: Double, _ samples: Int) -> String {
          figures.samples >= samples ? Text.duration(value) : "-"
        }
        Swift.print(
          row([
            workload.title,
            engine.name.rawValue,
            Text.count(Int(Figures.median(figures.operations.map(Double.init)))),
            Text.duration(figures.nanosecondsPerOperation),
            workload.isOnce ? "-" : Text.short(figures.operationsPerSecond),
            percentile(figures.p50, 2),
            percentile(figures.p99, 100),
            percentile(figures.p99_9, 1_000),
            percentile(figures.maximum, 2),
          ])
        )
      }
    }
  }
}
