// What the journal still holds of a key: every version that no compaction has given back.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// One version of a key.
public struct KeyVersion: Sendable, Hashable {
  /// Sequence of the transaction that wrote it.
  public let sequence: UInt64
  /// It says that the key was removed.
  public let isDelete: Bool
  /// When it ended, or will.
  public let expiry: Expiry?
  /// Where it stands.
  public let location: EntryLocation
}

extension Store {
  /// Visits the versions of `key` that the journal still holds, the newest first.
  ///
  /// From ``StoreStatistics/oldestSequence`` on none is missing; of what is older some may be gone.
  ///
  /// - Parameters:
  ///   - key: any bytes.
  ///   - body: gets each version and its value, in place; nil of a delete.
  /// - Throws: ``StoreError/closed``; for a damaged store, behind the versions that can be read, what is
  ///   wrong with it.
  /// - Complexity: O(journal): every record's header and key are read.
  public func forEachVersion(
    of key: RawSpan,
    _ body: (KeyVersion, RawSpan?) -> IterationStep
  ) throws(StoreError) {
    try KeySpace.standard.withStoredForm(of: key) { (stored) throws(StoreError) in
      try forEachVersion(ofStoredKey: stored, body)
    }
  }

  /// The same of a key as it is stored.
  func forEachVersion(
    ofStoredKey key: RawSpan,
    _ body: (KeyVersion, RawSpan?) -> IterationStep
  ) throws(StoreError) {
    try checkOpen()
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    try follower?.catchUp()
    var failure: StoreError?
    var units: [UInt64: UInt64] = [:]
    for stretch in map.committedStretches(orUpTo: recovery.newestEnd) {
      do throws(StoreError) {
        for change in try map.changes(in: stretch)
        where map.withUnverifiedKey(at: change.unit, { Bytes.areEqual($0, key) }) {
          let sequence = map.sequence(at: change.unit)
          if sequence <= shownSequence { units[sequence] = change.unit }
        }
      } catch {
        failure = failure ?? error
      }
    }
    for (_, unit) in units.sorted(by: { $0.key > $1.key }) {
      do throws(StoreError) {
        let step = try map.withRecord(at: unit) { (record, bytes) in
          body(
            KeyVersion(
              sequence: record.sequence,
              isDelete: !record.isPut,
              expiry: record.expiry(in: bytes),
              location: map.location(of: record, unit: unit)
            ),
            record.isPut ? bytes.extracting(record.valueRange) : nil
          )
        }
        if step == .stop { return }
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    try checkCompleteness()
  }
}

extension SegmentMap {
  /// All records of transactions that were committed before this was asked for, and perhaps some more.
  ///
  /// - Parameter end: of the newest segment where nobody writes or follows.
  /// - Returns: the records of every segment, in history order.
  func committedStretches(orUpTo end: Int = SegmentField.journalStart) -> [JournalStretch] {
    // Before the segments: what comes behind it is none of this. A segment that has no place among them
    // any more was compacted.
    let committed = JournalPosition(rawValue: committedEnd.load(ordering: .acquiring))
    return recordEnds.map { (segment, sealedEnd) in
      let newestEnd =
        switch committed.segment {
        case JournalPosition.none.segment: end
        case segment.header.segmentID: committed.offset
        default: SegmentField.journalStart
        }
      return JournalStretch(
        segment: segment,
        range: SegmentField.journalStart..<(sealedEnd ?? newestEnd)
      )
    }
  }

  /// The sequence that the header of a record says.
  func sequence(at unit: UInt64) -> UInt64 {
    unsafe withSegment(of: unit) { (view, offset, bytes) in
      let words = RecordHeaderWords(in: bytes, at: offset)
      return unsafe view.pointee.binding.sequence(of: words, in: bytes, at: offset)
    }
  }
}
