// Mends the checks of segments that a fuzzer has changed, so that it reaches what lies behind them. The
// result is a journal that no store would write and that nothing gives away but what it says.
//
// A segment is walked as its bytes lead: from record to record and pad to pad, and where neither stands,
// on in steps of 8 bytes.

internal import CrashLab
internal import Fenceline
internal import JournalFormat
internal import PersistentMemory

/// Seals segments, oldest first.
struct JournalSealer {
  private let options: FuzzOptions

  init(_ options: FuzzOptions) { self.options = options }

  /// Seals the segments among `files`.
  func seal(_ files: inout [FuzzFile]) {
    let segments = files.indices.filter { files[$0].kind == .segment }
      .sorted { files[$0].number < files[$1].number }
    // By segment number: where its journal ends, and what its header says.
    var ends: [UInt32: Int] = [:]
    var headers: [UInt32: SegmentHeader] = [:]
    for index in segments where files[index].bytes.count >= SegmentField.journalStart {
      sealHeader(&files[index].bytes, following: ends)
      guard let header = Self.header(of: files[index].bytes) else { continue }
      let before = header.predecessorID == 0 ? nil : headers[header.predecessorID]
      ends[header.segmentID] = sealRecords(&files[index].bytes, header, before)
      sealMark(&files[index].bytes, header)
      sealDigest(&files[index].bytes, header)
      headers[header.segmentID] = Self.header(of: files[index].bytes)
    }
  }

  static func header(of bytes: [UInt8]) -> SegmentHeader? {
    guard bytes.count >= SegmentField.headerEnd else { return nil }
    return unsafe SegmentHeader(decoding: bytes.span.bytes)
  }

  /// Where the records of a segment stand, as far as lengths lead from one to the next.
  static func records(in bytes: [UInt8]) -> [Range<Int>] {
    var records: [Range<Int>] = []
    var offset = SegmentField.journalStart
    let span = unsafe bytes.span.bytes
    while offset <= bytes.count - PadField.headerEnd {
      // Most of a segment.
      if span.littleEndian(at: offset, as: UInt64.self) == 0 {
        offset += RecordLimit.alignment
        continue
      }
      let bits = RecordHeader.kindAndFlags(in: span, at: offset) & RecordFlags.kindMask
      if bits == UInt16(RecordKind.pad.rawValue) {
        offset += 64 - offset % 64
      } else if offset <= bytes.count - RecordField.headerEnd,
        let length = RecordHeader(in: span, at: offset)?.shape.totalLength,
        length <= bytes.count - offset
      {
        records.append(offset..<offset + length)
        offset += length
      } else {
        offset += RecordLimit.alignment
      }
    }
    return records
  }

  // MARK: Pieces

  private func sealHeader(_ bytes: inout [UInt8], following ends: [UInt32: Int]) {
    guard let header = Self.header(of: bytes) else { return }
    if options.contains(.fitsEnds), let end = ends[header.predecessorID] {
      bytes.store(UInt64(end), at: SegmentField.predecessorEnd)
    }
    checksumHeader(&bytes)
  }

  private func checksumHeader(_ bytes: inout [UInt8]) {
    bytes.store(bytes.crc32c(0..<SegmentField.checksum), at: SegmentField.checksum)
    let copy = SegmentField.headerCopy..<SegmentField.headerCopy + SegmentField.headerEnd
    // Inputs are shorter without it.
    if bytes[copy].allSatisfy({ $0 == 0 }) {
      bytes.replaceSubrange(copy, with: bytes[..<SegmentField.headerEnd])
    } else {
      let end = SegmentField.headerCopy + SegmentField.checksum
      bytes.store(bytes.crc32c(SegmentField.headerCopy..<end), at: end)
    }
  }

  /// - Returns: where the journal ends.
  private func sealRecords(
    _ bytes: inout [UInt8],
    _ header: SegmentHeader,
    _ before: SegmentHeader?
  ) -> Int {
    var end = SegmentField.journalStart
    for record in Self.records(in: bytes) {
      sealPad(&bytes, end..<record.lowerBound, header)
      guard let fixed = unsafe RecordHeader(in: bytes.span.bytes, at: record.lowerBound) else {
        continue
      }
      let key = record.lowerBound + fixed.shape.headerLength
      if options.contains(.fitsKeys), fixed.keyLength > 0 {
        let check = Checksum.folded(bytes.crc32c(key..<key + fixed.keyLength))
        bytes.store(check, at: record.lowerBound + RecordField.keyCheck)
      }
      let value = key + fixed.keyLength
      if options.contains(.fitsEnds), fixed.kind == .digest, let before,
        fixed.valueLength >= SegmentDigestField.entries
      {
        bytes.replace(with: before, at: value + SegmentDigestField.header)
      }
      RecordSeal.seal(&bytes, at: record.lowerBound, of: header)
      end = record.upperBound
    }
    let lineEnd = min((end + 63) / 64 * 64, bytes.count)
    sealPad(&bytes, end..<lineEnd, header)
    return bytes[end..<lineEnd].allSatisfy { $0 == 0 } ? end : lineEnd
  }

  /// Seals the pad that may stand at the front of a range.
  private func sealPad(_ bytes: inout [UInt8], _ range: Range<Int>, _ header: SegmentHeader) {
    let offset = range.lowerBound
    guard range.count >= PadField.headerEnd,
      unsafe RecordHeader.kindAndFlags(in: bytes.span.bytes, at: offset) & RecordFlags.kindMask
        == UInt16(RecordKind.pad.rawValue)
    else { return }
    let crc = bytes.crc32c(
      offset + PadField.kindAndFlags..<offset + PadField.headerEnd,
      continuing: SegmentBinding(header).seed(at: offset)
    )
    bytes.store(crc, at: offset + PadField.checksum)
  }

  private func sealMark(_ bytes: inout [UInt8], _ header: SegmentHeader) {
    let mark = SegmentField.closeMark..<SegmentField.closeMark + CloseMarkField.checksum
    guard bytes[mark].contains(where: { $0 != 0 }) else { return }
    if options.contains(.fitsEnds),
      let last = Self.records(in: bytes).last,
      unsafe RecordHeader(in: bytes.span.bytes, at: last.lowerBound)?.kind == .close
    {
      bytes.store(UInt64(last.lowerBound), at: SegmentField.closeMark + CloseMarkField.end)
    }
    let crc = bytes.crc32c(mark, continuing: SegmentBinding(header).seed)
    bytes.store(crc, at: mark.upperBound)
  }

  /// Seals the digest behind the records of a compacted segment, whose checksum the header holds.
  private func sealDigest(_ bytes: inout [UInt8], _ header: SegmentHeader) {
    guard let compaction = header.compaction, compaction.end <= bytes.count,
      compaction.digestLength <= bytes.count - compaction.end
    else { return }
    let digest = compaction.end..<compaction.end + compaction.digestLength
    let crc = bytes.crc32c(digest, continuing: SegmentBinding(header).seed)
    bytes.store(crc, at: SegmentField.digestChecksum)
    checksumHeader(&bytes)
  }
}

extension [UInt8] {
  /// Writes a segment's header, as it stands.
  fileprivate mutating func replace(with header: SegmentHeader, at offset: Int) {
    var words = [UInt8](repeating: 0, count: SegmentField.headerEnd)
    var span = words.mutableSpan
    var encoded = unsafe span.mutableBytes
    header.encode(into: &encoded)
    replaceSubrange(offset..<offset + words.count, with: words)
  }
}
