// The file of an index image while it is written: pages as they fill, then the tables, then the header.
// It has no name that anyone reads until all of it is durable; and whatever becomes of it, checksums tell.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// An index image in the making.
struct IndexImageFile {
  private let file: SegmentFile
  private let seed: UInt32
  private let wordLength: Int
  private let unitBits: UInt64
  private let bucketBits: UInt64
  private let pagesStart: Int
  private let mostPages: Int
  private let mostSegments: Int

  private var rows: [(firstBucket: UInt32, overflowBefore: UInt32)] = []
  private(set) var wordCount = 0
  private var overflowCount = 0
  /// Whole pages that were not written yet, and how many were.
  private var chunk: [UInt8] = []
  private var writtenPages = 0
  /// The page that is being filled.
  private var counts: [UInt8] = []
  private var words: [UInt64] = []
  private var firstBucket = 0
  private var overflowBefore = 0

  private static let pagesPerWrite = 16

  /// Creates the file.
  ///
  /// - Parameters:
  ///   - directory: the store's.
  ///   - header: where the image starts, and of what.
  ///   - mostWords: words that it may get, at most.
  ///   - mostSegments: segments that it may name, at most.
  /// - Throws: what the medium says; nothing is left behind then.
  init(
    in directory: any StoreDirectory,
    _ header: IndexImageHeader,
    mostWords: Int,
    mostSegments: Int
  ) throws(MediumError) {
    let pageSize = IndexImagePageField.size
    wordLength = header.wordLength
    unitBits = UInt64(header.unitBits)
    bucketBits = UInt64(header.bucketBits)
    // What the smallest page holds: one more bucket of the usual size would have had room.
    mostPages = (wordLength * mostWords + header.bucketCount) / (pageSize - 288) + 2
    self.mostSegments = mostSegments
    let tables =
      IndexImageField.headerEnd + mostSegments * IndexImageSegmentField.size
      + mostPages * IndexImageRowField.size
    pagesStart = (tables + pageSize - 1) / pageSize * pageSize
    file = try directory.createSegment(
      named: IndexImage.fileName,
      length: pagesStart + mostPages * pageSize
    )
    file.prefaultWrites()
    seed = header.pageSeed
    chunk.reserveCapacity(Self.pagesPerWrite * pageSize)
  }

  /// Appends the words of the next bucket.
  ///
  /// - Returns: false where they have no room in a page or in the file: there will be no image.
  mutating func append(_ bucket: [UInt64]) throws(MediumError) -> Bool {
    guard bucket.count <= IndexImagePageField.mostWords else { return false }
    let length =
      IndexImagePageField.counts + counts.count + 1 + wordLength * (words.count + bucket.count)
    if length > IndexImagePageField.size - IndexImagePageField.tail {
      guard try endPage() else { return false }
    }
    let number = firstBucket + counts.count
    counts.append(UInt8(truncatingIfNeeded: bucket.count))
    for word in bucket {
      let rest = HashIndex.hash(of: word, inBucket: number) >> bucketBits
      words.append(rest << unitBits | HashIndex.unit(word))
    }
    let entries = HashIndex.entriesPerBucket
    overflowCount += (max(bucket.count, entries) - 1) / entries
    return true
  }

  private mutating func endPage() throws(MediumError) -> Bool {
    guard !counts.isEmpty, rows.count < mostPages else { return false }
    Self.encode(
      counts,
      words,
      wordLength,
      seed: Checksum.crc32c(of: UInt32(truncatingIfNeeded: rows.count), continuing: seed),
      onto: &chunk
    )
    rows.append(
      (
        UInt32(truncatingIfNeeded: firstBucket),
        UInt32(truncatingIfNeeded: overflowBefore)
      )
    )
    wordCount += words.count
    firstBucket += counts.count
    overflowBefore = overflowCount
    counts.removeAll(keepingCapacity: true)
    words.removeAll(keepingCapacity: true)
    if chunk.count == Self.pagesPerWrite * IndexImagePageField.size { try writeChunk() }
    return true
  }

  /// Appends a page.
  private static func encode(
    _ counts: [UInt8],
    _ words: [UInt64],
    _ wordLength: Int,
    seed: UInt32,
    onto chunk: inout [UInt8]
  ) {
    let start = chunk.count
    chunk.append(contentsOf: repeatElement(0, count: IndexImagePageField.size))
    var span = chunk.mutableSpan
    var bytes = unsafe span.mutableBytes
    bytes.storeLittleEndian(
      UInt16(truncatingIfNeeded: counts.count),
      at: start + IndexImagePageField.bucketCount
    )
    bytes.storeLittleEndian(
      UInt16(truncatingIfNeeded: words.count),
      at: start + IndexImagePageField.wordCount
    )
    for number in counts.indices {
      bytes.storeLittleEndian(counts[number], at: start + IndexImagePageField.counts + number)
    }
    var end = start + IndexImagePageField.counts + counts.count
    for word in words {
      // The zeros above a word lie in the next one's place, or behind the last one.
      bytes.storeLittleEndian(word, at: end)
      end += wordLength
    }
    let crc = Checksum.crc32c(
      bytes.bytes.extracting(start + IndexImagePageField.bucketCount..<end),
      continuing: seed
    )
    bytes.storeLittleEndian(crc, at: start + IndexImagePageField.checksum)
  }

  private mutating func writeChunk() throws(MediumError) {
    guard !chunk.isEmpty else { return }
    let offset = pagesStart + writtenPages * IndexImagePageField.size
    try file.writeBulk(unsafe chunk.span.bytes, at: offset)
    writtenPages += chunk.count / IndexImagePageField.size
    chunk.removeAll(keepingCapacity: true)
  }

  /// Writes what is left, the tables and the header.
  ///
  /// - Parameters:
  ///   - header: gets what was counted here.
  ///   - segments: whose records the words lead to.
  /// - Returns: false where there are more segments than the file has room for.
  /// - Throws: what the medium says.
  /// - Durability: durable on return.
  mutating func finish(
    _ header: inout IndexImageHeader,
    _ segments: [IndexImageSegment]
  ) throws(MediumError) -> Bool {
    guard try endPage(), segments.count <= mostSegments else { return false }
    try writeChunk()
    header.wordCount = wordCount
    header.overflowCount = overflowCount
    header.segmentCount = segments.count
    header.pageCount = rows.count
    header.pagesStart = pagesStart
    let end = pagesStart + rows.count * IndexImagePageField.size
    header.imageBytes += end
    var tables = [UInt8](repeating: 0, count: header.rowsEnd)
    var span = tables.mutableSpan
    var bytes = unsafe span.mutableBytes
    header.encode(into: &bytes)
    for (number, segment) in segments.enumerated() {
      let start = IndexImageField.headerEnd + number * IndexImageSegmentField.size
      segment.encode(into: &bytes, at: start)
    }
    for (number, row) in rows.enumerated() {
      let start = header.rowsStart + number * IndexImageRowField.size
      bytes.storeLittleEndian(row.firstBucket, at: start + IndexImageRowField.firstBucket)
      bytes.storeLittleEndian(row.overflowBefore, at: start + IndexImageRowField.overflowBefore)
    }
    let crc = Checksum.crc32c(
      bytes.bytes.extracting(IndexImageField.storeID..<header.rowsEnd)
    )
    bytes.storeLittleEndian(crc, at: IndexImageField.checksum)
    try file.writeBulk(bytes.bytes, at: 0)
    try file.completeBulk()
    file.settle(at: end)
    return true
  }
}
