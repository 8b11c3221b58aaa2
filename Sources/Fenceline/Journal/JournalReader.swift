// Reads one segment's journal in order: records, pads, and where it stops. Recovery, verify and
// export all read through this; it keeps no pointer and changes nothing.
//
// Invariants that a record must hold beside its checksums:
//   a batch start stands on a line; a pad is followed by a batch start
//   sequences never go back; a transaction's records are neighbours and share one sequence
//   nothing follows a seal

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// What stands next in a journal.
package enum JournalItem: Sendable {
  case record(JournalRecord)
  /// The journal ends exactly at the limit, or with a seal.
  case end
  /// No valid record or pad starts here.
  case invalid(RecordFault)
}

/// What stands right before a place in a journal: it decides what may come there.
///
/// Whoever reads on where another reading ended has to know it.
package enum JournalNeighbour: Sendable {
  /// Anything else, or nothing: anything may come.
  case record
  /// Only a batch may start.
  case pad
  /// Nothing comes.
  case seal
}

/// A cursor over the records of one segment.
package struct JournalReader: Sendable {
  package let binding: SegmentBinding
  /// Records end at or before this offset.
  package let limit: Int
  /// Where the next record is looked for.
  package private(set) var offset: Int
  /// What stands before it.
  package private(set) var before: JournalNeighbour

  package init(
    binding: SegmentBinding,
    from offset: Int,
    limit: Int,
    behind before: JournalNeighbour = .record
  ) {
    self.binding = binding
    self.offset = offset
    self.limit = limit
    self.before = before
  }

  /// Reads the next record; the cursor stays where it is when there is none.
  package mutating func next(in bytes: RawSpan) -> JournalItem {
    if let length = JournalPad.length(in: bytes, at: offset, binding: binding, limit: limit) {
      guard before == .record else { return .invalid(.header) }
      offset += length
      before = .pad
    }
    if before == .seal || offset >= limit { return .end }
    do {
      let record = try JournalRecord(in: bytes, at: offset, binding: binding, limit: limit)
      let startsBatch = record.flags.contains(.batchStart)
      let isOnLine = offset.isMultiple(of: RecordLimit.lineSize)
      guard (startsBatch ? isOnLine : before != .pad) || Mutant.batchRulesUnchecked.isActive
      else { return .invalid(.header) }
      offset = record.end
      let isSeal = record.isA(.seal) && !Mutant.sealUnchecked.isActive
      before = isSeal ? .seal : .record
      return .record(record)
    } catch {
      return .invalid(error)
    }
  }

  /// Reads the next record if it is what most are: a put without optional fields, a transaction of its own,
  /// amid a batch.
  ///
  /// - Parameters:
  ///   - bytes: the segment from its first byte on.
  ///   - sequences: those that it may have.
  /// - Returns: nil where ``next(in:)`` has to say what there is.
  @inline(__always)
  mutating func nextPlainPut(
    in bytes: RawSpan,
    sequences: Range<UInt64>
  ) -> JournalRecord? {
    guard before == .record,
      let record = JournalRecord(plainPutIn: bytes, at: offset, binding: binding, limit: limit),
      sequences.contains(record.sequence)
    else { return nil }
    offset = record.end
    return record
  }

  /// The first valid batch start at or after `start`: proof that everything before it was durable.
  ///
  /// - Complexity: O(limit - start) over lines; a line that holds no header costs one load.
  package func firstBatchStart(in bytes: RawSpan, from start: Int) -> JournalRecord? {
    firstRecord(in: bytes, from: start, stride: RecordLimit.lineSize) {
      $0.header.flags.contains(.batchStart)
    }
  }

  /// The first valid record at or after `start` that begins a transaction: where reading can resume
  /// after damage.
  package func firstTransactionBegin(in bytes: RawSpan, from start: Int) -> JournalRecord? {
    firstRecord(in: bytes, from: start, stride: RecordLimit.alignment) {
      $0.header.flags.contains(.transactionBegin) || $0.header.flags.contains(.batchStart)
    }
  }

  /// Visits every whole record at or after `start`, wherever it stands.
  package func forEachWholeRecord(
    in bytes: RawSpan,
    from start: Int,
    _ body: (JournalRecord) -> Void
  ) {
    var next = start
    var budget = searchBudget
    while let record = firstRecord(
      in: bytes,
      from: next,
      stride: RecordLimit.alignment,
      budget: &budget,
      where: { _ in true }
    ) {
      body(record)
      next = record.end
    }
  }

  /// Where the first record of a segment holds the description of the segment before.
  package static func digestOfPredecessor(
    in bytes: RawSpan,
    binding: SegmentBinding
  ) -> Range<Int>? {
    let record = try? JournalRecord(
      in: bytes,
      at: SegmentField.journalStart,
      binding: binding,
      limit: bytes.byteCount
    )
    guard let record, record.header.kind == .digest else { return nil }
    return record.valueRange
  }

  // Bytes that were made to look like large records at every place must not cost their square.
  private var searchBudget: Int { 8 * limit }

  private func firstRecord(
    in bytes: RawSpan,
    from start: Int,
    stride: Int,
    where matches: (JournalRecord) -> Bool
  ) -> JournalRecord? {
    var budget = searchBudget
    return firstRecord(in: bytes, from: start, stride: stride, budget: &budget, where: matches)
  }

  private func firstRecord(
    in bytes: RawSpan,
    from start: Int,
    stride: Int,
    budget: inout Int,
    where matches: (JournalRecord) -> Bool
  ) -> JournalRecord? {
    var candidate = (start + stride - 1) / stride * stride
    while candidate <= limit - RecordField.headerEnd, budget > 0 {
      if let header = RecordHeader(in: bytes, at: candidate) {
        do throws(RecordFault) {
          let record = try JournalRecord(in: bytes, at: candidate, binding: binding, limit: limit)
          if matches(record) { return record }
          budget -= header.shape.totalLength
        } catch {
          if case .body = error { budget -= header.shape.totalLength }
        }
      }
      candidate += stride
    }
    return nil
  }
}
