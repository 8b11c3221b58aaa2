// The record reader over the bytes of one segment: as recovery reads them, as one that looks for what is
// left reads them, and record by record at every place.
//
// Invariants that any bytes must keep: a record lies within the limit and behind the one before; what was
// read can be written again, byte for byte; reading twice gives the same.

internal import CrashLab
internal import Fenceline
internal import JournalFormat
internal import PersistentMemory

enum RecordsTarget {
  static func check(_ input: FuzzInput) throws(FuzzFinding) {
    for file in input.sealedFiles() where file.bytes.count >= SegmentField.headerEnd {
      guard let header = JournalSealer.header(of: file.bytes) else { continue }
      try checkHeader(header, file.bytes)
      try check(file.bytes, header)
    }
  }

  /// What was decoded must be what stands there, but for what is clamped or ignored.
  private static func checkHeader(
    _ header: SegmentHeader,
    _ bytes: [UInt8]
  ) throws(FuzzFinding) {
    var words = [UInt8](repeating: 0, count: SegmentField.headerEnd)
    var span = words.mutableSpan
    var encoded = unsafe span.mutableBytes
    header.encode(into: &encoded)
    guard unsafe SegmentHeader(decoding: words.span.bytes) == header else {
      throw FuzzFinding("a segment header is another one when it is written and read again")
    }
  }

  private static func check(_ bytes: [UInt8], _ header: SegmentHeader) throws(FuzzFinding) {
    let binding = SegmentBinding(header)
    let span = unsafe bytes.span.bytes
    // Any other end will do, too: this one the input chooses.
    for limit in [bytes.count, min(header.predecessorEnd, bytes.count)] {
      let first = try walk(span, bytes, header, limit)
      guard try walk(span, bytes, header, limit) == first else {
        throw FuzzFinding("the second reading shows other records than the first")
      }
      try scan(span, binding, limit)
      let reader = JournalReader(binding: binding, from: 0, limit: limit)
      if let start = reader.firstBatchStart(in: span, from: 0) {
        guard start.offset.isMultiple(of: RecordLimit.lineSize), start.end <= limit else {
          throw FuzzFinding("a batch start at \(start.offset)")
        }
      }
      _ = reader.firstTransactionBegin(in: span, from: 0)
      var end = 0
      var isOrdered = true
      reader.forEachWholeRecord(in: span, from: 0) { (record) in
        if record.offset < end || record.end > limit { isOrdered = false }
        end = record.end
      }
      guard isOrdered else { throw FuzzFinding("whole records overlap or leave the segment") }
    }
    _ = JournalReader.digestOfPredecessor(in: span, binding: binding)
  }

  /// Reads record by record.
  ///
  /// - Returns: where they stand.
  private static func walk(
    _ span: RawSpan,
    _ bytes: [UInt8],
    _ header: SegmentHeader,
    _ limit: Int
  ) throws(FuzzFinding) -> [Int] {
    var reader = JournalReader(
      binding: SegmentBinding(header),
      from: SegmentField.journalStart,
      limit: limit
    )
    var places: [Int] = []
    var again = bytes
    var end = SegmentField.journalStart
    while case .record(let record) = reader.next(in: span) {
      guard record.offset >= end, record.offset - end < RecordLimit.lineSize,
        record.end <= limit, reader.offset == record.end, record.end > record.offset
      else { throw FuzzFinding("a record at \(record.offset) behind \(end) of \(limit)") }
      end = record.end
      places.append(record.offset)
      write(record, span, to: &again, header)
      guard again[record.offset..<record.end] == bytes[record.offset..<record.end] else {
        throw FuzzFinding("the record at \(record.offset) is another one when it is written again")
      }
    }
    guard reader.offset <= limit || limit < SegmentField.journalStart else {
      throw FuzzFinding("the reader stands at \(reader.offset), behind \(limit)")
    }
    return places
  }

  /// Encodes a record from what was read of it, at its place in a copy of the segment.
  private static func write(
    _ record: JournalRecord,
    _ span: RawSpan,
    to segment: inout [UInt8],
    _ header: SegmentHeader
  ) {
    var words = [UInt8](repeating: 0, count: record.keyRange.lowerBound - record.offset)
    var wordSpan = words.mutableSpan
    var encoded = unsafe wordSpan.mutableBytes
    record.header.encode(into: &encoded)
    record.fields(in: span).encode(flags: record.header.flags, into: &encoded)
    encoded.storeLittleEndian(0 as UInt32, at: RecordField.checksum)
    encoded.storeLittleEndian(0 as UInt16, at: RecordField.headerCheck)
    segment.replaceSubrange(record.offset..<record.keyRange.lowerBound, with: words)
    RecordSeal.seal(&segment, at: record.offset, of: header)
  }

  /// Reads transactions; those that are accepted are whole and in order.
  private static func scan(
    _ span: RawSpan,
    _ binding: SegmentBinding,
    _ limit: Int
  ) throws(FuzzFinding) {
    var last: (sequence: UInt64, end: Int) = (0, 0)
    var count = 0
    var isOrdered = true
    let scan = TransactionScan(span, binding: binding, limit: limit) { (record) in
      if record.sequence < last.sequence || record.offset < last.end { isOrdered = false }
      last = (record.sequence, record.end)
      count += 1
    }
    guard isOrdered, count == scan.recordCount, last.end <= scan.acceptedEnd,
      count == 0 || last.sequence < scan.nextSequence
    else { throw FuzzFinding("transactions out of order up to \(scan.acceptedEnd)") }
    for value in scan.closeDigests + [scan.predecessorDigest].compactMap(\.self)
    where value.upperBound > limit {
      throw FuzzFinding("a digest at \(value) leaves the segment")
    }
  }
}
