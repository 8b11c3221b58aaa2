// Times of single puts: a histogram for the percentiles, and the worst with the put's number.

import Glibc
import Histogram

/// Moments.
enum Stamp {
  /// Nanoseconds of the monotonic clock.
  @inline(__always)
  static func now() -> UInt64 {
    var time = timespec()
    // SAFETY: the pointer is used during the call only. The call fails for unknown clocks only.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Nanoseconds from one stamp to the next: the mean, as the clock's steps may be longer.
  static func cost() -> Double {
    let count = 1_000_000
    let start = now()
    var last = start
    for _ in 0..<count { last = now() }
    return Double(last - start) / Double(count)
  }
}

/// Times of single puts.
struct Latencies {
  /// A put that took long.
  struct SlowPut {
    /// Which one it was.
    var number: Int
    var nanoseconds: UInt64
  }

  /// Nanoseconds above which puts are counted: 100 us, 1 ms, 10 ms.
  static let limits: [UInt64] = [100_000, 1_000_000, 10_000_000]
  private static let worstCount = 20

  /// Puts above each of `limits`.
  private(set) var countsAbove = [0, 0, 0]
  /// The slowest ones, the slowest first.
  private(set) var worst: [SlowPut] = []
  private var histogram = Histogram<UInt64>(
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1_000_000_000_000,
    numberOfSignificantValueDigits: .three
  )
  private var sum: UInt64 = 0
  /// A put is among the worst if it takes longer.
  private var threshold: UInt64 = 0

  mutating func record(_ nanoseconds: UInt64, _ number: Int) {
    histogram.record(nanoseconds)
    sum += nanoseconds
    if nanoseconds > threshold { recordSlow(nanoseconds, number) }
    if nanoseconds > Self.limits[0] {
      for index in Self.limits.indices where nanoseconds > Self.limits[index] {
        countsAbove[index] += 1
      }
    }
  }

  @inline(never)
  private mutating func recordSlow(_ nanoseconds: UInt64, _ number: Int) {
    let place = worst.firstIndex { $0.nanoseconds < nanoseconds } ?? worst.endIndex
    worst.insert(SlowPut(number: number, nanoseconds: nanoseconds), at: place)
    guard worst.count >= Self.worstCount else { return }
    worst.removeSubrange(Self.worstCount...)
    threshold = worst[Self.worstCount - 1].nanoseconds
  }

  /// In nanoseconds.
  var mean: Double { Double(sum) / Double(histogram.totalCount) }

  /// In nanoseconds, to three digits.
  func percentile(_ percentile: Double) -> Double {
    Double(histogram.valueAtPercentile(percentile))
  }
}
