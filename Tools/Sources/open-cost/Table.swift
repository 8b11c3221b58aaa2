// The figures for people: one line each, the median of the rounds and the worst.

import Glibc

enum Table {
  /// A line of a table: its title, the figure's name, its unit and digits behind the point.
  private struct Line {
    var title: String
    var name: String
    var unit: String
    var digits = 0
    /// What a figure is divided by.
    var divisor = 1.0
  }

  static func printHeader(_ command: OpenCost, medium: String, _ series: Series) {
    let stamp = series.summary("load.stamp-ns")?.median ?? 0
    print(
      """
      \(command.keys) keys of 16 bytes in pseudo-random order, values of \(command.valueBytes), \
      \(command.rounds) \(command.rounds == 1 ? "round" : "rounds")
      \(command.directory), medium: \(medium); all options are the defaults
      What is opened was written a moment ago: page cache or tmpfs are warm.
      A time stamp takes \(fixed(stamp, 1)) ns; every time of a single put has one in it.
      """
    )
  }

  static func printAll(_ series: Series) {
    print(
      "load: puts of new keys, one after the other",
      series,
      [
        Line(
          title: "all, with stamps and the making of keys",
          name: "load.load-s",
          unit: "s",
          digits: 2
        ),
        Line(title: "put, mean", name: "load.put-mean-ns", unit: "ns"),
        Line(title: "put, p50", name: "load.put-p50-ns", unit: "ns"),
        Line(title: "put, p99", name: "load.put-p99-ns", unit: "ns"),
        Line(title: "put, p99.9", name: "load.put-p99.9-ns", unit: "ns"),
        Line(title: "put, p99.99", name: "load.put-p99.99-ns", unit: "ns"),
        Line(title: "put, worst", name: "load.put-worst-ns", unit: "ns"),
        Line(
          title: "table of keys, in memory",
          name: "load.index-bytes",
          unit: "MB",
          digits: 1,
          divisor: 1e6
        ),
      ]
    )
    print(
      "close behind the load; journal bytes are taken for keys x (key + value + 24)",
      series,
      [
        Line(title: "close", name: "load.close-ms", unit: "ms", digits: 1),
        Line(title: "images seen during load and close", name: "load.image-count", unit: "files"),
        Line(title: "their bytes", name: "load.image-bytes", unit: "MB", digits: 1, divisor: 1e6),
        Line(
          title: "their bytes by byte of journal",
          name: "load.image-ratio",
          unit: "bytes",
          digits: 3
        ),
      ]
    )
    print(
      "reading everything, behind the load and its close; the floor adds up the same files' bytes",
      series,
      [
        Line(title: "segments", name: "verify.journal-bytes", unit: "MB", divisor: 1e6),
        Line(title: "floor, all processors", name: "verify.floor-gbs", unit: "GB/s", digits: 2),
        Line(
          title: "floor that maps the files first",
          name: "verify.mapped-floor-gbs",
          unit: "GB/s",
          digits: 2
        ),
        Line(title: "verify", name: "verify.verify-gbs", unit: "GB/s", digits: 2),
        Line(title: "verify, of the floor", name: "verify.verify-share", unit: "%"),
        Line(title: "verify, of that with maps", name: "verify.verify-mapped-share", unit: "%"),
        Line(
          title: "openReadOnly without an image",
          name: "verify.whole-gbs",
          unit: "GB/s",
          digits: 2
        ),
        Line(title: "the same, of the floor", name: "verify.whole-share", unit: "%"),
      ]
    )
    print(
      "reading process, behind the load and its close",
      series,
      opening("read-closed", "openReadOnly")
    )
    print(
      "writing process, behind the load and its close; then it overwrites random keys",
      series,
      opening("write-closed", "open") + [
        Line(
          title: "put, p50 of the first second",
          name: "write-closed.first-put-p50-ns",
          unit: "ns"
        ),
        Line(
          title: "put, p50 behind five seconds",
          name: "write-closed.steady-put-p50-ns",
          unit: "ns"
        ),
        Line(
          title: "first second / behind five",
          name: "write-closed.put-p50-ratio",
          unit: "times",
          digits: 2
        ),
        Line(title: "close", name: "write-closed.close-ms", unit: "ms", digits: 1),
      ]
    )
    print(
      "reading process, behind a SIGKILL amid overwriting (2-4 s, sync, up to 1 s more)",
      series,
      opening("read-killed", "openReadOnly")
    )
    print(
      "writing process, behind the same SIGKILL",
      series,
      opening("write-killed", "open") + [
        Line(title: "close", name: "write-killed.close-ms", unit: "ms", digits: 1)
      ]
    )
  }

  static func printGrowth(_ series: Series, _ rounds: [Figures]) {
    print(
      "growth: puts of new keys into an empty store",
      series,
      [
        Line(title: "put, mean", name: "load.put-mean-ns", unit: "ns"),
        Line(title: "put, p50", name: "load.put-p50-ns", unit: "ns"),
        Line(title: "puts above 100 us", name: "load.puts-above-100000", unit: "puts"),
        Line(title: "puts above 1 ms", name: "load.puts-above-1000000", unit: "puts"),
        Line(title: "puts above 10 ms", name: "load.puts-above-10000000", unit: "puts"),
      ]
    )
    for (index, figures) in rounds.enumerated() {
      print("\n" + left("worst puts of round \(index + 1)", 26), terminator: "")
      print(right("us", 12) + right("keys before it", 18))
      var rank = 0
      while let put = figures["worst-\(rank)"]?.split(separator: " ").compactMap({ Int($0) }),
        put.count == 2
      {
        rank += 1
        let microseconds = fixed(Double(put[1]) / 1e3, 1)
        print(
          "  " + left("\(rank)", 24) + right(microseconds, 12) + right("\(put[0])", 18),
          powerOfTwo(put[0])
        )
      }
    }
  }

  private static func opening(_ prefix: String, _ call: String) -> [Line] {
    [
      Line(title: call, name: "\(prefix).open-ms", unit: "ms", digits: 1),
      Line(
        title: "\(call) and the first get",
        name: "\(prefix).first-get-ms",
        unit: "ms",
        digits: 1
      ),
      Line(title: "records that the opening read", name: "\(prefix).records", unit: "records"),
    ]
  }

  static func printGroups(_ series: Series, tasks: Int) {
    print(
      "durable puts of new keys",
      series,
      [
        Line(title: "one thread", name: "groups.single-us", unit: "us", digits: 2),
        Line(
          title: "\(tasks) tasks together, a put",
          name: "groups.grouped-us",
          unit: "us",
          digits: 2
        ),
        Line(title: "gain", name: "groups.gain", unit: "times", digits: 1),
      ]
    )
  }

  private static func print(_ title: String, _ series: Series, _ lines: [Line]) {
    // Seen at once also where the output goes to a file or a pipe. Null means every stream.
    defer { _ = fflush(nil) }
    Swift.print("\n\(title)")
    Swift.print(left("", 42) + right("median", 14) + right("worst", 14))
    for line in lines {
      guard let (median, worst) = series.summary(line.name) else { continue }
      let cells = [median, worst].map { right(fixed($0 / line.divisor, line.digits), 14) }
      Swift.print("  " + left(line.title, 40) + cells.joined() + " " + line.unit)
    }
  }

  private static func print(_ items: String..., terminator: String = "\n") {
    Swift.print(items.joined(separator: " "), terminator: terminator)
  }

  /// A number as a multiple, from 1 to 2, of a power of two.
  private static func powerOfTwo(_ number: Int) -> String {
    guard number > 0 else { return "" }
    let exponent = Int.bitWidth - 1 - number.leadingZeroBitCount
    return "  = \(fixed(Double(number) / Double(1 << exponent), 4)) x 2^\(exponent)"
  }

  /// A number that is not negative, with so many digits behind the point.
  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { (scale, _) in scale * 10 }
    let number = Int((value * Double(scale)).rounded())
    guard digits > 0 else { return "\(number)" }
    let fraction = String(number % scale)
    return "\(number / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
