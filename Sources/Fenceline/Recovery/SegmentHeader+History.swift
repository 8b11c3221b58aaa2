// How far back the past of a store is whole. Whatever a compaction leaves out was superseded before the
// transaction that its segment names, so the states from the one before that on have lost nothing.

internal import JournalFormat

extension SegmentHeader {
  /// The ``SegmentField/historyFrom`` of a segment with the records of all these: 1 where none of them lacks
  /// anything, nil where nobody knows.
  static func historyFrom(of headers: [SegmentHeader]) -> UInt64? {
    let known = headers.map { $0.compaction?.historyFrom ?? 1 }
    return known.contains(0) ? nil : known.max() ?? 1
  }

  /// The oldest transaction behind which the state of a store can be read.
  ///
  /// - Parameters:
  ///   - headers: of its segments.
  ///   - newest: sequence of its newest transaction.
  /// - Returns: its sequence; 0 where even the empty store before the first one can be.
  static func oldestSequence(of headers: [SegmentHeader], newest: UInt64) -> UInt64 {
    let known = headers.map { (header) in
      guard header.compaction?.historyFrom == 0 else { return header.compaction?.historyFrom ?? 1 }
      // Numbers are given out in order, and a compaction takes its own when it has read the index: so what
      // it left out was superseded before a segment with a higher one began.
      let later = headers.filter { $0.covered.lowerBound > header.segmentID }.map(\.firstSequence)
        .min()
      return max(1, later ?? newest &+ 1)
    }
    return (known.max() ?? 1) - 1
  }
}

extension SegmentHeader {
  /// Whether a record of the segment is there for readers of the past only.
  func isOnlyPast(_ record: JournalRecord) -> Bool {
    compaction != nil && record.flags.contains(.superseded)
  }
}
