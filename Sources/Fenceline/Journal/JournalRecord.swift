// One record, checked. Reading and verifying are one step: there is no way to a key or a value that
// does not pass through here.

internal import CFlush
package import JournalFormat
internal import PersistentMemory

/// Why the bytes at an offset are not a record.
package enum RecordFault: Error, Sendable, Equatable {
  /// The header is damaged, torn, or was never written.
  case header
  /// The header holds, but its lengths lead outside the segment.
  case length
  /// The header holds, but what it announces does not match the checksum. `keyCheck` names the key;
  /// it is the only one concerned if the record is a transaction of its own.
  case body(keyCheck: UInt16, isWholeTransaction: Bool)
  /// The header holds and carries flags of a newer version.
  case unknownFlags(UInt16)
}

/// A verified record and where it stands.
package struct JournalRecord: Sendable {
  package let offset: Int
  /// Its header, which was taken apart once to be checked; small, for a get keeps it in registers.
  private let words: RecordHeaderWords
  /// Where the key starts.
  private let keyOffset: Int
  package let sequence: UInt64

  package var header: RecordHeader {
    guard let header = RecordHeader(words) else { preconditionFailure("a record has a kind") }
    return header
  }

  @inline(__always)
  package var shape: RecordShape { words.shape }

  /// What its header says beside the kind.
  @inline(__always)
  package var flags: RecordFlags { words.flags }

  /// See ``RecordField/keyCheck``.
  @inline(__always)
  var keyCheck: UInt16 { words.keyCheck }

  /// Whether it is of a kind.
  @inline(__always)
  package func isA(_ kind: RecordKind) -> Bool { words.kindBits == UInt16(kind.rawValue) }

  /// Whether it gives a key a value.
  @inline(__always)
  var isPut: Bool { isA(.put) }

  /// Whether it gives a key a value for good.
  @inline(__always)
  var isLastingPut: Bool {
    UInt16(truncatingIfNeeded: words.first >> 32) & Self.kindAndExpiry
      == UInt16(RecordKind.put.rawValue)
  }

  /// Whether it does not say when it ends.
  @inline(__always)
  var isLasting: Bool { !words.flags.contains(.expiry) }

  private static let kindAndExpiry = RecordFlags.kindMask | RecordFlags.expiry.rawValue

  /// When its value ends.
  ///
  /// - Parameter bytes: those that the record was read from.
  /// - Returns: nil where it lasts.
  func expiry(in bytes: RawSpan) -> Expiry? {
    guard !isLasting else { return nil }
    return Expiry(millisecondsSince1970: fields(in: bytes).expiry)
  }

  /// Where the next record starts.
  @inline(__always)
  package var end: Int { offset + shape.totalLength }

  /// Where the key lies in the segment.
  @inline(__always)
  package var keyRange: Range<Int> {
    // Wrapping and unchecked, for a record was found to lie within memory.
    unsafe Range(uncheckedBounds: (keyOffset, keyOffset &+ words.keyLength))
  }

  /// Where the value lies in the segment.
  @inline(__always)
  package var valueRange: Range<Int> {
    let start = keyOffset &+ words.keyLength
    return unsafe Range(uncheckedBounds: (start, start &+ words.valueLength))
  }

  /// Bytes of key and value.
  @inline(__always)
  var bodyLength: Int { words.keyLength &+ words.valueLength }

  /// The optional fields of its header.
  ///
  /// - Parameter bytes: those that the record was read from.
  /// - Returns: what its flags announce; fields that are absent have their defaults.
  package func fields(in bytes: RawSpan) -> RecordFields {
    RecordFields(flags: words.flags, in: bytes, at: offset)
  }

  /// Reads and verifies the record at `offset`: header check, bounds, flags, checksums.
  ///
  /// - Parameters:
  ///   - bytes: the segment from its first byte on.
  ///   - offset: a multiple of 8.
  ///   - binding: the segment's.
  ///   - limit: records end at or before this offset.
  /// - Throws: ``RecordFault`` of the first check that fails.
  /// - Complexity: O(record); every byte is read once.
  @inline(__always)
  package init(
    in bytes: RawSpan,
    at offset: Int,
    binding: SegmentBinding,
    limit: Int
  ) throws(RecordFault) {
    guard offset >= 0, limit <= bytes.byteCount, offset <= limit - RecordField.headerEnd
    else { throw .header }
    let words = RecordHeaderWords(in: bytes, at: offset)
    if Self.isWhole(words, in: bytes, at: offset, binding, limit: limit) {
      self.init(
        verified: words,
        at: offset,
        keyOffset: offset &+ RecordField.headerEnd,
        sequence: binding.shortSequence(of: words)
      )
    } else {
      self = try Self.checked(words, in: bytes, at: offset, binding, limit: limit)
    }
  }

  /// The verified record at `offset` if it is a put with nothing but the fixed fields, a transaction of its
  /// own, and claims no ordering point; nil where it is another one, or none.
  @inline(__always)
  init?(plainPutIn bytes: RawSpan, at offset: Int, binding: SegmentBinding, limit: Int) {
    guard offset >= 0, limit <= bytes.byteCount, offset <= limit - RecordField.headerEnd
    else { return nil }
    let words = RecordHeaderWords(in: bytes, at: offset)
    guard words.isPlainPut, Self.isWhole(words, in: bytes, at: offset, binding, limit: limit)
    else { return nil }
    self.init(
      verified: words,
      at: offset,
      keyOffset: offset &+ RecordField.headerEnd,
      sequence: binding.shortSequence(of: words)
    )
  }

  @inline(__always)
  private init(
    verified words: RecordHeaderWords,
    at offset: Int,
    keyOffset: Int,
    sequence: UInt64
  ) {
    (self.offset, self.words, self.keyOffset, self.sequence) = (offset, words, keyOffset, sequence)
  }

  /// Whether a record is a plain one, as nearly all are, and every check of it holds.
  ///
  /// The header lies within `bytes`, and they are no shorter than `limit`.
  @inline(__always)
  private static func isWhole(
    _ words: RecordHeaderWords,
    in bytes: RawSpan,
    at offset: Int,
    _ binding: SegmentBinding,
    limit: Int
  ) -> Bool {
    guard words.isPlain else { return false }
    // Wrapping: the lengths have 16 and 32 bits.
    let bodyLength = words.keyLength &+ words.valueLength
    let end = RecordShape.wholeLength(RecordField.headerEnd &+ bodyLength)
    guard end <= limit &- offset else { return false }
    // SAFETY: the body ends within `bytes`.
    let checks = unsafe bytes.withUnsafeBytes {
      unsafe fl_crc32c_framed(
        binding.seed,
        UInt64(truncatingIfNeeded: offset),
        words.coveredFirst,
        words.coveredSecond,
        $0.baseAddress.unsafelyUnwrapped + (offset &+ RecordField.headerEnd),
        bodyLength
      )
    }
    return checks == UInt64(words.checksum) | FL_FRAME_HOLDS
  }

  /// Any record, or what is wrong with it.
  @inline(never)
  private static func checked(
    _ words: RecordHeaderWords,
    in bytes: RawSpan,
    at offset: Int,
    _ binding: SegmentBinding,
    limit: Int
  ) throws(RecordFault) -> JournalRecord {
    let seed = binding.seed(at: offset)
    guard RecordKind.isRecord(words.kindBits),
      Checksum.headerCheck(words, seed: seed) == words.headerCheck
        || Mutant.recordHeaderUnchecked.isActive
    else { throw .header }
    let unknown = words.flags.rawValue & ~RecordFlags.known.rawValue
    guard unknown == 0 else { throw .unknownFlags(unknown) }
    let shape = words.shape
    guard shape.totalLength <= limit - offset || Mutant.recordLengthUnchecked.isActive else {
      throw .length
    }
    guard bodyMatches(bytes, at: offset, words: words, shape: shape, seed: seed) else {
      throw .body(
        keyCheck: words.keyCheck,
        isWholeTransaction: words.flags.contains(.wholeTransaction)
      )
    }
    return JournalRecord(
      verified: words,
      at: offset,
      keyOffset: offset + shape.headerLength,
      sequence: binding.sequence(of: words, in: bytes, at: offset)
    )
  }

  private static func bodyMatches(
    _ bytes: RawSpan,
    at offset: Int,
    words: RecordHeaderWords,
    shape: RecordShape,
    seed: UInt32
  ) -> Bool {
    let keyStart = offset + shape.headerLength
    var crc: UInt32
    if shape.chunkCount == 0 {
      // Key and value are neighbours: one pass.
      crc = Checksum.crc32c(
        bytes.extracting(keyStart..<offset + shape.usedLength),
        continuing: seed
      )
    } else {
      let key = bytes.extracting(keyStart..<offset + shape.valueOffset)
      let chunkChecksums = bytes.extracting(
        offset + shape.chunkChecksumsOffset..<offset + shape.usedLength
      )
      crc = Checksum.crc32c(key, continuing: seed)
      crc = Checksum.crc32c(chunkChecksums, continuing: crc)
    }
    crc = Checksum.crc32c(of: words.coveredFirst, continuing: crc)
    crc = Checksum.crc32c(of: words.coveredSecond, continuing: crc)
    if shape.headerLength > RecordField.headerEnd {
      let fields = bytes.extracting(offset + RecordField.headerEnd..<keyStart)
      crc = Checksum.crc32c(fields, continuing: crc)
    }
    guard crc == words.checksum || Mutant.bodyUnchecked.isActive else { return false }
    return shape.chunkCount == 0 || chunksMatch(bytes, at: offset, shape: shape, seed: seed)
  }

  @inline(never)
  private static func chunksMatch(
    _ bytes: RawSpan,
    at offset: Int,
    shape: RecordShape,
    seed: UInt32
  ) -> Bool {
    var checksum = offset + shape.chunkChecksumsOffset
    var chunk = offset + shape.valueOffset
    let end = chunk + shape.valueLength
    while chunk < end {
      let chunkEnd = min(chunk + RecordLimit.chunkSize, end)
      let crc = Checksum.crc32c(bytes.extracting(chunk..<chunkEnd), continuing: seed)
      guard
        crc == bytes.littleEndian(at: checksum, as: UInt32.self)
          || Mutant.chunksUnchecked.isActive
      else { return false }
      chunk = chunkEnd
      checksum += 4
    }
    return true
  }
}

/// A pad: the rest of a line before an ordering point.
package enum JournalPad {
  /// Bytes of the valid pad at `offset`, or nil.
  package static func length(
    in bytes: RawSpan,
    at offset: Int,
    binding: SegmentBinding,
    limit: Int
  ) -> Int? {
    guard offset >= 0, limit <= bytes.byteCount, offset <= limit - PadField.headerEnd,
      RecordHeader.kindAndFlags(in: bytes, at: offset) == UInt16(RecordKind.pad.rawValue)
    else { return nil }
    let length = Int(bytes.littleEndian(at: offset + PadField.length, as: UInt16.self))
    let checked = bytes.extracting(offset + PadField.kindAndFlags..<offset + PadField.headerEnd)
    let crc = Checksum.crc32c(checked, continuing: binding.seed(at: offset))
    guard
      crc == bytes.littleEndian(at: offset + PadField.checksum, as: UInt32.self)
        || Mutant.padUnchecked.isActive,
      length >= PadField.headerEnd, length <= limit - offset,
      (offset + length).isMultiple(of: RecordLimit.lineSize), length < RecordLimit.lineSize
    else { return nil }
    return length
  }

  /// Writes a pad of `length` bytes for the place `offset`, `start` bytes into `bytes`, which are
  /// zero there.
  package static func encode(
    into bytes: inout MutableRawSpan,
    from start: Int,
    length: Int,
    at offset: Int,
    binding: SegmentBinding
  ) {
    let kindAndLength =
      UInt32(RecordKind.pad.rawValue) | UInt32(truncatingIfNeeded: length) << 16
    bytes.storeLittleEndian(kindAndLength, at: start + PadField.kindAndFlags)
    let crc = Checksum.crc32c(of: kindAndLength, continuing: binding.seed(at: offset))
    bytes.storeLittleEndian(crc, at: start + PadField.checksum)
  }
}
