// The file that holds a copy of the table of keys, so that an opening reads the journal from where the
// copy was made instead of from its beginning. Nothing is known by it alone: whoever has the journal can
// do without.
//
//   header      160 bytes
//   segments    40 bytes each: whose records the words lead to
//   pages       8 bytes each: where to look for a bucket
//   (zeros up to a multiple of 4096)
//   pages of words, 4096 bytes each
//
// A bucket is the low bits of a key's hash, as linear hashing takes them: bucket n of N is home to hashes
// whose lowest L + 1 bits are n, where 2^L <= N < 2^(L + 1), or whose lowest L bits are, where the former
// would be N or more.

/// Byte offsets within an index image's header.
package enum IndexImageField {
  /// 8 bytes: ``IndexImageHeader/magic``.
  package static let magic = 0
  /// `UInt32`: ``IndexImageHeader/formatVersion``.
  package static let formatVersion = 8
  /// `UInt32`: CRC32C over everything from byte 16 up to the end of the table of pages.
  package static let checksum = 12
  /// 16 bytes: the store's.
  package static let storeID = 16
  /// `UInt64`: seed of the keys' hashes.
  package static let hashSeed = 32
  /// `UInt64`: position in the journal from which it has to be read.
  package static let start = 40
  /// `UInt64`: no transaction from there on has a lower sequence.
  package static let startSequence = 48
  /// `UInt64`: position that the journal reaches, or it is another journal.
  package static let end = 56
  /// `UInt64`: sequence of the transaction that may stand there.
  package static let endSequence = 64
  /// `UInt64`: N.
  package static let bucketCount = 72
  /// `UInt64`: words in all pages.
  package static let wordCount = 80
  /// `UInt64`: buckets of 7 words beyond N that the words need.
  package static let overflowCount = 88
  /// `UInt64`: bytes that were ever written to the journal, up to `start`.
  package static let journalBytes = 96
  /// `UInt64`: bytes of all images that were ever written, this one included.
  package static let imageBytes = 104
  /// `UInt32`: rows of the table of segments.
  package static let segmentCount = 112
  /// `UInt32`: rows of the table of pages.
  package static let pageCount = 116
  /// `UInt64`: where the first page stands.
  package static let pagesStart = 120
  /// `UInt32`: bits of a word that are its unit.
  package static let unitBits = 128
  /// `UInt32`: what the first file of changes behind `start` has as its link.
  package static let changesLink = 132
  /// `UInt32`: number of that file; 0 where no changes were noted.
  package static let firstChanges = 136
  /// `UInt32`: number of the file of changes that ends at `end`; the one before the first where nothing
  /// was changed between.
  package static let lastChanges = 140
  /// 16 bytes, zero.
  package static let reserved = 144
  /// Bytes of the header.
  package static let headerEnd = 160
}

/// Byte offsets within a row of the table of segments.
package enum IndexImageSegmentField {
  /// `UInt32`: the segment's number.
  package static let segmentID = 0
  /// `UInt32`: CRC32C over its checksums' binding, first sequence and predecessor's end: the same segment.
  package static let identity = 4
  /// `UInt64`: unit of its first byte: words lead to unit + offset / 8.
  package static let firstUnit = 8
  /// `UInt64`: words lead to records before this offset; 0 where none do.
  ///
  /// With bit 63: the segment is not history yet, and words are being led there from those that it covers.
  package static let end = 16
  /// `Int64`: bytes of records to which the table pointed at `IndexImageField.end`.
  package static let liveBytes = 24
  /// `Int64`: bytes of delete records there.
  package static let tombstoneBytes = 32
  /// Bytes of a row.
  package static let size = 40
}

/// Byte offsets within a row of the table of pages.
package enum IndexImageRowField {
  /// `UInt32`: the first bucket in the page.
  package static let firstBucket = 0
  /// `UInt32`: overflow buckets that all pages before need.
  package static let overflowBefore = 4
  /// Bytes of a row.
  package static let size = 8
}

/// Byte offsets within a page of words.
package enum IndexImagePageField {
  /// `UInt32`: CRC32C over store id, `startSequence`, `start`, number of the page, and bytes 4 to
  /// the last word.
  package static let checksum = 0
  /// `UInt16`: buckets in the page.
  package static let bucketCount = 4
  /// `UInt16`: words in the page.
  package static let wordCount = 6
  /// A byte for each bucket: its words.
  ///
  /// Behind them the words, bucket after bucket, as many bytes each as ``IndexImageHeader/wordLength``
  /// says: the unit in the low bits, above it bits L to 31 of the hash.
  package static let counts = 8
  /// Bytes of a page.
  package static let size = 4096
  /// Words of one bucket, at most.
  package static let mostWords = 255
  /// Bytes behind the last word, at least: a word may be read as eight bytes.
  package static let tail = 8
}

/// What an index image says of itself.
package struct IndexImageHeader: Sendable, Equatable {
  /// "FENCEIDX", as a little-endian integer.
  package static let magic: UInt64 = 0x5844_4945_434e_4546
  /// The version that this module describes; others are passed over.
  package static let formatVersion: UInt32 = 1

  package var storeID: StoreID
  package var hashSeed: UInt64
  package var start: JournalPosition
  package var startSequence: UInt64
  package var end: JournalPosition
  package var endSequence: UInt64
  package var bucketCount: Int
  package var wordCount: Int
  package var overflowCount: Int
  package var journalBytes: Int
  package var imageBytes: Int
  package var segmentCount: Int
  package var pageCount: Int
  package var pagesStart: Int
  package var unitBits: Int
  package var changesLink: UInt32 = 0
  package var firstChanges: UInt32 = 0
  package var lastChanges: UInt32 = 0

  package init(
    storeID: StoreID,
    hashSeed: UInt64,
    start: JournalPosition,
    startSequence: UInt64,
    bucketCount: Int,
    unitBits: Int
  ) {
    self.storeID = storeID
    self.hashSeed = hashSeed
    self.start = start
    self.startSequence = startSequence
    (end, endSequence) = (start, startSequence)
    self.bucketCount = bucketCount
    self.unitBits = unitBits
    (wordCount, overflowCount) = (0, 0)
    (journalBytes, imageBytes, segmentCount, pageCount, pagesStart) = (0, 0, 0, 0, 0)
  }

  /// L: bits of the hash that the number of a bucket gives.
  package var bucketBits: Int { Self.bucketBits(bucketCount) }
  /// Bytes of a word: 4 to 8.
  package var wordLength: Int { Self.wordLength(unitBits: unitBits, bucketCount: bucketCount) }

  private static func bucketBits(_ bucketCount: Int) -> Int {
    Int.bitWidth - 1 - bucketCount.leadingZeroBitCount
  }

  /// Bytes of a word of an image that has so many buckets.
  package static func wordLength(unitBits: Int, bucketCount: Int) -> Int {
    max(4, (unitBits + 32 - bucketBits(bucketCount) + 7) / 8)
  }

  /// Where the table of pages starts.
  package var rowsStart: Int {
    IndexImageField.headerEnd + segmentCount * IndexImageSegmentField.size
  }
  /// Where the table of pages ends.
  package var rowsEnd: Int { rowsStart + pageCount * IndexImageRowField.size }

  /// Writes the header, without its checksum.
  package func encode(into bytes: inout MutableRawSpan) {
    bytes.storeLittleEndian(Self.magic, at: IndexImageField.magic)
    bytes.storeLittleEndian(Self.formatVersion, at: IndexImageField.formatVersion)
    bytes.storeLittleEndian(storeID.low, at: IndexImageField.storeID)
    bytes.storeLittleEndian(storeID.high, at: IndexImageField.storeID + 8)
    bytes.storeLittleEndian(hashSeed, at: IndexImageField.hashSeed)
    bytes.storeLittleEndian(start.rawValue, at: IndexImageField.start)
    bytes.storeLittleEndian(startSequence, at: IndexImageField.startSequence)
    bytes.storeLittleEndian(end.rawValue, at: IndexImageField.end)
    bytes.storeLittleEndian(endSequence, at: IndexImageField.endSequence)
    bytes.storeLittleEndian(UInt64(bucketCount), at: IndexImageField.bucketCount)
    bytes.storeLittleEndian(UInt64(wordCount), at: IndexImageField.wordCount)
    bytes.storeLittleEndian(UInt64(overflowCount), at: IndexImageField.overflowCount)
    bytes.storeLittleEndian(UInt64(journalBytes), at: IndexImageField.journalBytes)
    bytes.storeLittleEndian(UInt64(imageBytes), at: IndexImageField.imageBytes)
    bytes.storeLittleEndian(UInt32(segmentCount), at: IndexImageField.segmentCount)
    bytes.storeLittleEndian(UInt32(pageCount), at: IndexImageField.pageCount)
    bytes.storeLittleEndian(UInt64(pagesStart), at: IndexImageField.pagesStart)
    bytes.storeLittleEndian(UInt32(unitBits), at: IndexImageField.unitBits)
    bytes.storeLittleEndian(changesLink, at: IndexImageField.changesLink)
    bytes.storeLittleEndian(firstChanges, at: IndexImageField.firstChanges)
    bytes.storeLittleEndian(lastChanges, at: IndexImageField.lastChanges)
  }

  /// Decodes what `encode(into:)` wrote, or nil where magic or version is another, or a number is larger
  /// than any that is written.
  package init?(decoding bytes: RawSpan) {
    func number(at offset: Int) -> Int {
      Int(clamping: bytes.littleEndian(at: offset, as: UInt64.self))
    }
    guard bytes.byteCount >= IndexImageField.headerEnd,
      bytes.littleEndian(at: IndexImageField.magic, as: UInt64.self) == Self.magic,
      bytes.littleEndian(at: IndexImageField.formatVersion, as: UInt32.self) == Self.formatVersion
    else { return nil }
    storeID = StoreID(
      low: bytes.littleEndian(at: IndexImageField.storeID, as: UInt64.self),
      high: bytes.littleEndian(at: IndexImageField.storeID + 8, as: UInt64.self)
    )
    hashSeed = bytes.littleEndian(at: IndexImageField.hashSeed, as: UInt64.self)
    start = JournalPosition(
      rawValue: bytes.littleEndian(at: IndexImageField.start, as: UInt64.self)
    )
    startSequence = bytes.littleEndian(at: IndexImageField.startSequence, as: UInt64.self)
    end = JournalPosition(rawValue: bytes.littleEndian(at: IndexImageField.end, as: UInt64.self))
    endSequence = bytes.littleEndian(at: IndexImageField.endSequence, as: UInt64.self)
    bucketCount = number(at: IndexImageField.bucketCount)
    wordCount = number(at: IndexImageField.wordCount)
    overflowCount = number(at: IndexImageField.overflowCount)
    journalBytes = number(at: IndexImageField.journalBytes)
    imageBytes = number(at: IndexImageField.imageBytes)
    segmentCount = Int(bytes.littleEndian(at: IndexImageField.segmentCount, as: UInt32.self))
    pageCount = Int(bytes.littleEndian(at: IndexImageField.pageCount, as: UInt32.self))
    pagesStart = number(at: IndexImageField.pagesStart)
    unitBits = Int(bytes.littleEndian(at: IndexImageField.unitBits, as: UInt32.self))
    changesLink = bytes.littleEndian(at: IndexImageField.changesLink, as: UInt32.self)
    firstChanges = bytes.littleEndian(at: IndexImageField.firstChanges, as: UInt32.self)
    lastChanges = bytes.littleEndian(at: IndexImageField.lastChanges, as: UInt32.self)
    guard bucketCount >= 1 << 8, bucketCount <= 1 << 32, unitBits > 0, unitBits <= 40,
      wordCount <= 1 << 40, overflowCount <= wordCount,
      journalBytes < 1 << 62, imageBytes < 1 << 62, pagesStart < 1 << 48,
      firstChanges <= IndexChangesHeader.mostNumber, lastChanges <= IndexChangesHeader.mostNumber,
      lastChanges + 1 >= firstChanges
    else { return nil }
  }
}

/// A row of an index image's table of segments.
package struct IndexImageSegment: Sendable, Equatable {
  package var segmentID: UInt32
  package var identity: UInt32
  package var firstUnit: UInt64
  package var end: Int
  package var liveBytes: Int
  package var tombstoneBytes: Int
  /// Words are being led there.
  package var isPartial = false

  package init(
    segmentID: UInt32,
    identity: UInt32,
    firstUnit: UInt64,
    end: Int,
    liveBytes: Int,
    tombstoneBytes: Int
  ) {
    self.segmentID = segmentID
    self.identity = identity
    self.firstUnit = firstUnit
    self.end = end
    self.liveBytes = liveBytes
    self.tombstoneBytes = tombstoneBytes
  }

  package func encode(into bytes: inout MutableRawSpan, at start: Int) {
    bytes.storeLittleEndian(segmentID, at: start + IndexImageSegmentField.segmentID)
    bytes.storeLittleEndian(identity, at: start + IndexImageSegmentField.identity)
    bytes.storeLittleEndian(firstUnit, at: start + IndexImageSegmentField.firstUnit)
    let partialBit: UInt64 = isPartial ? 1 << 63 : 0
    bytes.storeLittleEndian(UInt64(end) | partialBit, at: start + IndexImageSegmentField.end)
    bytes.storeLittleEndian(Int64(liveBytes), at: start + IndexImageSegmentField.liveBytes)
    bytes.storeLittleEndian(
      Int64(tombstoneBytes),
      at: start + IndexImageSegmentField.tombstoneBytes
    )
  }

  package init(decoding bytes: RawSpan, at start: Int) {
    segmentID = bytes.littleEndian(at: start + IndexImageSegmentField.segmentID, as: UInt32.self)
    identity = bytes.littleEndian(
      at: start + IndexImageSegmentField.identity,
      as: UInt32.self
    )
    firstUnit = bytes.littleEndian(at: start + IndexImageSegmentField.firstUnit, as: UInt64.self)
    let endAndBit = bytes.littleEndian(at: start + IndexImageSegmentField.end, as: UInt64.self)
    end = Int(truncatingIfNeeded: endAndBit & ~(1 << 63))
    isPartial = endAndBit >> 63 == 1
    liveBytes = Int(
      bytes.littleEndian(at: start + IndexImageSegmentField.liveBytes, as: Int64.self)
    )
    tombstoneBytes = Int(
      bytes.littleEndian(at: start + IndexImageSegmentField.tombstoneBytes, as: Int64.self)
    )
  }
}
