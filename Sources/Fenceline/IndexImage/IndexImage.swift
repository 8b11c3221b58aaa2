// An index image that is there, mapped: looked up page by page, or loaded whole. A page is verified before
// the first word of it is used; one that does not hold makes the whole image worthless, and the journal
// is read instead.

internal import CFlush
package import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// A verified header and what stands behind it.
@safe
final class IndexImage: @unchecked Sendable {
  // SAFETY: the mapping is immutable and lives as long as self; `verifiedPages` are atomics; `limits` and
  // `superseded` are set before anybody else knows of self.
  let header: IndexImageHeader
  let segments: [IndexImageSegment]
  /// Where its words may lead; nowhere before `keepWords(to:)`.
  private(set) var limits = UnitLimits()
  /// Where no word may lead although the record is there: its key was removed behind the image.
  private var superseded: Set<UInt64> = []
  private let file: SegmentFile
  private let pageSeed: UInt32
  private let wordLength: Int
  private let unitBits: UInt64
  private let bucketBits: UInt64
  private let verifiedPages: UnsafeMutablePointer<Atomic<UInt8>>
  /// Which page holds a bucket.
  ///
  /// This and what follows are copies: what becomes of the file once it was verified leads nowhere.
  private let buckets: BucketShares
  /// By page: how many overflow buckets the pages before need; all of them behind the last one.
  private let overflow: [Int]

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
      let (header, segments, rows) = try? file.withGuardedBytes(0..<file.length, Self.tables)
    else { return nil }
    self.file = file
    self.header = header
    self.segments = segments
    buckets = BucketShares(bounds: rows.map(\.bucket))
    overflow = rows.map(\.overflow)
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
  func keepWords(to firstUnits: [UInt32: UInt64]) {
    for segment in segments where firstUnits[segment.segmentID] == segment.firstUnit {
      let isLimited = !Mutant.imageWordsUnlimited.isActive
      limits.allow(
        from: segment.firstUnit,
        end: isLimited ? segment.end : SegmentMap.granuleSize
      )
    }
  }

  /// Forgets the words of keys that were removed behind it.
  ///
  /// - Parameter superseded: every position of such a key that a word may lead to.
  func forgetWords(to superseded: some Sequence<UInt64>) {
    if !Mutant.removedShown.isActive { self.superseded = Set(superseded) }
  }

  @inline(__always)
  private static func mayLead(
    to unit: UInt64,
    _ limits: UnitLimits,
    _ superseded: Set<UInt64>
  ) -> Bool {
    limits.contains(unit) && (superseded.isEmpty || !superseded.contains(unit))
  }

  /// Whether a memory error under the mapping is no signal: look-ups may go there.
  var isGuarded: Bool { file.isGuarded }

  /// The header and the tables, or nil where they do not hold.
  private static func tables(
    _ bytes: RawSpan
  ) -> (IndexImageHeader, [IndexImageSegment], [(bucket: Int, overflow: Int)])? {
    guard let header = IndexImageHeader(decoding: bytes), isPlausible(header, bytes.byteCount),
      Checksum.crc32c(bytes.extracting(IndexImageField.storeID..<header.rowsEnd))
        == bytes.littleEndian(at: IndexImageField.checksum, as: UInt32.self)
        || Mutant.imageHeaderUnchecked.isActive,
      let segments = [IndexImageSegment](
        decoding: bytes,
        at: IndexImageField.headerEnd,
        count: header.segmentCount
      )
    else { return nil }
    var rows: [(bucket: Int, overflow: Int)] = []
    rows.reserveCapacity(header.pageCount + 1)
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
      rows.append(last)
    }
    rows.append((header.bucketCount, header.overflowCount))
    return (header, segments, rows)
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

  /// The first bucket of a page, or of none behind the last one.
  private func firstBucket(_ page: Int) -> Int { buckets.bounds[page] }

  /// Groups pages so that each group has `bucketCount` buckets or a few more.
  ///
  /// - Returns: the first page of each group, and the number of all pages.
  func pages(forShares bucketCount: Int) -> [Int] {
    var starts = [0]
    for page in 0..<header.pageCount
    where firstBucket(page) - firstBucket(starts[starts.count - 1]) >= bucketCount {
      starts.append(page)
    }
    return starts + [header.pageCount]
  }

  /// The first buckets of pages, and the number of all buckets for the one behind the last.
  func firstBuckets(ofPages pages: [Int]) -> [Int] { pages.map { firstBucket($0) } }

  /// Overflow buckets that the pages before need.
  func overflowBefore(_ page: Int) -> Int { overflow[page] }

  private func bucketCount(_ page: Int) -> Int { firstBucket(page + 1) - firstBucket(page) }

  /// Hands out the bytes of a page.
  ///
  /// - Parameters:
  ///   - page: its number.
  ///   - again: verifies it also where that was done before.
  ///   - body: gets the bytes; what they say of lengths may have changed since they were verified.
  /// - Returns: nil where they do not hold.
  @inline(__always)
  private func withVerifiedPage<R>(
    _ page: Int,
    again: Bool = false,
    _ body: (RawSpan) -> R?
  ) -> R? {
    let start = header.pagesStart + page * IndexImagePageField.size
    // SAFETY: the page lies within the file, and the mapping lives as long as self.
    let bytes = unsafe UnsafeRawBufferPointer(
      start: file.mappedBase + start,
      count: IndexImagePageField.size
    ).bytes
    if unsafe again || verifiedPages[page].load(ordering: .acquiring) == 0 {
      guard holds(bytes, page) || Mutant.imagePageUnchecked.isActive else { return nil }
      unsafe verifiedPages[page].store(1, ordering: .releasing)
    }
    let result = body(bytes)
    // Behind a memory error there are zeros, for everybody.
    return file.firstFault == nil ? result : nil
  }

  private func holds(_ bytes: RawSpan, _ page: Int) -> Bool {
    let bucketCount = Self.count(bytes, IndexImagePageField.bucketCount)
    let wordCount = Self.count(bytes, IndexImagePageField.wordCount)
    let end = IndexImagePageField.counts + bucketCount + wordLength * wordCount
    guard end <= bytes.byteCount - IndexImagePageField.tail,
      bucketCount == self.bucketCount(page)
    else { return false }
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
    // Copies, which stand in registers.
    let (wordLength, wordMask, unitBits, unitMask) = (wordLength, wordMask, unitBits, unitMask)
    let (bucketBits, bucketMask) = (bucketBits, 1 << bucketBits - 1 as UInt64)
    let (limits, superseded) = (limits, superseded)
    let visited: Void? = withVerifiedPage(page, again: true) { (bytes) in
      let bucketCount = bucketCount(page)
      var word = IndexImagePageField.counts + bucketCount
      let first = firstBucket(page)
      for bucket in first..<first + bucketCount {
        begin(bucket)
        let count = Self.words(bytes, ofBucket: bucket - first)
        guard hasRoom(for: count, at: word) else { return nil }
        for _ in 0..<count {
          let value = bytes.littleEndian(at: word, as: UInt64.self)
          word += wordLength
          let unit = value & unitMask
          guard Self.mayLead(to: unit, limits, superseded) else { continue }
          let hash =
            ((value & wordMask) &>> unitBits) &<< bucketBits | UInt64(bucket) & bucketMask
          visit(HashIndex.word(hash, unit))
        }
      }
      return ()
    }
    return visited != nil
  }

  /// Whether words may stand there.
  @inline(__always)
  private func hasRoom(for count: Int, at offset: Int) -> Bool {
    offset + wordLength * count <= IndexImagePageField.size - IndexImagePageField.tail
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
  /// - Complexity: O(1): one page, which is verified at the first time.
  func search(_ hash: UInt64, _ accept: (UInt64) -> Bool) -> Answer {
    let bucket = HashIndex.home(hash, count: header.bucketCount)
    let page = buckets.share(of: bucket)
    return withVerifiedPage(page) { (bytes) in
      let number = bucket - firstBucket(page)
      var word = IndexImagePageField.counts + bucketCount(page)
      for before in 0..<number { word += wordLength * Self.words(bytes, ofBucket: before) }
      let rest = (hash & 0xffff_ffff) >> bucketBits
      let count = Self.words(bytes, ofBucket: number)
      guard hasRoom(for: count, at: word) else { return nil }
      for _ in 0..<count {
        let value = bytes.littleEndian(at: word, as: UInt64.self) & wordMask
        word += wordLength
        let unit = value & unitMask
        if value >> unitBits == rest, Self.mayLead(to: unit, limits, superseded), accept(unit) {
          return .found
        }
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

  /// What the checksum of a page starts from.
  package func seed(ofPage page: Int) -> UInt32 {
    Checksum.crc32c(of: UInt32(truncatingIfNeeded: page), continuing: pageSeed)
  }
}

extension [IndexImageSegment] {
  /// The rows of a table, for which there are bytes; nil where a number is none that is written.
  init?(decoding bytes: RawSpan, at start: Int, count: Int) {
    self = (0..<count).map {
      IndexImageSegment(decoding: bytes, at: start + $0 * IndexImageSegmentField.size)
    }
    let counts = -(1 << 40)...(1 << 40)
    let isPlausible = allSatisfy {
      $0.end >= 0 && $0.end < 1 << 35 && $0.firstUnit < 1 << 40
        && counts.contains($0.liveBytes) && counts.contains($0.tombstoneBytes)
        && $0.firstUnit.isMultiple(of: 1 << SegmentMap.unitsPerGranuleShift)
    }
    guard isPlausible else { return nil }
  }
}
