// The header of a record in memory, and its explicit encoding. Checksums are computed by the reader
// and the writer; this file only says where they stand.

/// The fixed part of a record's header.
public struct RecordHeader: Sendable, Equatable {
  /// See ``RecordField/checksum``.
  public var checksum: UInt32 = 0
  /// What the record does.
  public var kind: RecordKind
  /// Its place in the transaction, and which optional fields it carries.
  public var flags: RecordFlags
  /// Bytes of the key.
  public var keyLength: Int
  /// Bytes of the value.
  public var valueLength: Int
  /// Sequence of the transaction minus the segment's first sequence, modulo 2^32.
  public var sequenceOffset: UInt32
  /// See ``RecordField/keyCheck``.
  public var keyCheck: UInt16
  /// See ``RecordField/headerCheck``.
  public var headerCheck: UInt16 = 0

  /// A header whose checks are still to be computed.
  @inlinable
  public init(
    kind: RecordKind,
    flags: RecordFlags,
    keyLength: Int,
    valueLength: Int,
    sequenceOffset: UInt32,
    keyCheck: UInt16
  ) {
    self.kind = kind
    self.flags = flags
    self.keyLength = keyLength
    self.valueLength = valueLength
    self.sequenceOffset = sequenceOffset
    self.keyCheck = keyCheck
  }

  /// The parts that the lengths give.
  @inlinable @inline(__always)
  public var shape: RecordShape {
    RecordShape(flags: flags, keyLength: keyLength, valueLength: valueLength)
  }

  /// Writes the fixed part; `checksum` and `headerCheck` as they stand in the properties.
  ///
  /// - Parameter bytes: at least ``RecordField/headerEnd`` bytes.
  @inlinable @inline(__always)
  public func encode(into bytes: inout MutableRawSpan) { words.store(into: &bytes) }

  /// The kind and flags of the record at `offset`, not yet checked by anything.
  @inlinable
  public static func kindAndFlags(in bytes: RawSpan, at offset: Int) -> UInt16 {
    bytes.littleEndian(at: offset + RecordField.kindAndFlags, as: UInt16.self)
  }

  /// The fixed part at `offset`, or nil where its kind is none or pad.
  ///
  /// Unknown flags are kept for the caller to refuse; nothing else is checked.
  @inlinable @inline(__always)
  public init?(in bytes: RawSpan, at offset: Int) {
    self.init(RecordHeaderWords(in: bytes, at: offset))
  }

  /// The fixed part that `words` hold, or nil where its kind is none or pad.
  @inlinable @inline(__always)
  public init?(_ words: RecordHeaderWords) {
    guard let kind = RecordKind(recordBits: words.kindBits) else { return nil }
    checksum = words.checksum
    self.kind = kind
    flags = words.flags
    keyLength = words.keyLength
    valueLength = words.valueLength
    sequenceOffset = words.sequenceOffset
    keyCheck = words.keyCheck
    headerCheck = words.headerCheck
  }

  /// The fixed part as integers.
  @inlinable @inline(__always)
  public var words: RecordHeaderWords {
    let kindAndFlags = flags.rawValue | UInt16(kind.rawValue)
    return RecordHeaderWords(
      first: UInt64(checksum) | UInt64(kindAndFlags) << 32
        | UInt64(UInt16(truncatingIfNeeded: keyLength)) << 48,
      second: UInt64(UInt32(truncatingIfNeeded: valueLength)) | UInt64(sequenceOffset) << 32,
      third: UInt32(keyCheck) | UInt32(headerCheck) << 16
    )
  }
}

/// The fixed part of a record's header as the little-endian integers that it is loaded and checked in.
public struct RecordHeaderWords: Sendable {
  /// Bytes 0 to 8.
  public let first: UInt64
  /// Bytes 8 to 16.
  public let second: UInt64
  /// Bytes 16 to 20.
  public var third: UInt32

  /// The integers as they are.
  @inlinable @inline(__always)
  public init(first: UInt64, second: UInt64, third: UInt32) {
    self.first = first
    self.second = second
    self.third = third
  }

  /// The header at `offset`, which lies within `bytes`.
  @inlinable @inline(__always)
  public init(in bytes: RawSpan, at offset: Int) {
    precondition(
      offset >= 0 && offset <= bytes.byteCount - RecordField.headerEnd,
      "a header outside the segment"
    )
    // SAFETY: the range was checked; every bit pattern is a valid integer.
    first = unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    )
    second = unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 8, as: UInt64.self)
    )
    third = unsafe UInt32(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 16, as: UInt32.self)
    )
  }

  /// Stores the integers at the front of `bytes`.
  @inlinable @inline(__always)
  public func store(into bytes: inout MutableRawSpan) {
    bytes.storeLittleEndian(first, at: 0)
    bytes.storeLittleEndian(second, at: 8)
    bytes.storeLittleEndian(third, at: 16)
  }

  /// The parts that the lengths give.
  @inlinable @inline(__always)
  public var shape: RecordShape {
    RecordShape(flags: flags, keyLength: keyLength, valueLength: valueLength)
  }

  /// Bytes 0 to 4.
  @inlinable @inline(__always)
  public var checksum: UInt32 { UInt32(truncatingIfNeeded: first) }
  /// The low bits of bytes 4 and 5.
  @inlinable @inline(__always)
  public var kindBits: UInt16 { UInt16(truncatingIfNeeded: first >> 32) & RecordFlags.kindMask }
  /// The rest of bytes 4 and 5.
  @inlinable @inline(__always)
  public var flags: RecordFlags {
    RecordFlags(rawValue: UInt16(truncatingIfNeeded: first >> 32) & ~RecordFlags.kindMask)
  }
  /// Whether it is a put or a delete without optional fields, chunk checksums and unknown flags.
  @inlinable @inline(__always)
  public var isPlain: Bool {
    let put = UInt16(RecordKind.put.rawValue), delete = UInt16(RecordKind.delete.rawValue)
    let bits = UInt16(truncatingIfNeeded: first >> 32) &- put
    return bits & (RecordFlags.beyondFixedFields | RecordFlags.kindMask) <= delete - put
  }
  /// Whether it is a put without such fields, a transaction of its own, and no batch start.
  @inlinable @inline(__always)
  public var isPlainPut: Bool {
    let bits = RecordFlags.wholeTransaction.rawValue | UInt16(RecordKind.put.rawValue)
    return UInt16(truncatingIfNeeded: first >> 32) == bits
  }
  /// Bytes 6 and 7.
  @inlinable @inline(__always)
  public var keyLength: Int { Int(truncatingIfNeeded: first >> 48) }
  /// Bytes 8 to 12.
  @inlinable @inline(__always)
  public var valueLength: Int { Int(truncatingIfNeeded: second & 0xffff_ffff) }
  /// Bytes 4 to 12: the first that both checksums cover.
  @inlinable @inline(__always)
  public var coveredFirst: UInt64 { first >> 32 | second << 32 }
  /// Bytes 12 to 20, the rest of what the record's checksum covers.
  @inlinable @inline(__always)
  public var coveredSecond: UInt64 { second >> 32 | UInt64(third) << 32 }
  /// Bytes 12 to 16; with ``keyCheck``, the rest of what the header's check covers.
  @inlinable @inline(__always)
  public var sequenceOffset: UInt32 { UInt32(truncatingIfNeeded: second >> 32) }
  /// Bytes 16 to 18.
  @inlinable @inline(__always)
  public var keyCheck: UInt16 { UInt16(truncatingIfNeeded: third) }
  /// Bytes 18 to 20.
  @inlinable @inline(__always)
  public var headerCheck: UInt16 {
    get { UInt16(truncatingIfNeeded: third >> 16) }
    set { third = UInt32(keyCheck) | UInt32(newValue) << 16 }
  }
}

/// The optional fields of a record's header, in the order in which they stand; each is there when
/// its flag is.
public struct RecordFields: Sendable, Equatable {
  /// Records of the transaction; with ``RecordFlags/transactionCount``.
  public var transactionCount: UInt32 = 1
  /// With ``RecordFlags/previousVersion``.
  public var previousVersion = JournalPosition.none
  /// With ``RecordFlags/sourcePosition``.
  public var sourcePosition = JournalPosition.none
  /// Milliseconds since 1970; with ``RecordFlags/expiry``.
  public var expiry: UInt64 = 0
  /// The whole sequence; with ``RecordFlags/wideSequence``.
  public var wideSequence: UInt64 = 0

  /// No field: each has the value that stands for its absence.
  @inlinable
  public init() {}

  /// Writes the fields that `flags` announce behind the fixed header.
  ///
  /// - Parameters:
  ///   - flags: the record's.
  ///   - bytes: the record's header, with room for the fields.
  public func encode(flags: RecordFlags, into bytes: inout MutableRawSpan) {
    var offset = RecordField.headerEnd
    func store<T: FixedWidthInteger & BitwiseCopyable>(
      _ value: T,
      if flag: RecordFlags,
      into bytes: inout MutableRawSpan
    ) {
      guard flags.contains(flag) else { return }
      bytes.storeLittleEndian(value, at: offset)
      offset += MemoryLayout<T>.size
    }
    store(transactionCount, if: .transactionCount, into: &bytes)
    store(previousVersion.rawValue, if: .previousVersion, into: &bytes)
    store(sourcePosition.rawValue, if: .sourcePosition, into: &bytes)
    store(expiry, if: .expiry, into: &bytes)
    store(wideSequence, if: .wideSequence, into: &bytes)
  }

  /// Reads the fields that `flags` announce of the record at `offset`, which lies within `bytes`.
  public init(flags: RecordFlags, in bytes: RawSpan, at offset: Int) {
    var field = offset + RecordField.headerEnd
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ bytes: RawSpan) -> T {
      defer { field += MemoryLayout<T>.size }
      return bytes.littleEndian(at: field, as: type)
    }
    if flags.contains(.transactionCount) { transactionCount = load(UInt32.self, bytes) }
    if flags.contains(.previousVersion) {
      previousVersion = JournalPosition(rawValue: load(UInt64.self, bytes))
    }
    if flags.contains(.sourcePosition) {
      sourcePosition = JournalPosition(rawValue: load(UInt64.self, bytes))
    }
    if flags.contains(.expiry) { expiry = load(UInt64.self, bytes) }
    if flags.contains(.wideSequence) { wideSequence = load(UInt64.self, bytes) }
  }
}

/// A place in the journal as records name it: segment id in the high 32 bits, offset divided by 8
/// in the low ones.
///
/// Ids are never reused; a position in a missing segment means "gone".
public struct JournalPosition: RawRepresentable, Sendable, Hashable {
  /// The position as records hold it.
  public let rawValue: UInt64

  /// The position that a record's field stands for.
  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The place `offset` bytes into segment `segment`; `offset` is a multiple of 8 below 32 GiB.
  @inlinable
  public init(segment: UInt32, offset: Int) {
    rawValue = UInt64(segment) << 32 | UInt64(UInt32(truncatingIfNeeded: offset >> 3))
  }

  /// The segment's id.
  @inlinable public var segment: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
  /// Where in the segment.
  @inlinable public var offset: Int { Int(rawValue & 0xffff_ffff) << 3 }

  /// No position: segment 0 is never used.
  public static let none = JournalPosition(rawValue: 0)
}
