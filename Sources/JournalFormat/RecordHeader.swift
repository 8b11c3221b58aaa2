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
  @inlinable
  public func encode(into bytes: inout MutableRawSpan) {
    let kindAndFlags = flags.rawValue | UInt16(kind.rawValue)
    bytes.storeLittleEndian(checksum, at: RecordField.checksum)
    bytes.storeLittleEndian(kindAndFlags, at: RecordField.kindAndFlags)
    bytes.storeLittleEndian(UInt16(truncatingIfNeeded: keyLength), at: RecordField.keyLength)
    bytes.storeLittleEndian(UInt32(truncatingIfNeeded: valueLength), at: RecordField.valueLength)
    bytes.storeLittleEndian(sequenceOffset, at: RecordField.sequenceOffset)
    bytes.storeLittleEndian(keyCheck, at: RecordField.keyCheck)
    bytes.storeLittleEndian(headerCheck, at: RecordField.headerCheck)
  }

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
    let kindAndFlags = Self.kindAndFlags(in: bytes, at: offset)
    let kindBits = UInt8(truncatingIfNeeded: kindAndFlags & RecordFlags.kindMask)
    guard kindBits != RecordKind.pad.rawValue, let kind = RecordKind(rawValue: kindBits) else {
      return nil
    }
    checksum = bytes.littleEndian(at: offset + RecordField.checksum, as: UInt32.self)
    self.kind = kind
    flags = RecordFlags(rawValue: kindAndFlags & ~RecordFlags.kindMask)
    keyLength = Int(bytes.littleEndian(at: offset + RecordField.keyLength, as: UInt16.self))
    valueLength = Int(bytes.littleEndian(at: offset + RecordField.valueLength, as: UInt32.self))
    sequenceOffset = bytes.littleEndian(at: offset + RecordField.sequenceOffset, as: UInt32.self)
    keyCheck = bytes.littleEndian(at: offset + RecordField.keyCheck, as: UInt16.self)
    headerCheck = bytes.littleEndian(at: offset + RecordField.headerCheck, as: UInt16.self)
  }
}

/// The optional fields of a record's header, in the order in which they stand; each is there when
/// its flag is.
public struct RecordFields: Sendable, Equatable {
  /// Records of the transaction; with ``RecordFlags/transactionCount``.
  public var transactionCount: UInt32 = 1
  /// With ``RecordFlags/namespace``.
  public var namespace: UInt32 = 0
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
    store(namespace, if: .namespace, into: &bytes)
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
    if flags.contains(.namespace) { namespace = load(UInt32.self, bytes) }
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
