// How much of a segment still counts. Changed under the write lock by whoever changes the index, one
// addition a record; read by anyone.

internal import Synchronization

/// Counters of one segment.
@safe
final class SegmentUsage: @unchecked Sendable {
  // SAFETY: atomics, in memory that lives as long as self.
  private let counters: UnsafeMutablePointer<Atomic<Int>>
  private static let counterCount = 2

  /// The segment holds no version that a transaction before this one superseded or removed.
  ///
  /// 0 where nobody knows.
  let compactedThrough: Atomic<UInt64>
  /// A compaction came upon a record that it can't read.
  let isUnreadable = Atomic<Bool>(false)
  /// Bytes that a compaction would not give back because they are retained...
  let retainedBytes = Atomic<Int>(0)
  /// ...as long as the window begins before this sequence.
  let retainedUntil = Atomic<UInt64>(0)

  /// When it is worth it to look for records that have expired, in milliseconds since 1970; the largest number
  /// where none will.
  ///
  /// Signed: the minimum of atomics compares unsigned numbers as if they were (Swift 6.3).
  private let expirySweep: Atomic<Int64>

  init(compactedThrough: UInt64 = 0, mayExpire: Bool = false) {
    expirySweep = Atomic(mayExpire ? 0 : .max)
    unsafe counters = .allocate(capacity: Self.counterCount)
    for index in 0..<Self.counterCount { unsafe (counters + index).initialize(to: Atomic(0)) }
    self.compactedThrough = Atomic(compactedThrough)
  }

  deinit {
    unsafe counters.deinitialize(count: Self.counterCount)
    unsafe counters.deallocate()
  }

  /// Notes that there is no record that will expire.
  func noteNothingExpires() { expirySweep.store(.max, ordering: .relaxed) }

  /// Notes a record that will expire, or when to look for some.
  func note(_ expiry: Expiry) {
    expirySweep.min(Int64(clamping: expiry.millisecondsSince1970), ordering: .relaxed)
  }

  /// When it is worth it to look for records that have expired; nil where none will.
  var nextExpirySweep: Expiry? {
    let moment = expirySweep.load(ordering: .relaxed)
    return moment == .max ? nil : Expiry(millisecondsSince1970: UInt64(clamping: moment))
  }

  /// Starts from what somebody else has counted.
  func set(live: Int, tombstones: Int) {
    unsafe counters[0].store(live, ordering: .relaxed)
    unsafe counters[1].store(tombstones, ordering: .relaxed)
  }

  /// Where bytes of records that the index points to are counted.
  var liveCounter: UnsafePointer<Atomic<Int>> { unsafe UnsafePointer(counters) }
  /// Where bytes of delete records are counted.
  var tombstoneCounter: UnsafePointer<Atomic<Int>> { unsafe UnsafePointer(counters + 1) }

  /// Bytes of records that the index points to.
  var liveBytes: Int { unsafe counters[0].load(ordering: .relaxed) }
  /// Bytes of delete records.
  var tombstoneBytes: Int { unsafe counters[1].load(ordering: .relaxed) }
}

extension Atomic<Int> {
  /// Adds without a locked instruction: there is one writer at a time.
  @inline(__always)
  func addAsOnlyWriter(_ count: Int) {
    store(load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }
}
