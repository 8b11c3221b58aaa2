// What the driver prints (its output.h describes the lines), with samples as histograms.

import Histogram

struct DriverOutput {
  struct Result {
    var operations: Int
    var nanosecondsPerOperation: Double
    /// In nanoseconds.
    var histogram: Histogram<UInt64>
  }

  var facts: [String: String] = [:]
  var numbers: [Quantity: Double] = [:]
  var copies: [CopyTime] = []
  var results: [Workload: Result] = [:]

  init(text: String, samples: [UInt8]) throws {
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      if fields.count == 3, fields[0] == "fact" {
        facts[fields[1]] = fields[2]
      } else if fields.count == 3, fields[0] == "number", let value = Double(fields[2]),
        let quantity = Quantity(rawValue: fields[1])
      {
        numbers[quantity] = value
      } else if fields.count == 5, fields[0] == "copy", let length = Int(fields[1]),
        let offset = Int(fields[2]), let nanoseconds = Double(fields[4])
      {
        copies.append(
          CopyTime(
            lengthInBytes: length,
            offset: offset,
            way: fields[3],
            nanoseconds: nanoseconds
          )
        )
      } else if fields.count == 9, fields[0] == "result",
        let workload = Workload(rawValue: fields[1])
      {
        let numbers = fields[2...].compactMap { Int($0) }
        guard numbers.count == 7, let ticks = facts["ticks-per-second"].flatMap(Double.init) else {
          throw BenchError("the driver's line is not as it should be: \(line)")
        }
        var histogram = Self.histogram(
          of: samples[(numbers[5] * 4)...].prefix(numbers[6] * 4),
          nanosecondsPerTick: 1e9 / ticks
        )
        if numbers[6] == 1 {
          // What happens once may take longer than a sample can hold.
          histogram.reset()
          histogram.record(UInt64(min(numbers[1], Self.longest)))
        }
        results[workload] = Result(
          operations: numbers[0],
          nanosecondsPerOperation:
            Double(numbers[3]) / Double(numbers[2]) + Double(numbers[4]) / Double(numbers[0]),
          histogram: histogram
        )
      } else {
        throw BenchError("the driver's line is not as it should be: \(line)")
      }
    }
  }

  /// What a histogram can hold, in nanoseconds.
  private static let longest = 1_000_000_000_000

  private static func histogram(
    of samples: ArraySlice<UInt8>,
    nanosecondsPerTick: Double
  ) -> Histogram<UInt64> {
    var histogram = Histogram<UInt64>(
      lowestDiscernibleValue: 1,
      highestTrackableValue: UInt64(longest),
      numberOfSignificantValueDigits: .three
    )
    var at = samples.startIndex
    while at + 4 <= samples.endIndex {
      var ticks: UInt32 = 0
      for byte in samples[at..<at + 4].reversed() { ticks = ticks << 8 | UInt32(byte) }
      // x86 and arm64 both store the lowest byte first.
      histogram.record(UInt64(Double(ticks) * nanosecondsPerTick))
      at += 4
    }
    return histogram
  }
}
