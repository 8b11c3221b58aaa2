// Gives bytes the checks that a writer would have given them, whatever they say: how journals are made
// that are wrong and whose checksums are right.
//
// Invariant: nothing but checks is changed, and nothing outside the record.

internal import Fenceline
package import JournalFormat
internal import PersistentMemory

/// Checksums records anew.
package enum RecordSeal {
  /// Seals the record at `offset`, which lies within `bytes` as far as its header says.
  ///
  /// - Parameters:
  ///   - bytes: a segment from its first byte on.
  ///   - offset: where the record's header stands.
  ///   - header: that of the segment: it binds the checks.
  /// - Returns: where the record ends, or nil where no header stands there or its lengths lead outside.
  @discardableResult
  package static func seal(
    _ bytes: inout [UInt8],
    at offset: Int,
    of header: SegmentHeader
  ) -> Int? {
    guard offset >= 0, offset <= bytes.count - RecordField.headerEnd,
      let shape = unsafe RecordHeader(in: bytes.span.bytes, at: offset)?.shape,
      shape.totalLength <= bytes.count - offset
    else { return nil }
    let seed = SegmentBinding(header).seed(at: offset)
    sealChunks(&bytes, at: offset, shape, seed)
    let headerCheck = bytes.crc32c(
      offset + RecordField.kindAndFlags..<offset + RecordField.headerCheck,
      continuing: seed
    )
    bytes.store(Checksum.folded(headerCheck), at: offset + RecordField.headerCheck)
    let keyStart = offset + shape.headerLength
    var crc = seed
    if shape.chunkCount == 0 {
      crc = bytes.crc32c(keyStart..<offset + shape.usedLength, continuing: crc)
    } else {
      crc = bytes.crc32c(keyStart..<offset + shape.valueOffset, continuing: crc)
      let checksums = offset + shape.chunkChecksumsOffset..<offset + shape.usedLength
      crc = bytes.crc32c(checksums, continuing: crc)
    }
    crc = bytes.crc32c(offset + RecordField.kindAndFlags..<keyStart, continuing: crc)
    bytes.store(crc, at: offset + RecordField.checksum)
    return offset + shape.totalLength
  }

  private static func sealChunks(
    _ bytes: inout [UInt8],
    at offset: Int,
    _ shape: RecordShape,
    _ seed: UInt32
  ) {
    let valueEnd = offset + shape.chunkChecksumsOffset
    for chunk in 0..<shape.chunkCount {
      let start = offset + shape.valueOffset + chunk * RecordLimit.chunkSize
      let end = min(start + RecordLimit.chunkSize, valueEnd)
      bytes.store(bytes.crc32c(start..<end, continuing: seed), at: valueEnd + 4 * chunk)
    }
  }
}

extension [UInt8] {
  /// CRC32C of a part of the bytes.
  package func crc32c(_ range: Range<Int>, continuing crc: UInt32 = 0) -> UInt32 {
    Checksum.crc32c(unsafe span.bytes.extracting(range), continuing: crc)
  }

  /// Stores an integer as the format does.
  package mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
    var span = mutableSpan
    var bytes = unsafe span.mutableBytes
    bytes.storeLittleEndian(value, at: offset)
  }
}
