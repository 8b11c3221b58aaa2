// What was written since the tree was last right: puts and deletes of a stretch of the journal, read
// where readers read them, the stage of a file included.

internal import JournalFormat
internal import PersistentMemory

/// A part of one segment's journal, between two transactions.
struct JournalStretch {
  let segment: MappedSegment
  let range: Range<Int>
}

extension SegmentMap {
  /// The journal between two positions, segment by segment in history order.
  ///
  /// - Returns: nil where some of it is not there any more.
  func stretches(from start: UInt64, to end: UInt64) -> [JournalStretch]? {
    if start == end { return [] }
    let (start, end) = (JournalPosition(rawValue: start), JournalPosition(rawValue: end))
    let segments = segments
    guard let last = segments.lastIndex(where: { $0.header.segmentID == end.segment }) else {
      return nil
    }
    if start.segment == end.segment {
      // A writer that failed may have gone further than anything was committed.
      guard start.offset < end.offset else { return [] }
      return [JournalStretch(segment: segments[last], range: start.offset..<end.offset)]
    }
    guard let first = segments.lastIndex(where: { $0.header.segmentID == start.segment }) else {
      return nil
    }
    guard first < last else { return [] }
    var stretches: [JournalStretch] = []
    var from = start.offset
    for index in first..<last {
      let segment = segments[index]
      // Records of a compacted segment are no journal: they stand in an order of their own.
      guard segment.header.compaction == nil,
        segments[index + 1].header.compaction == nil
      else { return nil }
      let sealedEnd = segments[index + 1].header.predecessorEnd
      if from < sealedEnd {
        stretches.append(JournalStretch(segment: segment, range: from..<sealedEnd))
      }
      from = SegmentField.journalStart
    }
    if from < end.offset {
      stretches.append(JournalStretch(segment: segments[last], range: from..<end.offset))
    }
    return stretches
  }

  /// Puts and deletes of a stretch, in order.
  ///
  /// The caller holds a reader's ticket. Values are not read: whoever hands an entry out verifies it.
  ///
  /// - Throws: what is wrong with the first record that can't be read.
  /// - Complexity: O(records), whatever the length of their values.
  func changes(in stretch: JournalStretch) throws(StoreError) -> [KeyedUnit] {
    var changes: [KeyedUnit] = []
    try forEachHeader(in: stretch) { (unit, header) in
      switch header.kind {
      case .put: changes.append(KeyedUnit(unit))
      case .delete: changes.append(KeyedUnit(unit, .delete))
      default: break
      }
      return .next
    }
    return changes
  }

  /// Visits the records of a stretch, in order.
  ///
  /// The caller holds a reader's ticket. Header and key are as they were written, as far as the header's
  /// 16 bits of the key tell; values are not read.
  ///
  /// - Parameters:
  ///   - stretch: begins with a record or a pad.
  ///   - body: gets each record's position and header.
  /// - Throws: what is wrong with the first record that can't be read, or what `body` throws.
  func forEachHeader(
    in stretch: JournalStretch,
    _ body: (UInt64, RecordHeader) throws(StoreError) -> IterationStep
  ) throws(StoreError) {
    var offset = stretch.range.lowerBound
    let (segment, limit) = (stretch.segment, stretch.range.upperBound)
    while offset < limit {
      // One record at a time: the next one may lie behind another view of the same bytes.
      let unit = segment.unit(at: offset)
      let (pad, header) = unsafe withSegment(of: unit) { (_, _, bytes) -> (Int?, RecordHeader?) in
        let pad = JournalPad.length(
          in: bytes,
          at: offset,
          binding: segment.binding,
          limit: limit
        )
        guard pad == nil, offset <= limit - RecordField.headerEnd,
          let header = RecordHeader(in: bytes, at: offset),
          header.vouchesForKey(in: bytes, at: offset, binding: segment.binding)
        else { return (pad, nil) }
        return (nil, header)
      }
      if let header, try body(unit, header) == .stop { return }
      guard let length = pad ?? header?.shape.totalLength else {
        throw failure(at: unit)
          ?? .corrupt(file: segment.file.path, offset: offset, cause: .recordHeader)
      }
      offset += length
    }
  }
}
