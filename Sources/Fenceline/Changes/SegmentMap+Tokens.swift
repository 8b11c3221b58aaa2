// Where the journal goes on behind a transaction. A token says which; segments say where their sequences
// begin, and every sequence before that lies in a segment before.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

extension SegmentMap {
  /// Finds the first byte behind the transaction of a token.
  ///
  /// The caller holds a reader's ticket.
  ///
  /// - Throws: ``StoreError/changesAreGone(after:)`` where a compaction has taken some of what follows;
  ///   ``StoreError/unknownToken(_:)`` where there is no such transaction in the history; and what is
  ///   wrong with a record that can't be read.
  /// - Complexity: O(segments + records of one segment).
  func position(behind token: ChangeToken) throws(StoreError) -> JournalPosition {
    let segments = segments
    guard segments.first?.header.storeID == token.storeID else { throw .unknownToken(token) }
    let candidate = segments.lastIndex { $0.header.firstSequence <= token.sequence }
    let next = candidate.map { $0 + 1 } ?? 0
    // The transaction is the last one before a segment, whether or not it is there still.
    if next < segments.count {
      let header = segments[next].header
      let isSame = token.incarnation == header.incarnation || token.sequence == 0
      if header.firstSequence == token.sequence + 1, isSame {
        guard header.compaction == nil else { throw .changesAreGone(after: token) }
        return JournalPosition(segment: header.segmentID, offset: SegmentField.journalStart)
      }
    }
    guard let candidate else {
      // Before everything that is there.
      throw .changesAreGone(after: token)
    }
    let segment = segments[candidate]
    if segment.header.compaction != nil { throw .changesAreGone(after: token) }
    guard segment.header.incarnation == token.incarnation,
      let offset = try end(of: token.sequence, in: segment, before: end(of: candidate, segments))
    else { throw .unknownToken(token) }
    return JournalPosition(segment: segment.header.segmentID, offset: offset)
  }

  /// Whether the history went on before a place that was read: a recovery has accepted less.
  func isBehindEnd(_ position: JournalPosition) -> Bool {
    let segments = segments
    guard
      let index = segments.lastIndex(where: { $0.header.segmentID == position.segment }),
      index + 1 < segments.count, segments[index + 1].header.compaction == nil
    else { return false }
    return position.offset > segments[index + 1].header.predecessorEnd
  }

  /// Where the records of a segment end, as far as they are committed.
  private func end(of index: Int, _ segments: [MappedSegment]) -> Int {
    if index + 1 < segments.count { return segments[index + 1].header.predecessorEnd }
    let end = JournalPosition(rawValue: committedEnd.load(ordering: .acquiring))
    // Nothing of a segment that is younger than the end.
    return end.segment == segments[index].header.segmentID ? end.offset : 0
  }

  /// The offset behind the records of one transaction; nil where it has none.
  private func end(
    of sequence: UInt64,
    in segment: MappedSegment,
    before limit: Int
  ) throws(StoreError) -> Int? {
    guard limit > SegmentField.journalStart else { return nil }
    var end: Int?
    let stretch = JournalStretch(segment: segment, range: SegmentField.journalStart..<limit)
    try forEachHeader(in: stretch) { (unit, header) in
      guard header.kind == .put || header.kind == .delete else { return .next }
      let current = self.sequence(of: header, at: unit)
      if current > sequence { return .stop }
      let offset = Int(unit &- segment.firstUnit) << 3
      if current == sequence { end = offset + header.shape.totalLength }
      return .next
    }
    return end
  }

  /// The sequence of the record at `unit`, whose header was checked.
  func sequence(of header: RecordHeader, at unit: UInt64) -> UInt64 {
    unsafe withSegment(of: unit) { (view, offset, bytes) in
      unsafe view.pointee.binding.sequence(of: header.words, in: bytes, at: offset)
    }
  }
}
