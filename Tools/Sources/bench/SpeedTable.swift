// One table for all stores: how fast each is, as a multiple of one of them.

enum SpeedTable {
  static func print(_ series: Series) {
    guard let base = series.base else { return }
    let others = series.engines.map(\.name).filter { $0.isStore && $0 != base }
    guard !others.isEmpty else { return }
    let width = 11
    var line = Text.left("speed, as a multiple of \(base.rawValue)'s", 38)
    line += Text.right(base.rawValue, width)
    for engine in others { line += Text.right(engine.rawValue, width) }
    Swift.print("\n" + line)
    for workload in Workload.ofStores {
      let figures = series.figures(base, workload)
      let theirs = others.map { series.figures($0, workload) }
      guard figures != nil || theirs.contains(where: { $0 != nil }) else { continue }
      line = Text.left(workload.title, 38) + Text.right(absolute(figures, workload), width)
      for other in theirs {
        line += Text.right(cell(other, relativeTo: figures, workload), width)
      }
      Swift.print(line)
    }
    for quantity in Quantity.allCases where quantity.unit != Quantity.streamRead.unit {
      let values = ([base] + others).map { series.number($0, quantity) }
      guard values.contains(where: { $0 != nil }) else { continue }
      line = Text.left("\(quantity.title), \(quantity.unit)", 38)
      for value in values {
        line += Text.right(value.map { Text.fixed($0, $0 < 10 ? 2 : 0) } ?? "-", width)
      }
      Swift.print(line)
    }
  }

  private static func absolute(_ figures: Figures?, _ workload: Workload) -> String {
    guard let figures else { return "-" }
    return workload.isOnce
      ? Text.duration(figures.nanosecondsPerOperation)
      : "\(Text.short(figures.operationsPerSecond))/s"
  }

  /// What the base can't do is given in itself.
  private static func cell(
    _ figures: Figures?,
    relativeTo base: Figures?,
    _ workload: Workload
  ) -> String {
    guard let figures, let base else { return absolute(figures, workload) }
    return Text.ratio(base.nanosecondsPerOperation / figures.nanosecondsPerOperation) + "x"
  }
}
