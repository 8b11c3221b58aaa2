// What is encoded is decoded again, at the offsets that the constants name.

import JournalFormat
import Testing

/// A buffer of zeros that `body` may write, and its bytes afterwards.
func encoded(_ count: Int, _ body: (inout MutableRawSpan) -> Void) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  var span = bytes.mutableSpan
  var raw = unsafe span.mutableBytes
  body(&raw)
  return bytes
}

struct EncodingTests {
  @Test func `A record header survives the round trip`() {
    var header = RecordHeader(
      kind: .put,
      flags: [.transactionBegin, .batchStart],
      keyLength: 0xfffe,
      valueLength: 0xffff_fffd,
      sequenceOffset: 0x89ab_cdef,
      keyCheck: 0x1234
    )
    header.checksum = 0xdead_beef
    header.headerCheck = 0x5678
    let bytes = encoded(RecordField.headerEnd + 3) { $0.storeAll(header) }
    let decoded = RecordHeader(in: unsafe bytes.span.bytes, at: 0)
    #expect(decoded == header)
    #expect(bytes[0..<4] == [0xef, 0xbe, 0xad, 0xde])
    #expect(bytes[4] == UInt8(RecordKind.put.rawValue) | 0x50)
    #expect(bytes[20...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: [0 as UInt8, 5, 7, 15])
  func `What is no record kind is no record`(kind: UInt8) {
    var bytes = [UInt8](repeating: 0xff, count: RecordField.headerEnd)
    bytes[RecordField.kindAndFlags] = kind
    #expect(RecordHeader(in: unsafe bytes.span.bytes, at: 0) == nil)
  }

  @Test func `Optional fields stand in the order of their flags and cost nothing when absent`() {
    let optional: [RecordFlags] = [
      .transactionCount, .previousVersion, .sourcePosition, .expiry, .wideSequence,
    ]
    var fields = RecordFields()
    fields.transactionCount = 0x0102_0304
    fields.previousVersion = JournalPosition(segment: 7, offset: 4096)
    fields.sourcePosition = JournalPosition(segment: 8, offset: 8192)
    fields.expiry = 0x2122_2324_2526_2728
    fields.wideSequence = 0x3132_3334_3536_3738
    for subset in 0..<(1 << optional.count) {
      var flags = RecordFlags()
      var expected = RecordFields()
      for (bit, flag) in optional.enumerated() where subset >> bit & 1 == 1 {
        flags.insert(flag)
        switch flag {
        case .transactionCount: expected.transactionCount = fields.transactionCount
        case .previousVersion: expected.previousVersion = fields.previousVersion
        case .sourcePosition: expected.sourcePosition = fields.sourcePosition
        case .expiry: expected.expiry = fields.expiry
        default: expected.wideSequence = fields.wideSequence
        }
      }
      let length = RecordShape(flags: flags, keyLength: 0, valueLength: 0).headerLength
      let bytes = encoded(RecordLimit.largestHeader) { fields.encode(flags: flags, into: &$0) }
      #expect(RecordFields(flags: flags, in: unsafe bytes.span.bytes, at: 0) == expected)
      #expect(bytes[length...].allSatisfy { $0 == 0 }, "fields end where the shape says")
    }
  }

  @Test func `A shape says where everything lies`() {
    let small = RecordShape(flags: .wholeTransaction, keyLength: 16, valueLength: 100)
    #expect(small.headerLength == 20)
    #expect(small.valueOffset == 36)
    #expect(small.usedLength == 136)
    #expect(small.totalLength == 136)
    let empty = RecordShape(flags: .wholeTransaction, keyLength: 0, valueLength: 0)
    #expect(empty.totalLength == RecordLimit.smallestRecord)
    let large = RecordShape(
      flags: [.chunkChecksums, .previousVersion],
      keyLength: 3,
      valueLength: 65_537
    )
    #expect(large.headerLength == 28)
    #expect(large.chunkCount == 2)
    #expect(large.chunkChecksumsOffset == 28 + 3 + 65_537)
    #expect(large.usedLength == 28 + 3 + 65_537 + 8)
    #expect(large.totalLength == 65_576)
  }

  @Test func `The largest record's lengths do not overflow`() {
    let shape = RecordShape(
      flags: .chunkChecksums,
      keyLength: RecordLimit.keyLength,
      valueLength: RecordLimit.valueLength
    )
    #expect(shape.totalLength == 4_295_295_000)
  }

  @Test func `A segment header survives the round trip`() {
    var header = SegmentHeader(
      storeID: StoreID(low: 1, high: 2),
      segmentID: 3,
      predecessorID: 4,
      incarnation: 5,
      capacity: 6,
      firstSequence: 7,
      predecessorEnd: 8,
      createdAt: 9
    )
    header.checksum = 10
    let bytes = encoded(SegmentField.headerEnd) { header.encode(into: &$0) }
    #expect(SegmentHeader(decoding: unsafe bytes.span.bytes) == header)
    #expect(String(decoding: bytes[0..<8], as: UTF8.self) == "FENCELNE")
    var other = bytes
    other[0] ^= 1
    #expect(SegmentHeader(decoding: unsafe other.span.bytes) == nil)
  }

  @Test func `A length that no file can have does not trap`() {
    var bytes = [UInt8](repeating: 0xff, count: SegmentField.headerEnd)
    bytes.replaceSubrange(0..<8, with: Array("FENCELNE".utf8))
    let header = SegmentHeader(decoding: unsafe bytes.span.bytes)
    #expect(header?.capacity == Int.max)
    #expect(header?.predecessorEnd == Int.max)
  }

  @Test func `A close mark survives the round trip`() {
    var mark = CloseMark(incarnation: 1, end: 4096, nextSequence: 3, state: .open)
    mark.checksum = 4
    let bytes = encoded(SegmentField.journalStart) { (page) in
      let inner = encoded(CloseMarkField.markEnd) { mark.encode(into: &$0) }
      for (index, byte) in inner.enumerated() {
        page.storeBytes(of: byte, toByteOffset: SegmentField.closeMark + index, as: UInt8.self)
      }
    }
    #expect(CloseMark(decodingFirstPage: unsafe bytes.span.bytes) == mark)
  }

  @Test func `A position names segment and offset`() {
    let position = JournalPosition(segment: 0xffff_fffe, offset: 8 * 0xffff_fffd)
    #expect(position.segment == 0xffff_fffe)
    #expect(position.offset == 8 * 0xffff_fffd)
    #expect(JournalPosition.none.segment == 0)
  }
}

extension MutableRawSpan {
  /// `encode` as a method of the destination, for closures.
  mutating func storeAll(_ header: RecordHeader) { header.encode(into: &self) }
}
