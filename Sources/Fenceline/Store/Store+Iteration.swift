// All entries, one after the other. Until the engine orders keys, key order is made per call.

internal import JournalFormat
internal import PersistentMemory

/// The order of a ``Store/forEach(prefix:order:_:)``.
public enum IterationOrder: Sendable, Hashable {
  /// No order; no memory is needed.
  case unordered
  /// By the keys' bytes. Takes 24 bytes of memory per entry and a sort per call.
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
  /// Visits every entry whose key starts with `prefix`.
  ///
  /// A key that is there during the whole call is visited exactly once, with a version that was
  /// current at some moment of the call; one that is deleted and put again meanwhile may come
  /// twice.
  ///
  /// - Parameters:
  ///   - prefix: empty for all.
  ///   - order: see ``IterationOrder``.
  ///   - body: gets key and value in place, and where the entry stands.
  /// - Throws: as ``withValue(forKey:_:)``; for a damaged store, after every readable entry was
  ///   visited.
  /// - Complexity: O(n), with `.byKey` O(n log n); every visited record is verified.
  public func forEach(
    prefix: [UInt8] = [],
    order: IterationOrder = .unordered,
    _ body: (RawSpan, RawSpan, EntryLocation) -> IterationStep
  ) throws(StoreError) {
    try checkOpen()
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    let faults = MemoryErrors.count
    var failure: StoreError?
    var isStopped = false
    func visit(_ unit: UInt64) {
      guard !isStopped else { return }
      do throws(StoreError) {
        let step = try map.withRecord(at: unit) { (record, bytes) throws(StoreError) in
          let key = bytes.extracting(record.keyRange)
          guard Bytes.hasPrefix(key, unsafe prefix.span.bytes) else { return IterationStep.next }
          if !damage.isEmpty {
            try checkDamage(keyCheck: record.header.keyCheck, sequence: record.sequence)
          }
          return body(
            key,
            bytes.extracting(record.valueRange),
            map.location(of: record, unit: unit)
          )
        }
        isStopped = step == .stop
      } catch {
        failure = failure ?? error
      }
    }
    switch order {
    case .unordered: index.forEachUnit { visit($0) }
    case .byKey:
      for unit in try sortedUnits(prefix: prefix, failure: &failure) { visit(unit) }
    }
    if let failure { throw failure }
    if MemoryErrors.count != faults { try checkMedia() }
    if !isStopped { try checkCompleteness() }
  }

  /// Units of the entries with a prefix, in key order.
  ///
  /// What can't be read is left out and noted.
  private func sortedUnits(
    prefix: [UInt8],
    failure: inout StoreError?
  ) throws(StoreError) -> [UInt64] {
    var units: [(start: UInt64, unit: UInt64)] = []
    var firstFailure = failure
    index.forEachUnit { (unit) in
      do throws(StoreError) {
        let start = try map.withRecord(at: unit) { (record, bytes) -> UInt64? in
          let key = bytes.extracting(record.keyRange)
          guard Bytes.hasPrefix(key, unsafe prefix.span.bytes) else { return nil }
          return Bytes.start(of: key)
        }
        if let start { units.append((start, unit)) }
      } catch {
        firstFailure = firstFailure ?? error
      }
    }
    failure = firstFailure
    // The first eight bytes decide most comparisons without another look at the records.
    units.sort { (left, right) in
      if left.start != right.start { return left.start < right.start }
      return map.precedes(left.unit, right.unit)
    }
    return units.map(\.unit)
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
