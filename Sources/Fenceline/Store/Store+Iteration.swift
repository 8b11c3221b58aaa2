// All entries, one after the other. Until the engine orders keys, key order is made per call.

internal import JournalFormat
internal import PersistentMemory

/// The order of a ``Store/forEach(from:prefix:order:limit:_:)``.
public enum IterationOrder: Sendable, Hashable {
  /// No order; no memory is needed.
  case unordered
  /// By the keys' bytes. Takes 24 bytes of memory for each entry that qualifies, or up to 48 for each
  /// of the limit if that is less, and a sort per call.
  case byKey
}

/// What a visitor wants next.
public enum IterationStep: Sendable, Hashable {
  /// The next entry.
  case next
  /// No more.
  case stop
}

/// Where an entry stands in the journal.
public struct EntryLocation: Sendable, Hashable {
  /// Number of the segment, which is its file's name in hexadecimal.
  public let segment: UInt32
  /// Offset of the record in the segment's file.
  public let offset: Int
  /// Bytes of the whole record.
  public let recordLength: Int
  /// Offset of the value in the segment's file.
  public let valueOffset: Int
  /// Sequence of the transaction that wrote it.
  public let sequence: UInt64
  /// Checksum of the record.
  public let checksum: UInt32
}

extension Store {
  /// Visits the entries whose key is not less than `start` and begins with `prefix`.
  ///
  /// A key that is there during the whole call is visited exactly once, with a version that was
  /// current at some moment of the call; one that is deleted and put again meanwhile may come
  /// twice. `body` may read from the store and write to it.
  ///
  /// - Parameters:
  ///   - start: no key before it is visited; empty for all.
  ///   - prefix: empty for all.
  ///   - order: see ``IterationOrder``.
  ///   - limit: the most entries to visit; in key order, the smallest keys.
  ///   - body: gets key and value in place, and where the entry stands.
  /// - Throws: as ``withValue(forKey:_:)``; for a damaged store, after every readable entry was
  ///   visited.
  /// - Complexity: O(n) for n keys in the whole store, whatever the start; with `.byKey` also
  ///   O(m log min(m, limit)) for the m keys that qualify. Every record that is looked at is
  ///   verified.
  public func forEach(
    from start: [UInt8] = [],
    prefix: [UInt8] = [],
    order: IterationOrder = .unordered,
    limit: Int = .max,
    _ body: (RawSpan, RawSpan, EntryLocation) -> IterationStep
  ) throws(StoreError) {
    try checkOpen()
    guard limit > 0 else { return }
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    follower?.catchUp()
    let faults = MemoryErrors.count
    let bounds = KeyBounds(start: start, prefix: prefix)
    var failure: StoreError?
    var isStopped = false
    var remaining = limit
    func visit(_ unit: UInt64) {
      guard !isStopped, remaining > 0 else { return }
      do throws(StoreError) {
        let step = try withEntry(at: unit, in: bounds) { (record, key, value) in
          remaining -= 1
          return body(key, value, map.location(of: record, unit: unit))
        }
        isStopped = step == .stop
      } catch {
        failure = failure ?? error
      }
    }
    switch order {
    case .unordered: index.forEachUnit { visit($0) }
    case .byKey:
      let first = firstUnits(limit, in: bounds)
      failure = first.failure
      for unit in first.units { visit(unit) }
    }
    if let failure { throw failure }
    if MemoryErrors.count != faults { try checkMedia() }
    // Not behind a limit alone: a smaller key may be among what was lost.
    if !isStopped { try checkCompleteness() }
  }

  /// Hands out the verified entry at a position, or nothing where its key is out of bounds.
  @inline(__always)
  private func withEntry<R>(
    at unit: UInt64,
    in bounds: KeyBounds,
    _ body: (JournalRecord, RawSpan, RawSpan) -> R
  ) throws(StoreError) -> R? {
    try map.withRecord(at: unit) { (record, bytes) throws(StoreError) in
      let key = bytes.extracting(record.keyRange)
      guard bounds.contain(key) else { return nil }
      let refusal = damageError(keyCheck: record.header.keyCheck, sequence: record.sequence)
      if let refusal { throw refusal }
      return body(record, key, bytes.extracting(record.valueRange))
    }
  }

  /// Units of the entries with the smallest keys within bounds, in key order.
  ///
  /// What can't be read is left out, and the first such failure returned.
  private func firstUnits(
    _ limit: Int,
    in bounds: KeyBounds
  ) -> (units: [UInt64], failure: StoreError?) {
    var first = SmallestKeys(limit: limit, map: map)
    var failure: StoreError?
    index.forEachUnit { (unit) in
      do throws(StoreError) {
        let keyStart = try withEntry(at: unit, in: bounds) { (_, key, _) in Bytes.start(of: key) }
        if let keyStart { first.add(unit, keyStart: keyStart) }
      } catch {
        failure = failure ?? error
      }
    }
    return (first.sorted(), failure)
  }
}

/// Which keys an iteration wants.
private struct KeyBounds {
  let start: [UInt8]
  let prefix: [UInt8]

  @inline(__always)
  func contain(_ key: RawSpan) -> Bool {
    if !prefix.isEmpty, !Bytes.hasPrefix(key, unsafe prefix.span.bytes) { return false }
    return start.isEmpty || !Bytes.precedes(key, unsafe start.span.bytes)
  }
}

/// Keeps the positions of the smallest of the keys that it is given.
///
/// Invariant: at most twice the limit are held. When there are that many the larger half goes, so
/// each key that is added takes part in O(log limit) comparisons on average.
private struct SmallestKeys {
  /// The first eight bytes of the key decide most comparisons without another look at the record.
  private typealias Position = (keyStart: UInt64, unit: UInt64)

  private let limit: Int
  private let map: SegmentMap
  private var positions: [Position] = []
  /// The largest key that still counts, once there are `limit` of them.
  private var largest: Position?

  init(limit: Int, map: SegmentMap) {
    self.limit = limit
    self.map = map
  }

  mutating func add(_ unit: UInt64, keyStart: UInt64) {
    let position = (keyStart, unit)
    if let largest, !precedes(position, largest) { return }
    positions.append(position)
    // Compared without doubling: the limit may be the largest number there is.
    if positions.count - limit >= limit { cut() }
  }

  /// The positions in key order.
  mutating func sorted() -> [UInt64] {
    cut()
    return positions.map(\.unit)
  }

  private mutating func cut() {
    let map = map
    positions.sort { Self.precedes($0, $1, map) }
    guard positions.count >= limit else { return }
    positions.removeLast(positions.count - limit)
    largest = positions.last
  }

  private func precedes(_ left: Position, _ right: Position) -> Bool {
    Self.precedes(left, right, map)
  }

  private static func precedes(_ left: Position, _ right: Position, _ map: SegmentMap) -> Bool {
    if left.keyStart != right.keyStart { return left.keyStart < right.keyStart }
    return map.precedes(left.unit, right.unit)
  }
}

extension SegmentMap {
  /// Where a record stands, for people and for export.
  func location(of record: JournalRecord, unit: UInt64) -> EntryLocation {
    // SAFETY: the unit was just read.
    let binding = unsafe view(ofUnit: unit).pointee.binding
    return EntryLocation(
      segment: binding.segmentID,
      offset: record.offset,
      recordLength: record.shape.totalLength,
      valueOffset: record.valueRange.lowerBound,
      sequence: record.sequence,
      checksum: record.header.checksum
    )
  }

  /// Whether the key of one record comes before that of another.
  ///
  /// Both were verified.
  func precedes(_ left: UInt64, _ right: UInt64) -> Bool {
    withUnverifiedKey(at: left) { (left) in
      withUnverifiedKey(at: right) { (right) in Bytes.precedes(left, right) }
    }
  }
}
