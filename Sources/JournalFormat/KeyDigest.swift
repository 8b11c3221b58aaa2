// Which keys a stretch of journal wrote, in two bytes a record. A close record carries the digest of
// the records since the last one of its segment; the first record of a segment carries the header
// and the digest of the whole segment before it.
//
// So whatever part of a segment is damaged, or if all of it is gone, another place tells which keys
// were lost, and the others can be read without fear that their newest version is among them.

/// Byte offsets within the value of a close record.
public enum CloseDigestField {
  /// `UInt64`: sequence of the first transaction that is described.
  public static let firstSequence = 0
  /// One ``DigestEntry`` per record, in order, without gaps.
  public static let entries = 8
}

/// Byte offsets within the value of a digest record.
public enum SegmentDigestField {
  /// 128 bytes: the header of the segment before this one, as its first page holds it.
  public static let header = 0
  /// One ``DigestEntry`` per record of that segment, in order, without gaps; the first belongs to
  /// the header's first sequence.
  public static let entries = SegmentField.headerEnd
}

/// Byte offsets within the digest of a compacted segment, which stands behind its records.
///
/// Its records' sequences have gaps, so behind the entries stand pairs of numbers, each in groups of
/// seven bits, the lowest first, with the high bit set in all bytes but the last: how many
/// transactions follow without a gap, and how many sequences are left out behind them. The first
/// pair starts at the header's first sequence; behind the last one there is no gap.
public enum CompactedDigestField {
  /// `UInt32`: number of entries.
  public static let count = 0
  /// One ``DigestEntry`` per record, in order, without gaps; then the pairs.
  public static let entries = 4
}

/// What a digest says of one record: 15 bits of its key check, and whether it ends its transaction.
public struct DigestEntry: RawRepresentable, Sendable, Hashable {
  /// The entry as a digest holds it.
  public let rawValue: UInt16

  /// The entry that the bits stand for.
  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The entry of a record.
  @inlinable @inline(__always)
  public init(keyCheck: UInt16, endsTransaction: Bool) {
    rawValue = Self.mark(keyCheck) | (endsTransaction ? 0x8000 : 0)
  }

  /// The part of a key check that digests hold.
  @inlinable @inline(__always)
  public static func mark(_ keyCheck: UInt16) -> UInt16 { keyCheck & 0x7fff }

  /// ``mark(_:)`` of the record's key check.
  @inlinable public var keyMark: UInt16 { rawValue & 0x7fff }
  /// Whether the next entry belongs to the next sequence.
  @inlinable public var endsTransaction: Bool { rawValue & 0x8000 != 0 }

  /// Bytes of an entry.
  public static let size = 2
}
