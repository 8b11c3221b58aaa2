// Values that end by themselves. An expired record counts as if its key had been removed; the record that
// really removes it is written later, by ExpirySweep, as an ordinary delete, so that nothing but reads has
// to know of time.
//
// Invariant: time never goes backwards for a handle, nor before the date of the newest segment that it found:
// what has been missing once does not come back because a clock was set.

internal import Glibc
internal import JournalFormat
internal import Synchronization

/// When a value ends.
///
/// Measured by the wall clock of whoever reads, in milliseconds.
public struct Expiry: Sendable, Hashable {
  /// The first moment at which the value is not there any more.
  public let millisecondsSince1970: UInt64

  /// A moment; 0 stands for the first millisecond of 1970, like 1.
  public init(millisecondsSince1970: UInt64) {
    // In a record 0 is what stands where there is no expiry.
    self.millisecondsSince1970 = max(1, millisecondsSince1970)
  }

  /// A moment that comes after a time from now; at once where that is negative.
  public static func after(_ duration: Duration) -> Expiry {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
    let sum = milliseconds.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
    guard !milliseconds.overflow, !sum.overflow else {
      return Expiry(millisecondsSince1970: seconds < 0 ? 1 : .max)
    }
    let now = Clock.wallMilliseconds()
    let moment = now.addingReportingOverflow(UInt64(sum.partialValue.magnitude))
    guard sum.partialValue >= 0 else {
      return Expiry(millisecondsSince1970: now - min(now, UInt64(sum.partialValue.magnitude)))
    }
    return Expiry(millisecondsSince1970: moment.overflow ? .max : moment.partialValue)
  }
}

/// What a read takes for the present, in milliseconds since 1970.
struct Moment: Sendable {
  let milliseconds: UInt64

  /// Whether a record gives its key a value that has not ended by now.
  @inline(__always)
  func shows(_ record: JournalRecord, _ bytes: RawSpan) -> Bool {
    record.isLastingPut
      || record.isPut && showsExpiring(record.flags, bytes, at: record.offset)
  }

  /// A record that many registers hold goes through memory where it is handed on; these few do not.
  @inline(never)
  private func showsExpiring(_ flags: RecordFlags, _ bytes: RawSpan, at offset: Int) -> Bool {
    let fields = RecordFields(flags: flags, in: bytes, at: offset)
    return !hasReached(Expiry(millisecondsSince1970: fields.expiry))
  }

  func hasReached(_ expiry: Expiry) -> Bool { expiry.millisecondsSince1970 <= milliseconds }
}

/// The time by which a store's values end.
final class ExpiryClock: Sendable {
  private let clock: Clock
  /// The highest time so far; signed, for the maximum of atomics compares as if all were (Swift 6.3).
  private let highest: Atomic<Int64>
  private let isStopped: Bool

  /// - Parameters:
  ///   - clock: what to read.
  ///   - headers: of the store's segments, whose dates are past.
  ///   - isStopped: nothing ends: whoever looks at the past does not know what time it was.
  init(_ clock: Clock, notBefore headers: [SegmentHeader], isStopped: Bool) {
    self.clock = clock
    self.isStopped = isStopped
    let newest = headers.map(\.createdAt).max() ?? 0
    highest = Atomic(Int64(clamping: newest / 1_000_000))
  }

  /// The present.
  var now: Moment {
    if isStopped { return Moment(milliseconds: 0) }
    let time = clock.coarseMillisecondsSince1970()
    let known = UInt64(clamping: highest.load(ordering: .relaxed))
    // At most once in a tick of the coarse clock.
    if time > known { advance(to: time) }
    return Moment(milliseconds: max(time, known))
  }

  /// Lets no later moment be before `milliseconds`.
  func advance(to milliseconds: UInt64) {
    highest.max(Int64(clamping: milliseconds), ordering: .relaxed)
  }
}

extension Store {
  /// Whether a record gives its key a value that has not ended.
  @inline(__always)
  func shows(_ record: JournalRecord, _ bytes: RawSpan) -> Bool {
    record.isLastingPut
      || record.isPut && !hasReached(record.flags, bytes, record.offset)
  }

  /// Whether the record at `unit`, which was verified, has ended.
  @inline(__always)
  func hasExpired(_ unit: UInt64) -> Bool {
    unsafe map.withSegment(of: unit) { (_, offset, bytes) in
      let flags = RecordHeaderWords(in: bytes, at: offset).flags
      return flags.contains(.expiry) && hasReached(flags, bytes, offset)
    }
  }

  @inline(never)
  private func hasReached(_ flags: RecordFlags, _ bytes: RawSpan, _ offset: Int) -> Bool {
    let fields = RecordFields(flags: flags, in: bytes, at: offset)
    return clock.now.hasReached(Expiry(millisecondsSince1970: fields.expiry))
  }

  /// Removes everything that ends before a moment, which is the least that the clock shows from now on.
  ///
  /// - Returns: keys that were removed.
  /// - Throws: as ``ExpirySweep/run(_:)``.
  package func removeExpired(at milliseconds: UInt64) throws(StoreError) -> Int {
    clock.advance(to: milliseconds)
    return try maintenance.sweepExpired(.everything)
  }

  /// Gives `key` the value `value` until `expiry`.
  ///
  /// From then on reads take the key for removed: gets, scans, snapshots that begin later. ``count``, and the
  /// space that the value takes, follow when the store's own thread, or a ``compact(progress:)``, has really
  /// removed it. Readers of the past (``openReadOnly(at:asOf:options:)``, ``forEachVersion(of:_:)``) are shown
  /// such values: they can't know what time it was. A later put without an expiry makes the key last.
  ///
  /// - Parameters:
  ///   - key: up to ``maximumKeyLength`` bytes.
  ///   - value: up to ``maximumValueLength`` bytes.
  ///   - expiry: when it ends; a moment that is past removes the key.
  ///   - durability: when to return.
  /// - Returns: what this commit survives now.
  /// - Throws: as ``put(_:_:durability:)-(RawSpan,_,_)``.
  /// - Durability: as there, the expiry included.
  /// - Complexity: as a transaction of one put; the record takes 8 bytes more. The first one of a store goes
  ///   on in a new segment.
  @discardableResult
  public func put(
    _ key: RawSpan,
    _ value: RawSpan,
    expiry: Expiry,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    try put(key, value, expiry, in: nil, durability)
  }

  /// The same in any namespace; nil: in the default one.
  func put(
    _ key: RawSpan,
    _ value: RawSpan,
    _ expiry: Expiry,
    in namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) -> Survival {
    do throws(StoreError) {
      try commitPut(key, value, expiry, namespace, durability)
    } catch {
      guard case .full = error, compactForRoom() else { throw error }
      try commitPut(key, value, expiry, namespace, durability)
    }
    return survival(durability)
  }

  private func commitPut(
    _ key: RawSpan,
    _ value: RawSpan,
    _ expiry: Expiry,
    _ namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) {
    try withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      var transaction = Transaction(store: self)
      try transaction.put(key, value, expiry: expiry, in: namespace)
      try transaction.commit(to: &journal, durability: durability)
    }
  }

  /// When the value of `key` ends; nil where it lasts, or is not there.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  public func expiry(of key: RawSpan) throws(StoreError) -> Expiry? {
    try withRecord(forKey: key) { (record, bytes) in record.expiry(in: bytes) } ?? nil
  }

  // MARK: Conveniences

  /// Gives `key` the value `value` until `expiry`; see ``put(_:_:expiry:durability:)-(RawSpan,_,_,_)``.
  @discardableResult
  public func put(
    _ key: [UInt8],
    _ value: [UInt8],
    expiry: Expiry,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    try put(unsafe key.span.bytes, unsafe value.span.bytes, expiry: expiry, durability: durability)
  }

  /// Gives `key` the value `value` until `expiry`, both as UTF-8.
  @discardableResult
  public func put(
    _ key: String,
    _ value: String,
    expiry: Expiry,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    try put(Array(key.utf8), Array(value.utf8), expiry: expiry, durability: durability)
  }

  /// When the value of `key` ends; nil where it lasts, or is not there.
  public func expiry(of key: [UInt8]) throws(StoreError) -> Expiry? {
    try expiry(of: unsafe key.span.bytes)
  }

  /// When the value of `key` ends; nil where it lasts, or is not there.
  public func expiry(of key: String) throws(StoreError) -> Expiry? {
    try expiry(of: Array(key.utf8))
  }
}
