// What a record is and which optional fields it carries: the 16 bits at `RecordField.kindAndFlags`.
// Zero is no kind, so memory that was never written is never a record.

/// What a record does.
public enum RecordKind: UInt8, Sendable, CaseIterable {
  /// Gives a key a value.
  case put = 1
  /// Removes a key (a tombstone).
  case delete = 2
  /// The journal was closed in order; everything before it was durable when it was written.
  ///
  /// Its value is a digest of the records since the last one, see ``CloseDigestField``.
  case close = 3
  /// The segment takes no more records; its successor goes on.
  case seal = 4
  /// Fills the rest of a line before an ordering point; see ``PadField``.
  case pad = 5
  /// Describes the segment before: its header, and a digest of its keys.
  case digest = 6
}

extension RecordKind {
  /// Whether the low bits of a record's second word stand for a kind, and not for a pad.
  @inlinable @inline(__always)
  public static func isRecord(_ bits: UInt16) -> Bool { 0b101_1110 &>> bits & 1 == 1 }

  /// The kind that the low bits of a record's second word stand for; nil for none and for a pad, which
  /// is no record.
  @inlinable @inline(__always)
  public init?(recordBits bits: UInt16) {
    switch bits {
    case 1: self = .put
    case 2: self = .delete
    case 3: self = .close
    case 4: self = .seal
    case 6: self = .digest
    default: return nil
    }
  }
}

/// The flags of a record.
///
/// Bits that are not listed must be zero; a reader refuses them by number.
public struct RecordFlags: OptionSet, Sendable, Hashable {
  /// The bits as they stand in the record, those of the kind left out.
  public let rawValue: UInt16

  /// The flags that the bits stand for.
  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The low four bits hold the ``RecordKind``.
  @inlinable public static var kindMask: UInt16 { 0x000f }

  /// The first record of a transaction.
  @inlinable public static var transactionBegin: RecordFlags { RecordFlags(rawValue: 1 << 4) }
  /// The last record of a transaction.
  @inlinable public static var transactionEnd: RecordFlags { RecordFlags(rawValue: 1 << 5) }
  /// The first record after an ordering point: everything before it was fenced.
  ///
  /// Line-aligned.
  @inlinable public static var batchStart: RecordFlags { RecordFlags(rawValue: 1 << 6) }
  /// Carries the number of records of its transaction (on the last one, where it is not 1).
  @inlinable public static var transactionCount: RecordFlags { RecordFlags(rawValue: 1 << 7) }
  /// Carries the position of the previous version of its key.
  @inlinable public static var previousVersion: RecordFlags { RecordFlags(rawValue: 1 << 9) }
  /// A relocated copy: carries the position that it was copied from.
  @inlinable public static var sourcePosition: RecordFlags { RecordFlags(rawValue: 1 << 10) }
  /// Carries an expiry time.
  @inlinable public static var expiry: RecordFlags { RecordFlags(rawValue: 1 << 11) }
  /// The value is followed by one checksum per 64 KiB, which take its place in the record checksum.
  @inlinable public static var chunkChecksums: RecordFlags { RecordFlags(rawValue: 1 << 12) }
  /// Carries its whole sequence, where the distance from the segment's first one exceeds 32 bits.
  @inlinable public static var wideSequence: RecordFlags { RecordFlags(rawValue: 1 << 13) }
  /// In a compacted segment: kept for readers of the past, and for nobody else there.
  @inlinable public static var superseded: RecordFlags { RecordFlags(rawValue: 1 << 14) }

  /// Every flag that format 1 knows.
  @inlinable public static var known: RecordFlags { RecordFlags(rawValue: 0x7ef0) }

  // What follows shadows the protocol's generic versions, which are not specialised across modules:
  // the put and get paths use flags several times each.

  /// Whether all of `other` are here.
  @inlinable @inline(__always)
  public func contains(_ other: RecordFlags) -> Bool {
    rawValue & other.rawValue == other.rawValue
  }

  /// These flags and `other`.
  @inlinable @inline(__always)
  public func union(_ other: RecordFlags) -> RecordFlags {
    RecordFlags(rawValue: rawValue | other.rawValue)
  }

  /// Adds `other`.
  @inlinable @inline(__always)
  public mutating func insert(_ other: RecordFlags) {
    self = union(other)
  }

  // Sets are spelt as numbers: a literal of flags is built at run time, on every put and get.

  /// A transaction of one record: begin and end.
  @inlinable public static var wholeTransaction: RecordFlags {
    RecordFlags(rawValue: 1 << 4 | 1 << 5)
  }
  /// Bits beside the kind that a record without optional fields and chunk checksums does not have.
  @inlinable public static var beyondFixedFields: UInt16 {
    let without: UInt16 = 1 << 4 | 1 << 5 | 1 << 6 | 1 << 14
    return ~(kindMask | without)
  }
  /// The flag that announces an optional field of four bytes.
  @inlinable public static var announcingFourBytes: RecordFlags {
    RecordFlags(rawValue: 1 << 7)
  }
  /// Flags that announce an optional field of eight bytes.
  @inlinable public static var announcingEightBytes: RecordFlags {
    RecordFlags(rawValue: 1 << 9 | 1 << 10 | 1 << 11 | 1 << 13)
  }
}
