// Reads complete transactions from one segment: what recovery accepts, and why it stopped.
//
// Invariant: `acceptedEnd` only moves past a complete transaction, a close, a seal, or a pad that
// follows one; a transaction without its end mark changes nothing.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// Where and why reading a segment stopped.
package struct ScanStop: Sendable, Equatable {
  /// First byte that is no valid journal.
  package let offset: Int
  package let fault: RecordFault
  /// Whether the record is fine and only its place in the order is not.
  package let isMisplaced: Bool
}

/// The result of reading one segment.
package struct TransactionScan: Sendable {
  /// Offset after the last accepted transaction.
  package var acceptedEnd: Int
  /// What ends there.
  package var last: JournalNeighbour
  /// Offset of the last accepted batch start: everything before it was fenced.
  package var lastBatchStart: Int
  /// The lowest sequence that the next transaction may have.
  package var nextSequence: UInt64
  /// Records in accepted transactions.
  package var recordCount = 0
  /// Nothing was accepted but the description of the segment before.
  package var isEmpty = true
  /// Values of accepted close records that hold a digest.
  package var closeDigests: [Range<Int>] = []
  /// Value of the accepted record that describes the segment before.
  package var predecessorDigest: Range<Int>?
  /// The last accepted record is a close record.
  package var endsWithClose = false
  /// Why reading stopped before the limit, and where.
  package var stop: ScanStop?

  /// Reads from the journal's start (or `offset`) and hands every record of every complete
  /// transaction to `visit`, in order.
  ///
  /// - Parameters:
  ///   - bytes: the segment from its first byte on.
  ///   - binding: the segment's.
  ///   - offset: where a transaction starts.
  ///   - before: ``last`` of the scan that ended at `offset`, if one did.
  ///   - lowestSequence: the lowest sequence that the transaction may have; where `offset` is not the
  ///     journal's start.
  ///   - limit: the exact end where it is known, otherwise the segment's length.
  ///   - visit: gets puts and deletes only.
  package init(
    _ bytes: RawSpan,
    binding: SegmentBinding,
    from offset: Int = SegmentField.journalStart,
    behind before: JournalNeighbour = .record,
    lowestSequence: UInt64? = nil,
    limit: Int,
    visit: (JournalRecord) -> Void
  ) {
    var reader = JournalReader(binding: binding, from: offset, limit: limit, behind: before)
    var pending: [JournalRecord] = []
    acceptedEnd = offset
    last = before
    lastBatchStart = offset
    self.nextSequence = lowestSequence ?? binding.firstSequence
    var pendingBatchStart: Int?
    while true {
      if pending.isEmpty { readPlainPuts(from: &reader, in: bytes, visit) }
      let item = reader.next(in: bytes)
      switch item {
      case .end:
        if let first = pending.first {
          // The transaction was cut off at the segment's very end.
          stop = ScanStop(offset: first.offset, fault: .header, isMisplaced: false)
        } else {
          accept(reader)
        }
        return
      case .invalid(let fault):
        if Mutant.tornTransactionAccepted.isActive, let last = pending.last {
          pending.forEach(visit)
          nextSequence = last.sequence &+ 1
          pending.removeAll()
        }
        // A pad before the failing bytes belongs to the transaction that it closes.
        if pending.isEmpty { accept(reader) }
        stop = ScanStop(offset: reader.offset, fault: fault, isMisplaced: false)
        return
      case .record(let record):
        // Whether or not the transaction that begins here is complete, a pad before it is accepted.
        if pending.isEmpty, record.offset > acceptedEnd {
          acceptedEnd = record.offset
          last = .pad
        }
        guard Self.isInOrder(record, in: bytes, pending: pending, from: nextSequence) else {
          stop = ScanStop(offset: record.offset, fault: .header, isMisplaced: true)
          return
        }
        if record.flags.contains(.batchStart) { pendingBatchStart = record.offset }
        let isTransaction = record.isPut || record.isA(.delete)
        if isTransaction {
          guard record.flags.contains(.transactionEnd) else {
            pending.append(record)
            continue
          }
          if !pending.isEmpty {
            for record in pending { visit(record) }
            recordCount += pending.count
            pending.removeAll(keepingCapacity: true)
          }
          visit(record)
          recordCount += 1
          isEmpty = false
        } else {
          note(record)
        }
        accept(reader)
        nextSequence = isTransaction ? record.sequence &+ 1 : record.sequence
        lastBatchStart = pendingBatchStart ?? lastBatchStart
        endsWithClose = record.isA(.close)
      }
    }
  }

  /// Accepts the records that are simple enough for it, up to the first other one.
  @inline(__always)
  private mutating func readPlainPuts(
    from reader: inout JournalReader,
    in bytes: RawSpan,
    _ visit: (JournalRecord) -> Void
  ) {
    var (next, count) = (nextSequence, 0)
    while next < Self.highestSequence,
      let record = reader.nextPlainPut(in: bytes, sequences: next..<Self.highestSequence)
    {
      visit(record)
      next = record.sequence &+ 1
      count += 1
    }
    guard count > 0 else { return }
    accept(reader)
    (nextSequence, recordCount, isEmpty, endsWithClose) = (next, recordCount + count, false, false)
  }

  private mutating func accept(_ reader: JournalReader) {
    acceptedEnd = reader.offset
    last = reader.before
  }

  /// Keeps where digests stand; of records that are no part of a transaction.
  private mutating func note(_ record: JournalRecord) {
    if record.header.kind != .digest { isEmpty = false }
    switch record.header.kind {
    case .digest where record.shape.valueLength >= SegmentDigestField.entries:
      predecessorDigest = record.valueRange
    case .close where record.shape.valueLength >= CloseDigestField.entries:
      closeDigests.append(record.valueRange)
    default: break
    }
  }

  /// No store gets near this; nothing below it can overflow.
  private static let highestSequence: UInt64 = 1 << 62

  @inline(__always)
  private static func isInOrder(
    _ record: JournalRecord,
    in bytes: RawSpan,
    pending: [JournalRecord],
    from nextSequence: UInt64
  ) -> Bool {
    let flags = record.flags
    guard record.sequence < Self.highestSequence else { return false }
    let isNext = record.sequence >= nextSequence || Mutant.sequenceUnchecked.isActive
    // Most are transactions of their own.
    if pending.isEmpty, record.isPut, flags.contains(.wholeTransaction) {
      return isNext && countMatches(record, in: bytes, 1)
    }
    switch record.header.kind {
    case .pad: return false
    case .digest where record.offset != SegmentField.journalStart: return false
    case .close, .seal, .digest:
      return pending.isEmpty && isNext && flags.isDisjoint(with: .wholeTransaction)
    case .put, .delete:
      guard let first = pending.first else {
        return flags.contains(.transactionBegin) && isNext && countMatches(record, in: bytes, 1)
      }
      return !flags.contains(.transactionBegin) && !flags.contains(.batchStart)
        && (record.sequence == first.sequence || Mutant.sequenceUnchecked.isActive)
        && countMatches(record, in: bytes, pending.count + 1)
    }
  }

  private static func countMatches(
    _ record: JournalRecord,
    in bytes: RawSpan,
    _ count: Int
  ) -> Bool {
    !record.flags.contains(.transactionEnd)
      || count == 1 && !record.flags.contains(.transactionCount)
      || Int(record.fields(in: bytes).transactionCount) == count
      || Mutant.transactionCountUnchecked.isActive
  }
}
