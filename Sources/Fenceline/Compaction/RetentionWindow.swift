// Which part of the past a compaction has to leave whole: what was superseded by the newest bytes of the
// journal. The window begins with a segment; the segments in it stay as they are.
//
// Invariant: for every sequence from the one before the window on, and every key, the newest version up to
// that sequence is there, or it is a delete and no older version of the key is.
//
//   from the window on     the journal itself
//   before it              of each key the newest version, which the segments before the window keep
//                          as `superseded` where nobody else counts it
//
// A version that is older and not the newest before the window is hidden by a later one in every such
// state, whether it is there or not.

internal import JournalFormat
internal import Synchronization

/// The newest part of a journal.
struct RetentionWindow {
  /// Place among the segments of the first one that belongs to it.
  let firstSegment: Int
  /// What was superseded before this sequence is needed by nobody; nil where nothing is retained.
  let firstSequence: UInt64?

  /// Nothing.
  static let none = RetentionWindow(firstSegment: .max, firstSequence: nil)

  /// The window over the newest `bytes` of a journal, or more: up to a segment.
  ///
  /// - Parameters:
  ///   - bytes: records that are retained, at least; 0 for no window.
  ///   - stretches: the journal.
  ///   - newest: sequence of the newest transaction.
  init(of bytes: Int, in stretches: [JournalStretch], newest: UInt64) {
    guard let first = Self.start(of: bytes, in: stretches) else {
      self = .none
      return
    }
    let headers = stretches.map(\.segment.header)
    // What is lost already needs no company.
    let oldest = SegmentHeader.oldestSequence(of: headers, newest: newest)
    self.init(
      firstSegment: first,
      firstSequence: max(headers[first].firstSequence, oldest + 1)
    )
  }

  /// The segment with which the newest `bytes` of a journal begin; nil where there are none.
  static func start(of bytes: Int, in stretches: [JournalStretch]) -> Int? {
    guard bytes > 0, !stretches.isEmpty else { return nil }
    var sum = 0
    return stretches.indices.last { (number) in
      sum += stretches[number].range.count
      return sum >= bytes
    } ?? 0
  }

  private init(firstSegment: Int, firstSequence: UInt64?) {
    self.firstSegment = firstSegment
    self.firstSequence = firstSequence
  }

  /// Bytes of a segment before the window that a compaction is known to leave there.
  func retainedBytes(in segment: MappedSegment) -> Int {
    // With nothing retained everything may go.
    guard let firstSequence else { return 0 }
    if firstSequence < segment.usage.retainedUntil.load(ordering: .relaxed) {
      return segment.usage.retainedBytes.load(ordering: .relaxed)
    }
    // Behind that all of it was superseded before the window.
    guard let compaction = segment.header.compaction, firstSequence < compaction.through else {
      return 0
    }
    return compaction.retainedBytes
  }
}

extension MappedSegment {
  /// No version that is there was superseded by a transaction before this one, whoever may see it.
  var holdsNothingSupersededBefore: UInt64 {
    let current = usage.compactedThrough.load(ordering: .relaxed)
    guard let compaction = header.compaction, compaction.retainedBytes > 0 else { return current }
    return min(current, compaction.historyFrom)
  }
}
