// The figures as a picture: for each series, how fast each store is as a multiple of one of them, on
// a logarithmic scale.

import Foundation

/// An SVG document with one panel for each series.
struct Plot {
  private static let width = 900.0
  private static let left = 190.0
  private static let right = 60.0
  private static let barHeight = 8.0
  private static let gap = 7.0
  private static let head = 64.0
  /// The scale goes from 1/64 to 64; what lies outside ends at its edge, with its number beside it.
  private static let widest = 6.0

  private var elements: [String] = []
  private var height = 10.0

  /// Nil where no series has two stores to compare.
  static func document(_ report: Report) -> String? {
    var plot = Plot()
    for series in report.series { plot.addPanel(series) }
    guard !plot.elements.isEmpty else { return nil }
    let size = "width=\"\(number(width))\" height=\"\(number(plot.height))\""
    let box = "viewBox=\"0 0 \(number(width)) \(number(plot.height))\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" \(size) \(box) font-family="sans-serif" font-size="11">
      <title>Fenceline \(escaped(report.machine.revision)), \(escaped(report.machine.date))</title>
      <rect width="100%" height="100%" fill="white"/>
      \(plot.elements.joined(separator: "\n"))
      </svg>

      """
  }

  private mutating func addPanel(_ series: Series) {
    let stores = series.engines.map(\.name).filter(\.isStore)
    guard let base = series.base, stores.count > 1 else { return }
    let workloads = Workload.ofStores.filter { series.figures(base, $0) != nil }
    guard !workloads.isEmpty else { return }
    let top = height
    addText(series.title, x: 10, y: top + 16, size: 14)
    addText("times as fast as \(base.rawValue)", x: 10, y: top + 34)
    addLegend(stores, y: top + 34)
    var y = top + Self.head
    for workload in workloads {
      addGroup(workload, series, base: base, stores: stores, y: y)
      y += Double(stores.count) * Self.barHeight + Self.gap
    }
    addScale(from: top + Self.head - 6, to: y)
    height = y + 30
  }

  private mutating func addGroup(
    _ workload: Workload,
    _ series: Series,
    base: Engine,
    stores: [Engine],
    y: Double
  ) {
    let middle = y + Double(stores.count) * Self.barHeight / 2
    addText(workload.title, x: Self.left - 8, y: middle + 4, anchor: "end")
    guard let unit = series.figures(base, workload) else { return }
    for (index, engine) in stores.enumerated() {
      guard let figures = series.figures(engine, workload) else { continue }
      let ratio = unit.nanosecondsPerOperation / figures.nanosecondsPerOperation
      let start = Self.position(of: 1)
      let end = Self.position(of: ratio)
      let top = y + Double(index) * Self.barHeight
      elements.append(
        "<rect x=\"\(Self.number(min(start, end)))\" y=\"\(Self.number(top))\" "
          + "width=\"\(Self.number(max(1, abs(end - start))))\" "
          + "height=\"\(Self.number(Self.barHeight - 1))\" fill=\"\(Self.colour(of: engine))\">"
          + "<title>\(engine.rawValue): \(Text.ratio(ratio))x, "
          + "\(Text.duration(figures.nanosecondsPerOperation)) each</title></rect>"
      )
      guard engine == .fenceline || abs(log2(ratio)) > Self.widest else { continue }
      addText(
        Text.ratio(ratio),
        x: end + (ratio < 1 ? -3 : 3),
        y: top + Self.barHeight - 1,
        anchor: ratio < 1 ? "end" : "start",
        size: 8
      )
    }
  }

  private mutating func addScale(from top: Double, to bottom: Double) {
    for exponent in stride(from: -Self.widest, through: Self.widest, by: 1) {
      let x = Self.number(Self.position(of: exp2(exponent)))
      elements.append(
        "<line x1=\"\(x)\" x2=\"\(x)\" y1=\"\(Self.number(top))\" y2=\"\(Self.number(bottom))\" "
          + "stroke=\"black\" stroke-opacity=\"\(exponent == 0 ? 0.8 : 0.12)\"/>"
      )
      let text = exponent < 0 ? "1/\(Int(exp2(-exponent)))" : "\(Int(exp2(exponent)))"
      addText(text, x: Self.position(of: exp2(exponent)), y: bottom + 12, anchor: "middle", size: 9)
    }
  }

  private mutating func addLegend(_ stores: [Engine], y: Double) {
    var x = Self.left
    for engine in stores {
      elements.append(
        "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y - 9))\" width=\"10\" height=\"10\" "
          + "fill=\"\(Self.colour(of: engine))\"/>"
      )
      addText(engine.rawValue, x: x + 14, y: y)
      x += 24 + 6.5 * Double(engine.rawValue.count)
    }
  }

  private mutating func addText(
    _ text: String,
    x: Double,
    y: Double,
    anchor: String = "start",
    size: Double = 11
  ) {
    elements.append(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\" "
        + "font-size=\"\(Self.number(size))\">\(Self.escaped(text))</text>"
    )
  }

  private static func position(of ratio: Double) -> Double {
    let share = max(-widest, min(widest, log2(ratio))) / widest
    return left + (width - left - right) * (share + 1) / 2
  }

  private static func number(_ value: Double) -> String { Text.fixed(value, 1) }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
  }

  /// Okabe and Ito's colours, which people tell apart whatever their eyes.
  private static func colour(of engine: Engine) -> String {
    switch engine {
    case .fenceline: "#0072b2"
    case .lmdb: "#000000"
    case .rocksdb: "#d55e00"
    case .leveldb: "#e69f00"
    case .sqlite: "#009e73"
    case .tkrzwHash: "#cc79a7"
    case .tkrzwTree: "#56b4e9"
    case .pmemlog: "#f0e442"
    case .floor, .copies: "#999999"
    }
  }
}
