// The rules of order in a journal, one by one, on segments that are written record by record: what no
// writer leaves behind is not accepted, even though every checksum is right.

import JournalFormat
import PersistentMemory
import Testing

@testable import Fenceline

struct TransactionScanTests {
  /// A segment under construction.
  private final class Journal {
    let segment = MemorySegment(length: 16 << 10)
    let binding = SegmentBinding(
      storeID: StoreID(low: 1, high: 2),
      segmentID: 1,
      incarnation: 1,
      firstSequence: 10
    )
    var tail = SegmentField.journalStart

    /// Appends a record and returns where it starts.
    @discardableResult
    func append(
      _ kind: RecordKind = .put,
      _ flags: RecordFlags = .wholeTransaction,
      sequence: UInt32,
      count: UInt32 = 1,
      key: String = "key",
      endsBatch: Bool = false
    ) -> Int {
      let start = tail
      let key = Array(key.utf8)
      var fields = RecordFields()
      fields.transactionCount = count
      let isData = kind == .put || kind == .delete
      let encoder = RecordEncoder(
        header: RecordHeader(
          kind: kind,
          flags: flags,
          keyLength: isData ? key.count : 0,
          valueLength: 0,
          sequenceOffset: sequence - 10,
          keyCheck: Checksum.keyCheck(unsafe key.span.bytes)
        ),
        fields: fields,
        offset: start,
        binding: binding
      )
      tail += encoder.write(
        key: isData ? unsafe key.span.bytes : RawSpan(),
        value: RawSpan(),
        flushed: false,
        endsBatch: endsBatch,
        to: segment.file
      )
      return start
    }

    func appendPad() {
      tail += RecordEncoder.writePad(at: tail, binding: binding, to: segment.file)
    }

    /// Scans everything; returns the result and the accepted records' sequences.
    func scan() throws -> (TransactionScan, [UInt64]) {
      var sequences: [UInt64] = []
      let scan = try segment.file.withGuardedBytes(0..<segment.length) { (bytes) in
        TransactionScan(bytes, binding: binding, limit: segment.length) {
          sequences.append($0.sequence)
        }
      }
      return (scan, sequences)
    }

    /// Expects that reading stops at `offset`, with the sequences given accepted before it.
    func expectStop(
      at offset: Int,
      accepted: [UInt64],
      isMisplaced: Bool,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let (scan, sequences) = try scan()
      #expect(sequences == accepted, sourceLocation: sourceLocation)
      #expect(scan.stop?.offset == offset, sourceLocation: sourceLocation)
      #expect(scan.stop?.isMisplaced == isMisplaced, sourceLocation: sourceLocation)
    }
  }

  @Test func `Sequences that grow are accepted, gaps included`() throws {
    let journal = Journal()
    for sequence in [10, 11, 15] as [UInt32] { journal.append(sequence: sequence) }
    try journal.expectStop(at: journal.tail, accepted: [10, 11, 15], isMisplaced: false)
  }

  @Test(arguments: [11, 10] as [UInt32])
  func `A sequence that does not grow ends the journal`(sequence: UInt32) throws {
    let journal = Journal()
    journal.append(sequence: 11)
    let stale = journal.append(sequence: sequence)
    journal.append(sequence: 12)
    try journal.expectStop(at: stale, accepted: [11], isMisplaced: true)
  }

  @Test func `A transaction counts only with its end, its count and one sequence`() throws {
    let whole = Journal()
    whole.append(.put, .transactionBegin, sequence: 10)
    whole.append(.delete, [.transactionEnd, .transactionCount], sequence: 10, count: 2, key: "b")
    try whole.expectStop(at: whole.tail, accepted: [10, 10], isMisplaced: false)

    let endless = Journal()
    endless.append(.put, .transactionBegin, sequence: 10)
    endless.append(.put, RecordFlags(rawValue: 0), sequence: 10, key: "b")
    try endless.expectStop(at: endless.tail, accepted: [], isMisplaced: false)
    #expect(try endless.scan().0.acceptedEnd == SegmentField.journalStart)

    let mixed = Journal()
    mixed.append(.put, .transactionBegin, sequence: 10)
    let other = mixed.append(
      .put,
      [.transactionEnd, .transactionCount],
      sequence: 11,
      count: 2,
      key: "b"
    )
    try mixed.expectStop(at: other, accepted: [], isMisplaced: true)

    let miscounted = Journal()
    miscounted.append(.put, .transactionBegin, sequence: 10)
    let last = miscounted.append(
      .put,
      [.transactionEnd, .transactionCount],
      sequence: 10,
      count: 3,
      key: "b"
    )
    try miscounted.expectStop(at: last, accepted: [], isMisplaced: true)

    let twice = Journal()
    twice.append(.put, .transactionBegin, sequence: 10)
    let again = twice.append(.put, .transactionBegin, sequence: 10, key: "b")
    try twice.expectStop(at: again, accepted: [], isMisplaced: true)

    let headless = Journal()
    let first = headless.append(.put, .transactionEnd, sequence: 10)
    try headless.expectStop(at: first, accepted: [], isMisplaced: true)
  }

  @Test func `Batch starts and pads keep to lines`() throws {
    let journal = Journal()
    journal.append(
      .put,
      RecordFlags.wholeTransaction.union(.batchStart),
      sequence: 10,
      endsBatch: true
    )
    journal.append(.put, RecordFlags.wholeTransaction.union(.batchStart), sequence: 11)
    try journal.expectStop(at: journal.tail, accepted: [10, 11], isMisplaced: false)
    #expect(try journal.scan().0.lastBatchStart == SegmentField.journalStart + 64)

    let offLine = Journal()
    offLine.append(sequence: 10)
    let misaligned = offLine.append(
      .put,
      RecordFlags.wholeTransaction.union(.batchStart),
      sequence: 11
    )
    try offLine.expectStop(at: misaligned, accepted: [10], isMisplaced: false)

    let padded = Journal()
    padded.append(sequence: 10)
    padded.appendPad()
    let unmarked = padded.append(sequence: 11)
    try padded.expectStop(at: unmarked, accepted: [10], isMisplaced: false)

    let inside = Journal()
    inside.append(.put, .transactionBegin, sequence: 10, endsBatch: true)
    let batch = inside.append(.put, [.transactionEnd, .batchStart], sequence: 10, key: "b")
    try inside.expectStop(at: batch, accepted: [], isMisplaced: true)
  }

  /// A reader that follows a writer reads on where it stopped, and once forgot what it had stopped behind:
  /// it showed records behind a pad or a seal that an opening did not accept.
  @Test(arguments: [true, false])
  func `Who reads on keeps to the rules of what was read`(isSealed: Bool) throws {
    let journal = Journal()
    journal.append(sequence: 10)
    if isSealed {
      journal.append(.seal, RecordFlags(rawValue: 0), sequence: 11)
    } else {
      journal.appendPad()
    }
    let end = journal.tail
    journal.append(sequence: 11)
    let first = try journal.scan().0
    #expect(first.acceptedEnd == end)
    try journal.segment.file.withGuardedBytes(0..<journal.segment.length) { (bytes) in
      let second = TransactionScan(
        bytes,
        binding: journal.binding,
        from: first.acceptedEnd,
        behind: first.last,
        lowestSequence: first.nextSequence,
        limit: journal.segment.length
      ) { _ in }
      #expect(second.acceptedEnd == end)
      #expect(second.recordCount == 0)
    }
  }

  @Test func `Nothing follows a seal`() throws {
    let journal = Journal()
    journal.append(sequence: 10)
    journal.append(.seal, RecordFlags(rawValue: 0), sequence: 11)
    let end = journal.tail
    journal.append(sequence: 11)
    let (scan, sequences) = try journal.scan()
    #expect(sequences == [10])
    #expect(scan.acceptedEnd == end)
    #expect(scan.nextSequence == 11)
  }
}
