// The manifest of a backup: which segments it holds, as far as they were copied, and the length and the
// checksum of every file. A backup is a directory with this file and the parts that it names; parts never
// change, and a new manifest takes the old one's place by a rename.
//
//   header      64 bytes
//   segments    152 bytes each, in the order of history
//   parts       24 bytes each: those of the first segment in the order of their bytes, then the next one's

/// Byte offsets within the header of a manifest.
package enum BackupManifestField {
  /// 8 bytes: ``BackupManifestHeader/magic``.
  package static let magic = 0
  /// `UInt32`: ``BackupManifestHeader/formatVersion``.
  package static let formatVersion = 8
  /// `UInt32`: CRC32C over everything from byte 16 on.
  package static let checksum = 12
  /// 16 bytes: the store's.
  package static let storeID = 16
  /// `UInt64`: sequence of the newest transaction.
  package static let sequence = 32
  /// `UInt64`: nanoseconds since 1970, for people.
  package static let createdAt = 40
  /// `UInt64`: counts the backups in this directory; files that came with one bear its number.
  package static let generation = 48
  /// `UInt32`: rows of the first table.
  package static let segmentCount = 56
  /// `UInt32`: rows of the second table.
  package static let partCount = 60
  /// Bytes of the header.
  package static let headerEnd = 64
}

/// Byte offsets within a segment's row.
package enum BackupSegmentField {
  /// 128 bytes: the segment's header, as it stands in its first page.
  package static let header = 0
  /// `UInt64`: where its copied bytes end, as an offset in the segment; they start where its journal does.
  package static let end = 128
  /// `UInt64`: no later transaction has a lower sequence.
  package static let nextSequence = 136
  /// `UInt32`: files that hold its bytes.
  package static let partCount = 144
  /// 4 bytes, zero.
  package static let reserved = 148
  /// Bytes of a row.
  package static let rowEnd = 152
}

/// Byte offsets within the row of a part.
package enum BackupPartField {
  /// `UInt64`: the backup that it came with.
  package static let generation = 0
  /// `UInt64`: bytes of the file.
  package static let length = 8
  /// `UInt32`: CRC32C of the file.
  package static let checksum = 16
  /// 4 bytes, zero.
  package static let reserved = 20
  /// Bytes of a row.
  package static let rowEnd = 24
}

/// What a manifest says of the backup as a whole.
package struct BackupManifestHeader: Sendable, Equatable {
  /// "FENCEBAK", as a little-endian integer.
  package static let magic: UInt64 = 0x4b41_4245_434e_4546
  /// The version that this module describes.
  package static let formatVersion: UInt32 = 1

  package var formatVersion = Self.formatVersion
  package var checksum: UInt32 = 0
  package var storeID: StoreID
  package var sequence: UInt64
  package var createdAt: UInt64
  package var generation: UInt64
  package var segmentCount: Int
  package var partCount: Int

  package init(
    storeID: StoreID,
    sequence: UInt64,
    createdAt: UInt64,
    generation: UInt64,
    segmentCount: Int,
    partCount: Int
  ) {
    self.storeID = storeID
    self.sequence = sequence
    self.createdAt = createdAt
    self.generation = generation
    self.segmentCount = segmentCount
    self.partCount = partCount
  }

  /// Bytes of the whole manifest.
  package var manifestLength: Int {
    BackupManifestField.headerEnd + BackupSegmentField.rowEnd * segmentCount
      + BackupPartField.rowEnd * partCount
  }

  /// Writes the header, `checksum` as it stands in the property.
  package func encode(into bytes: inout MutableRawSpan) {
    bytes.storeLittleEndian(Self.magic, at: BackupManifestField.magic)
    bytes.storeLittleEndian(formatVersion, at: BackupManifestField.formatVersion)
    bytes.storeLittleEndian(checksum, at: BackupManifestField.checksum)
    bytes.storeLittleEndian(storeID.low, at: BackupManifestField.storeID)
    bytes.storeLittleEndian(storeID.high, at: BackupManifestField.storeID + 8)
    bytes.storeLittleEndian(sequence, at: BackupManifestField.sequence)
    bytes.storeLittleEndian(createdAt, at: BackupManifestField.createdAt)
    bytes.storeLittleEndian(generation, at: BackupManifestField.generation)
    let segments = UInt32(truncatingIfNeeded: segmentCount)
    bytes.storeLittleEndian(segments, at: BackupManifestField.segmentCount)
    let parts = UInt32(truncatingIfNeeded: partCount)
    bytes.storeLittleEndian(parts, at: BackupManifestField.partCount)
  }

  /// Decodes what `encode(into:)` wrote, or nil where there is no room for it or the magic is another.
  ///
  /// Nothing else is checked.
  package init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= BackupManifestField.headerEnd,
      bytes.littleEndian(at: BackupManifestField.magic, as: UInt64.self) == Self.magic
    else { return nil }
    formatVersion = bytes.littleEndian(at: BackupManifestField.formatVersion, as: UInt32.self)
    checksum = bytes.littleEndian(at: BackupManifestField.checksum, as: UInt32.self)
    storeID = StoreID(
      low: bytes.littleEndian(at: BackupManifestField.storeID, as: UInt64.self),
      high: bytes.littleEndian(at: BackupManifestField.storeID + 8, as: UInt64.self)
    )
    sequence = bytes.littleEndian(at: BackupManifestField.sequence, as: UInt64.self)
    createdAt = bytes.littleEndian(at: BackupManifestField.createdAt, as: UInt64.self)
    generation = bytes.littleEndian(at: BackupManifestField.generation, as: UInt64.self)
    segmentCount = Int(
      bytes.littleEndian(at: BackupManifestField.segmentCount, as: UInt32.self)
    )
    partCount = Int(bytes.littleEndian(at: BackupManifestField.partCount, as: UInt32.self))
  }
}

/// One file of a backup: a stretch of a segment.
package struct BackupPart: Sendable, Equatable {
  package var generation: UInt64
  package var length: Int
  package var checksum: UInt32

  package init(generation: UInt64, length: Int, checksum: UInt32) {
    self.generation = generation
    self.length = length
    self.checksum = checksum
  }

  /// Writes the row that starts at `offset`.
  package func encode(into bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeLittleEndian(generation, at: offset + BackupPartField.generation)
    bytes.storeLittleEndian(UInt64(length), at: offset + BackupPartField.length)
    bytes.storeLittleEndian(checksum, at: offset + BackupPartField.checksum)
  }

  /// Decodes the row that starts at `offset`; a length beyond `Int.max` is clamped.
  package init(decoding bytes: RawSpan, at offset: Int) {
    generation = bytes.littleEndian(at: offset + BackupPartField.generation, as: UInt64.self)
    let length = bytes.littleEndian(at: offset + BackupPartField.length, as: UInt64.self)
    self.length = Int(clamping: length)
    checksum = bytes.littleEndian(at: offset + BackupPartField.checksum, as: UInt32.self)
  }
}
