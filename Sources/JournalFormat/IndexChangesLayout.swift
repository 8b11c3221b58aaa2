// The files behind an index image that say what was changed in the table of keys since it was made, so that
// an opening applies the changes instead of reading the journal. Like the image they are worth nothing by
// themselves: whoever has the journal can do without.
//
//   header      128 bytes
//   segments    40 bytes each, as in an image
//   changes     6 to 15 bytes each, in the order in which they were made
//   zeros, 24 bytes at least, up to a multiple of 512
//
// Files of one series have numbers without a gap. Each states the checksum of the one before as its link;
// the first one's link stands in the image behind which it comes. Applied in order, from where the image
// starts, they lead to the table of the moment at which the last one ends.

/// Byte offsets within the header of a file of changes.
package enum IndexChangesField {
  /// 8 bytes: ``IndexChangesHeader/magic``.
  package static let magic = 0
  /// `UInt32`: ``IndexChangesHeader/formatVersion``.
  package static let formatVersion = 8
  /// `UInt32`: CRC32C over everything from byte 16 to the end of the last change.
  package static let checksum = 12
  /// 16 bytes: the store's.
  package static let storeID = 16
  /// `UInt64`: the image's.
  package static let hashSeed = 32
  /// `UInt32`: the number in the file's name.
  package static let number = 40
  /// `UInt32`: checksum of the file before, or what the image says.
  package static let link = 44
  /// `UInt64`: position from which the journal has to be read behind these changes, and which it reaches.
  package static let end = 48
  /// `UInt64`: no transaction from there on has a lower sequence.
  package static let endSequence = 56
  /// `UInt64`: bytes that were ever written to the journal, up to `end`.
  package static let journalBytes = 64
  /// `UInt64`: bytes of all images and changes that were ever written, these included.
  package static let imageBytes = 72
  /// `UInt64`: changes.
  package static let changeCount = 80
  /// `UInt64`: words of the table at `end`.
  package static let wordCount = 88
  /// `UInt32`: rows of the table of segments.
  package static let segmentCount = 96
  /// `UInt32`: changes that took a word away.
  package static let removalCount = 100
  /// `UInt64`: bytes of all changes.
  package static let changesLength = 104
  /// 16 bytes, zero.
  package static let reserved = 112
  /// Bytes of the header.
  package static let headerEnd = 128
}

/// What a file of changes says of itself.
package struct IndexChangesHeader: Sendable, Equatable {
  /// "FENCECHG", as a little-endian integer.
  package static let magic: UInt64 = 0x4748_4345_434e_4546
  /// The version that this module describes; others are passed over.
  package static let formatVersion: UInt32 = 1

  /// The highest number of a file.
  package static let mostNumber: UInt32 = 1 << 31

  package var storeID: StoreID
  package var hashSeed: UInt64
  package var number: UInt32 = 0
  package var link: UInt32 = 0
  package var end: JournalPosition
  package var endSequence: UInt64
  package var journalBytes: Int
  package var imageBytes = 0
  package var wordCount: Int
  package var changeCount = 0
  package var removalCount = 0
  package var changesLength = 0
  package var segmentCount = 0

  package init(
    storeID: StoreID,
    hashSeed: UInt64,
    end: JournalPosition,
    endSequence: UInt64,
    journalBytes: Int,
    wordCount: Int
  ) {
    self.storeID = storeID
    self.hashSeed = hashSeed
    self.end = end
    self.endSequence = endSequence
    self.journalBytes = journalBytes
    self.wordCount = wordCount
  }

  /// Where the changes start.
  package var changesStart: Int {
    IndexChangesField.headerEnd + segmentCount * IndexImageSegmentField.size
  }
  /// Where they end.
  package var changesEnd: Int { changesStart + changesLength }
  /// Bytes of the file.
  package var length: Int { (changesEnd + IndexChangeField.tail + 511) / 512 * 512 }

  /// Writes the header, without its checksum.
  package func encode(into bytes: inout MutableRawSpan) {
    bytes.storeLittleEndian(Self.magic, at: IndexChangesField.magic)
    bytes.storeLittleEndian(Self.formatVersion, at: IndexChangesField.formatVersion)
    bytes.storeLittleEndian(storeID.low, at: IndexChangesField.storeID)
    bytes.storeLittleEndian(storeID.high, at: IndexChangesField.storeID + 8)
    bytes.storeLittleEndian(hashSeed, at: IndexChangesField.hashSeed)
    bytes.storeLittleEndian(number, at: IndexChangesField.number)
    bytes.storeLittleEndian(link, at: IndexChangesField.link)
    bytes.storeLittleEndian(end.rawValue, at: IndexChangesField.end)
    bytes.storeLittleEndian(endSequence, at: IndexChangesField.endSequence)
    bytes.storeLittleEndian(UInt64(journalBytes), at: IndexChangesField.journalBytes)
    bytes.storeLittleEndian(UInt64(imageBytes), at: IndexChangesField.imageBytes)
    bytes.storeLittleEndian(UInt64(changeCount), at: IndexChangesField.changeCount)
    bytes.storeLittleEndian(UInt64(wordCount), at: IndexChangesField.wordCount)
    bytes.storeLittleEndian(UInt32(segmentCount), at: IndexChangesField.segmentCount)
    bytes.storeLittleEndian(UInt32(removalCount), at: IndexChangesField.removalCount)
    bytes.storeLittleEndian(UInt64(changesLength), at: IndexChangesField.changesLength)
  }

  /// Decodes what `encode(into:)` wrote, or nil where magic or version is another, or the changes would not
  /// end where the bytes do or before.
  package init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= IndexChangesField.headerEnd,
      bytes.littleEndian(at: IndexChangesField.magic, as: UInt64.self) == Self.magic,
      bytes.littleEndian(at: IndexChangesField.formatVersion, as: UInt32.self)
        == Self.formatVersion
    else { return nil }
    func number(at offset: Int) -> Int {
      Int(clamping: bytes.littleEndian(at: offset, as: UInt64.self))
    }
    storeID = StoreID(
      low: bytes.littleEndian(at: IndexChangesField.storeID, as: UInt64.self),
      high: bytes.littleEndian(at: IndexChangesField.storeID + 8, as: UInt64.self)
    )
    hashSeed = bytes.littleEndian(at: IndexChangesField.hashSeed, as: UInt64.self)
    self.number = bytes.littleEndian(at: IndexChangesField.number, as: UInt32.self)
    link = bytes.littleEndian(at: IndexChangesField.link, as: UInt32.self)
    end = JournalPosition(rawValue: bytes.littleEndian(at: IndexChangesField.end, as: UInt64.self))
    endSequence = bytes.littleEndian(at: IndexChangesField.endSequence, as: UInt64.self)
    journalBytes = number(at: IndexChangesField.journalBytes)
    imageBytes = number(at: IndexChangesField.imageBytes)
    changeCount = number(at: IndexChangesField.changeCount)
    wordCount = number(at: IndexChangesField.wordCount)
    segmentCount = Int(bytes.littleEndian(at: IndexChangesField.segmentCount, as: UInt32.self))
    removalCount = Int(bytes.littleEndian(at: IndexChangesField.removalCount, as: UInt32.self))
    changesLength = number(at: IndexChangesField.changesLength)
    guard journalBytes < 1 << 62, imageBytes < 1 << 62, changesLength <= bytes.byteCount,
      changeCount <= changesLength, length <= bytes.byteCount
    else { return nil }
  }
}
