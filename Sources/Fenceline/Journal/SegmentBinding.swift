// What binds a record to its place. Every checksum starts from the store, the segment, the
// incarnation and the offset, so bytes that are valid elsewhere are not valid here.

internal import CFlush
package import JournalFormat
package import PersistentMemory

/// The seed of a segment's checksums, and what its records' sequences are relative to.
package struct SegmentBinding: Sendable, Equatable {
  package let segmentID: UInt32
  package let firstSequence: UInt64
  /// CRC32C over store id, segment id and incarnation, as they are encoded in the header.
  package let seed: UInt32

  package init(
    storeID: StoreID,
    segmentID: UInt32,
    incarnation: UInt64,
    firstSequence: UInt64
  ) {
    self.segmentID = segmentID
    self.firstSequence = firstSequence
    let storeID = Mutant.storeUnbound.isActive ? StoreID(low: 0, high: 0) : storeID
    var crc = Checksum.crc32c(of: storeID.low, continuing: 0)
    crc = Checksum.crc32c(of: storeID.high, continuing: crc)
    crc = Checksum.crc32c(of: Mutant.segmentUnbound.isActive ? 0 : segmentID, continuing: crc)
    seed = Checksum.crc32c(
      of: Mutant.incarnationUnbound.isActive ? 0 : incarnation,
      continuing: crc
    )
  }

  package init(_ header: SegmentHeader) {
    self.init(
      storeID: header.storeID,
      segmentID: header.segmentID,
      incarnation: header.incarnation,
      firstSequence: header.firstSequence
    )
  }

  /// Where the checksums of the record at `offset` start.
  @inline(__always)
  package func seed(at offset: Int) -> UInt32 {
    let place = Mutant.offsetUnbound.isActive ? 0 : UInt64(truncatingIfNeeded: offset)
    return Checksum.crc32c(of: place, continuing: seed)
  }

  /// The sequence of the record at `offset`, whose header lies within `bytes`.
  @inline(__always)
  func sequence(of header: RecordHeaderWords, in bytes: RawSpan, at offset: Int) -> UInt64 {
    header.flags.contains(.wideSequence)
      ? RecordFields(flags: header.flags, in: bytes, at: offset).wideSequence
      : shortSequence(of: header)
  }

  /// The same of a record without the field for a whole sequence.
  @inline(__always)
  func shortSequence(of header: RecordHeaderWords) -> UInt64 {
    firstSequence &+ UInt64(header.sequenceOffset)
  }
}

extension Checksum {
  /// CRC32C of an integer as it is stored, little-endian.
  @inline(__always)
  package static func crc32c(of value: UInt64, continuing crc: UInt32) -> UInt32 {
    fl_crc32c_uint64(crc, value.littleEndian)
  }

  /// CRC32C of an integer as it is stored, little-endian.
  @inline(__always)
  package static func crc32c(of value: UInt32, continuing crc: UInt32) -> UInt32 {
    fl_crc32c_uint32(crc, value.littleEndian)
  }

  /// The check of a record's header alone, as ``RecordField/headerCheck`` holds it.
  @inline(__always)
  static func headerCheck(_ words: RecordHeaderWords, seed: UInt32) -> UInt16 {
    var crc = crc32c(of: words.coveredFirst, continuing: seed)
    crc = crc32c(of: words.sequenceOffset, continuing: crc)
    return folded(fl_crc32c_uint16(crc, words.keyCheck.littleEndian))
  }

  /// A CRC folded to 16 bits, as ``RecordField/keyCheck`` and ``RecordField/headerCheck`` hold it.
  @inline(__always)
  package static func folded(_ crc: UInt32) -> UInt16 {
    UInt16(truncatingIfNeeded: crc ^ (crc >> 16))
  }

  /// The check of a key alone.
  @inline(__always)
  package static func keyCheck(_ key: RawSpan) -> UInt16 { folded(crc32c(key)) }
}
