// A record: fixed header, optional fields, key, value, chunk checksums, zeros up to 8 bytes.
//
//   0        4             6           8             12               16         18           20
//   | checksum | kindAndFlags | keyLength | valueLength | sequenceOffset | keyCheck | headerCheck |
//   | optional fields, in the order of their flag bits | key | value | chunk checksums | zeros |
//
// Invariant: `headerCheck` is tested before any length is used, so a damaged length is never
// followed; `checksum` covers everything else, so no damaged byte is ever handed out.
//
// What records consist of is public, though this module is no product: Swift 6.3 inlines nothing
// across modules that is `package`, @inlinable or not, and a get would make 15 calls for offsets and
// lengths that are constants.

/// Byte offsets within a record's fixed header.
public enum RecordField {
  /// `UInt32`: CRC32C over binding, key, value (or chunk checksums) and header from byte 4 on.
  public static let checksum = 0
  /// `UInt16`: ``RecordKind`` in the low four bits, ``RecordFlags`` above.
  public static let kindAndFlags = 4
  /// `UInt16`: bytes of the key.
  public static let keyLength = 6
  /// `UInt32`: bytes of the value.
  public static let valueLength = 8
  /// `UInt32`: sequence of the transaction minus the segment's first sequence.
  public static let sequenceOffset = 12
  /// `UInt16`: folded CRC32C of the key alone: names the key where the rest is damaged.
  public static let keyCheck = 16
  /// `UInt16`: folded CRC32C over binding and header bytes 4..<18.
  public static let headerCheck = 18
  /// Bytes of the fixed header.
  public static let headerEnd = 20
}

/// Byte offsets within a pad: 8 to 56 bytes that end at the end of a line.
public enum PadField {
  /// `UInt32`: CRC32C over binding and pad bytes 4..<8.
  public static let checksum = 0
  /// `UInt16`: ``RecordKind/pad``, no flags.
  public static let kindAndFlags = 4
  /// `UInt16`: bytes of the whole pad; those from byte 8 on are zero.
  public static let length = 6
  /// Bytes that are always there.
  public static let headerEnd = 8
}

/// Sizes and limits of records.
public enum RecordLimit {
  /// Bytes of the largest key.
  public static let keyLength = 65_535
  /// Bytes of the largest value.
  public static let valueLength = 4_294_967_295
  /// Records start at multiples of this.
  public static let alignment = 8
  /// The unit of write-back; batches start on one.
  public static let lineSize = 64
  /// Values longer than this carry one checksum per chunk of this size.
  public static let chunkSize = 65_536
  /// Bytes of the smallest record (a pad is smaller).
  public static let smallestRecord = 24
  /// Bytes of the fixed header with every optional field.
  public static let largestHeader = RecordField.headerEnd + 4 + 4 + 8 + 8 + 8 + 8
}

/// Where the parts of one record lie, relative to its first byte.
public struct RecordShape: Sendable, Equatable {
  /// Bytes of the fixed header and the optional fields; the key starts here.
  public let headerLength: Int
  /// Bytes of the key.
  public let keyLength: Int
  /// Bytes of the value.
  public let valueLength: Int
  /// Checksums that follow the value: one per started chunk, or none.
  public let chunkCount: Int

  /// The shape that flags and lengths give.
  ///
  /// - Parameters:
  ///   - flags: decides which optional fields there are.
  ///   - keyLength: bytes of the key.
  ///   - valueLength: bytes of the value.
  @inlinable @inline(__always)
  public init(flags: RecordFlags, keyLength: Int, valueLength: Int) {
    headerLength = RecordField.headerEnd + Self.optionalLength(flags)
    self.keyLength = keyLength
    self.valueLength = valueLength
    chunkCount =
      flags.contains(.chunkChecksums)
      ? (valueLength + RecordLimit.chunkSize - 1) / RecordLimit.chunkSize : 0
  }

  /// Where the value starts.
  @inlinable @inline(__always) public var valueOffset: Int { headerLength + keyLength }
  /// Where the chunk checksums start (unaligned).
  @inlinable @inline(__always) public var chunkChecksumsOffset: Int { valueOffset + valueLength }
  /// Bytes up to the closing zeros.
  @inlinable @inline(__always) public var usedLength: Int { chunkChecksumsOffset + 4 * chunkCount }
  /// Bytes of the whole record, a multiple of 8.
  @inlinable @inline(__always) public var totalLength: Int { Self.wholeLength(usedLength) }

  /// Bytes of a record with `usedLength` bytes up to the closing zeros.
  @inlinable @inline(__always)
  public static func wholeLength(_ usedLength: Int) -> Int {
    (usedLength &+ (RecordLimit.alignment - 1)) & ~(RecordLimit.alignment - 1)
  }

  /// Bytes of the optional fields that `flags` announce.
  @inlinable @inline(__always)
  public static func optionalLength(_ flags: RecordFlags) -> Int {
    let four = flags.rawValue & RecordFlags.announcingFourBytes.rawValue
    let eight = flags.rawValue & RecordFlags.announcingEightBytes.rawValue
    // Counting bits takes ten instructions where the CPU may lack the one for it.
    return four | eight == 0 ? 0 : 4 * four.nonzeroBitCount + 8 * eight.nonzeroBitCount
  }
}
