// A run beside an earlier one: what has become faster, and what slower.

/// Compares a report with one that was kept.
struct Against {
  var baseline: Report
  var path: String

  func print(_ report: Report) {
    Swift.print(
      "\nagainst \(path): Fenceline \(baseline.machine.revision), \(baseline.machine.date), "
        + "\(baseline.machine.processor)"
    )
    if baseline.machine.processor != report.machine.processor {
      Swift.print("That was another processor: only ratios between stores say something.")
    }
    for series in report.series {
      guard let then = counterpart(of: series, count: report.machine.plan.count) else {
        Swift.print("\n== \(series.title): nothing to compare with")
        continue
      }
      print(series, then)
    }
  }

  /// The same work on the same kind of medium.
  private func counterpart(of series: Series, count: Int) -> Series? {
    guard baseline.machine.plan.count == count else { return nil }
    return baseline.series.first {
      $0.fileSystem == series.fileSystem && $0.isForced == series.isForced
        && $0.valueLength == series.valueLength && $0.threads == series.threads
    }
  }

  private func print(_ now: Series, _ then: Series) {
    let engines = now.engines.map(\.name).filter { engine in
      then.engines.contains { $0.name == engine }
    }
    Swift.print("\n== \(now.title)")
    let width = 12
    var line = Text.left("speed now / then", 26)
    for engine in engines { line += Text.right(engine.rawValue, width) }
    let base = now.base.flatMap { engines.contains($0) && $0 != .fenceline ? $0 : nil }
    if let base { line += Text.right("/ \(base.rawValue)", width) }
    Swift.print(line + Text.right("p99", width))
    for workload in Workload.allCases {
      let speeds = engines.map { speed($0, workload, now, then) }
      guard speeds.contains(where: { $0 != nil }) else { continue }
      line = Text.left(workload.title, 26)
      for value in speeds { line += Text.right(value.map(Text.ratio) ?? "-", width) }
      if let base { line += Text.right(relative(workload, base, now, then), width) }
      Swift.print(line + Text.right(tail(workload, now, then), width))
    }
    for quantity in Quantity.allCases {
      let values = engines.map { engine -> Double? in
        guard let mine = now.number(engine, quantity), let old = then.number(engine, quantity),
          old > 0
        else { return nil }
        return mine / old
      }
      guard values.contains(where: { $0 != nil }) else { continue }
      line = Text.left(quantity.title, 26)
      for value in values { line += Text.right(value.map(Text.ratio) ?? "-", width) }
      Swift.print(line)
    }
  }

  private func speed(_ engine: Engine, _ workload: Workload, _ now: Series, _ then: Series)
    -> Double?
  {
    guard let mine = now.figures(engine, workload), let old = then.figures(engine, workload) else {
      return nil
    }
    return old.nanosecondsPerOperation / mine.nanosecondsPerOperation
  }

  /// Fenceline's change as a multiple of the base's: what the machine does to both cancels out.
  private func relative(_ workload: Workload, _ base: Engine, _ now: Series, _ then: Series)
    -> String
  {
    guard let own = speed(.fenceline, workload, now, then),
      let others = speed(base, workload, now, then)
    else { return "-" }
    return Text.ratio(own / others)
  }

  /// Fenceline's 99th percentile, where there are samples beyond it.
  private func tail(_ workload: Workload, _ now: Series, _ then: Series) -> String {
    guard let mine = now.figures(.fenceline, workload), mine.samples >= 100,
      let old = then.figures(.fenceline, workload), old.samples >= 100, old.p99 > 0
    else { return "-" }
    return Text.ratio(mine.p99 / old.p99)
  }
}
