// How far back the past of a store is whole. Whatever a compaction leaves out was superseded before the
// transaction that its segment names, so the states from the one before that on have lost nothing.

internal import JournalFormat

extension SegmentHeader {
  /// The ``SegmentField/historyFrom`` of a segment with the records of all these: 1 where none of them lacks
  /// anything.
  static func historyFrom(of headers: [SegmentHeader]) -> UInt64 {
    headers.compactMap { $0.compaction?.knownHistoryFrom }.max() ?? 1
  }

  /// The oldest transaction behind which the state of a store can be read.
  ///
  /// - Parameters:
  ///   - headers: of its segments.
  ///   - newest: sequence of its newest transaction.
  /// - Returns: its sequence; 0 where even the empty store before the first one can be.
  static func oldestSequence(of headers: [SegmentHeader], newest: UInt64) -> UInt64 {
    min(historyFrom(of: headers) - 1, newest)
  }
}

extension SegmentHeader.Compaction {
  /// Where nobody knows, nothing of the past is.
  fileprivate var knownHistoryFrom: UInt64 { historyFrom == 0 ? .max : historyFrom }
}
