// An index image that is there, mapped: looked up page by page, or loaded whole. A page is verified before
// the first word of it is used; one that does not hold makes the whole image worthless, and the journal
// is read instead.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// A verified header and what stands behind it.
@safe
final class IndexImage: @unchecked Sendable {
  // SAFETY: the mapping is immutable and lives as long as self; `verifiedPages` are atomics; `limits` is
  // set before anybody else knows of self.
  let header: IndexImageHeader
  let segments: [IndexImageSegment]
  /// Where its words may lead; nowhere before `keepWords(to:)`.
  private(set) var limits = UnitLimits()
  private let file: SegmentFile
  private let pageSeed: UInt32
  private let wordLength: Int
  private let unitBits: UInt64
  private let bucketBits: UInt64
  private let verifiedPages: UnsafeMutablePointer<Atomic<UInt8>>

  /// Name of the file.
  static let fileName = "index.image"

  /// What a look-up gives.
  enum Answer: Equatable {
    case found
    case notFound
    /// The page that would know does not hold.
    case damaged
  }

  /// Maps the image in a directory.
  ///
  /// Nil where there is none, or none that holds.
  init?(in directory: any StoreDirectory) {
    guard let file = try? directory.openSegment(named: Self.fileName, writable: false),
      let (header, segments) = try? file.withGuardedBytes(0..<file.length, Self.tables)
    else { return nil }
    self.file = file
    self.header = header
    self.segments = segments
    pageSeed = header.pageSeed
    wordLength = header.wordLength
    unitBits = UInt64(header.unitBits)
    bucketBits = UInt64(header.bucketBits)
    unsafe verifiedPages = .allocate(capacity: header.pageCount)
    for page in 0..<header.pageCount { unsafe (verifiedPages + page).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe verifiedPages.deinitialize(count: header.pageCount)
    unsafe verifiedPages.deallocate()
  }

  private var unitMask: UInt64 { 1 << unitBits - 1 }
  private var wordMask: UInt64 { .max >> UInt64(64 - 8 * wordLength) }

  /// Keeps the words that lead to certain segments; other segments may stand in the places of those that
  /// are gone.
  func keepWords(to isThere: (IndexImageSegment) -> Bool) {
    for segment in segments where isThere(segment) {
      let isLimited = !Mutant.imageWordsUnlimited.isActive
      limits.allow(
        from: segment.firstUnit,
        end: isLimited ? segment.end : SegmentMap.granuleSize
      )
    }
  }

  /// Whether a memory error under the mapping is no signal: look-ups may go there.
  var isGuarded: Bool { file.isGuarded }

  /// The header and the segments, or nil where they do not hold.
  private static func tables(_ bytes: RawSpan) -> (IndexImageHeader, [IndexImageSegment])? {
    guard let header = IndexImageHeader(decoding: bytes), isPlausible(header, bytes.byteCount),
      Checksum.crc32c(bytes.extracting(IndexImageField.storeID..<header.rowsEnd))
        == bytes.littleEndian(at: IndexImageField.checksum, as: UInt32.self)
        || Mutant.imageHeaderUnchecked.isActive
    else { return nil }
    let segments = (0..<header.segmentCount).map {
      IndexImageSegment(
        decoding: bytes,
        at: IndexImageField.headerEnd + $0 * IndexImageSegmentField.size
      )
    }
    let mostUnits = UInt64(1) << 40
    guard
      segments.allSatisfy({
        $0.end >= 0 && $0.end < 1 << 35 && $0.firstUnit < mostUnits
          && $0.firstUnit.isMultiple(of: 1 << SegmentMap.unitsPerGranuleShift)
      })
    else { return nil }
    var last = (bucket: -1, overflow: 0)
    for row in stride(from: header.rowsStart, to: header.rowsEnd, by: IndexImageRowField.size) {
      let bucket = Int(
        bytes.littleEndian(at: row + IndexImageRowField.firstBucket, as: UInt32.self)
      )
      let overflow = Int(
        bytes.littleEndian(at: row + IndexImageRowField.overflowBefore, as: UInt32.self)
      )
      guard bucket > last.bucket, last.bucket >= 0 || bucket == 0, bucket < header.bucketCount,
        overflow >= last.overflow, overflow <= header.overflowCount
      else { return nil }
      last = (bucket, overflow)
    }
    return (header, segments)
  }

  /// Whether the numbers fit the file's length, so that nothing is allocated that is not there.
  private static func isPlausible(_ header: IndexImageHeader, _ length: Int) -> Bool {
    let pageSize = IndexImagePageField.size
    return header.pageCount > 0 && header.pagesStart.isMultiple(of: pageSize)
      && header.rowsEnd <= header.pagesStart
      && header.pagesStart + header.pageCount * pageSize <= length
      && header.bucketCount <= header.pageCount * pageSize
      && header.wordCount <= header.pageCount * pageSize / 4
  }

  // MARK: Pages

  private func row(_ page: Int, _ field: Int) -> Int {
    let offset = header.rowsStart + page * IndexImageRowField.size + field
    return unsafe Int(
      UInt32(littleEndian: (file.mappedBase + offset).loadUnaligned(as: UInt32.self))
    )
  }

  /// The first bucket of a page.
  private func firstBucket(_ page: Int) -> Int {
    page == header.pageCount
      ? header.bucketCount : row(page, IndexImageRowField.firstBucket)
  }

  /// Overflow buckets that the pages before need.
  func overflowBefore(_ page: Int) -> Int {
    page == header.pageCount
      ? header.overflowCount : row(page, IndexImageRowField.overflowBefore)
  }

  /// The page that holds a bucket.
  private func page(of bucket: Int) -> Int {
    var (low, high) = (0, header.pageCount)
    while high - low > 1 {
      let middle = (low + high) / 2
      if firstBucket(middle) <= bucket { low = middle } else { high = middle }
    }
    return low
  }

  /// Hands out the bytes of a page; nil where they do not hold.
  @inline(__always)
  private func withVerifiedPage<R>(_ page: Int, _ body: (RawSpan) -> R) -> R? {
    let start = header.pagesStart + page * IndexImagePageField.size
    // SAFETY: the page lies within the file, and the mapping lives as long as self.
    let bytes = unsafe UnsafeRawBufferPointer(
      start: file.mappedBase + start,
      count: IndexImagePageField.size
    ).bytes
    if unsafe verifiedPages[page].load(ordering: .acquiring) == 0 {
      guard holds(bytes, page) || Mutant.imagePageUnchecked.isActive else { return nil }
      unsafe verifiedPages[page].store(1, ordering: .releasing)
    }
    return body(bytes)
  }

  private func holds(_ bytes: RawSpan, _ page: Int) -> Bool {
    let bucketCount = Self.count(bytes, IndexImagePageField.bucketCount)
    let wordCount = Self.count(bytes, IndexImagePageField.wordCount)
    let end = IndexImagePageField.counts + bucketCount + wordLength * wordCount
    guard end <= bytes.byteCount - IndexImagePageField.tail,
      firstBucket(page) + bucketCount == firstBucket(page + 1)
    else {
      return false
    }
    let seed = Checksum.crc32c(of: UInt32(truncatingIfNeeded: page), continuing: pageSeed)
    let crc = Checksum.crc32c(
      bytes.extracting(IndexImagePageField.bucketCount..<end),
      continuing: seed
    )
    guard crc == bytes.littleEndian(at: IndexImagePageField.checksum, as: UInt32.self) else {
      return false
    }
    let sum = (0..<bucketCount).reduce(0) { $0 + Self.words(bytes, ofBucket: $1) }
    return sum == wordCount
  }

  /// Visits the words of a page that lead to records which are still there, bucket by bucket.
  ///
  /// - Parameters:
  ///   - page: its number.
  ///   - begin: gets the number of each bucket before its words.
  ///   - visit: gets each word.
  /// - Returns: false where the page does not hold.
  @inline(__always)
  func forEachWord(
    inPage page: Int,
    bucket begin: (Int) -> Void,
    word visit: (UInt64) -> Void
  ) -> Bool {
    let visited: Void? = withVerifiedPage(page) { (bytes) in
      let bucketCount = Self.count(bytes, IndexImagePageField.bucketCount)
      var word = IndexImagePageField.counts + bucketCount
      let first = firstBucket(page)
      for bucket in first..<first + bucketCount {
        begin(bucket)
        for _ in 0..<Self.words(bytes, ofBucket: bucket - first) {
          let value = bytes.littleEndian(at: word, as: UInt64.self)
          word += wordLength
          let unit = value & unitMask
          guard limits.contains(unit) else { continue }
          let hash =
            ((value & wordMask) >> unitBits) << bucketBits | UInt64(bucket) & (1 << bucketBits - 1)
          visit(HashIndex.word(hash, unit))
        }
      }
    }
    return visited != nil
  }

  @inline(__always)
  private static func count(_ page: RawSpan, _ field: Int) -> Int {
    Int(page.littleEndian(at: field, as: UInt16.self))
  }

  @inline(__always)
  private static func words(_ page: RawSpan, ofBucket number: Int) -> Int {
    Int(page.littleEndian(at: IndexImagePageField.counts + number, as: UInt8.self))
  }

  /// Offers every position whose tag matches until `accept` takes one.
  ///
  /// - Complexity: O(log pages), and one page, which is verified at the first time.
  func search(_ hash: UInt64, _ accept: (UInt64) -> Bool) -> Answer {
    let bucket = HashIndex.home(hash, count: header.bucketCount)
    let page = page(of: bucket)
    return withVerifiedPage(page) { (bytes) in
      let number = bucket - firstBucket(page)
      let bucketCount = Self.count(bytes, IndexImagePageField.bucketCount)
      var word = IndexImagePageField.counts + bucketCount
      for before in 0..<number { word += wordLength * Self.words(bytes, ofBucket: before) }
      let rest = (hash & 0xffff_ffff) >> bucketBits
      for _ in 0..<Self.words(bytes, ofBucket: number) {
        let value = bytes.littleEndian(at: word, as: UInt64.self) & wordMask
        word += wordLength
        let unit = value & unitMask
        if value >> unitBits == rest, limits.contains(unit), accept(unit) { return .found }
      }
      return .notFound
    } ?? .damaged
  }
}

extension IndexImageHeader {
  /// What the checksums of the pages start from: an image of other moments, or of another store, has no
  /// page that holds in this one.
  var pageSeed: UInt32 {
    var crc = Checksum.crc32c(of: storeID.low, continuing: 0)
    crc = Checksum.crc32c(of: storeID.high, continuing: crc)
    crc = Checksum.crc32c(of: startSequence, continuing: crc)
    return Checksum.crc32c(of: start.rawValue, continuing: crc)
  }
}
