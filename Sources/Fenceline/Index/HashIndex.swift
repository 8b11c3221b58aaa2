// From a key's hash to positions in the journal: linear hashing over line-sized buckets. Readers
// take no lock; the writer holds the store's write lock.
//
//   word     tag (24 bits) | unit (40 bits); 0 is free. The tag is hash bits 8..<32, so a bucket
//            can be split without reading a record until there are 2^32 of them
//   bucket   7 words and the number of an overflow bucket (0: none)
//   growth   one bucket at a time, in order: bucket n is filled from bucket n - 2^k, then `count`
//            is published as n + 1, then the moved words are cleared
//
// Invariant: a word that a reader may look for is reachable, at every moment, under the `count`
// that stands at that moment. A reader that found nothing asks again if `count` has moved: only
// then can words have been cleared or an overflow bucket have changed its chain.

internal import CFlush
internal import PersistentMemory
internal import Synchronization

/// The hash table of an open store.
///
/// Holds positions, never keys.
@safe
final class HashIndex: @unchecked Sendable {
  // SAFETY: `count` is atomic and published after the buckets below it; bucket words are atomics;
  // the rest changes under the write lock only.
  let bucketCount: Atomic<Int>
  let buckets = BucketArray(baseBits: HashIndex.initialBits)
  let overflow = BucketArray(baseBits: HashIndex.initialOverflowBits)
  let overflowLock = ForkSafeMutex<Void>(())
  let overflowCount = Atomic<Int>(1)
  var freeOverflow = 0
  /// There was no memory for the overflow buckets that the next keys may take.
  let lacksMemory = Atomic<Bool>(false)
  let entries = Atomic<Int>(0)
  /// What one thread changes in the words; what several do at a time, they note themselves.
  let changes = ChangeLog()
  /// Many changes were noted since somebody last asked.
  private let hasManyChanges = Atomic<Bool>(false)

  /// The image that keys without a word here are looked up in; kept as long as self, because readers may
  /// be in it, but out of use where `imageAddress` is 0.
  var keptImage: IndexImage?
  let imageAddress = Atomic<UInt>(0)
  /// A change came upon a page of the image that does not hold, so counts are wrong until the image is
  /// replaced.
  var hasMetDamage = false
  /// From the moment that there is an image until no word leads to a delete any more.
  let hadImage = Atomic<Bool>(false)
  /// Keys that have a word in the image and none here, minus words here that lead to delete records.
  let imageCount = Atomic<Int>(0)
  /// Words here that led to delete records when they were written.
  var deletes: [(hash: UInt64, unit: UInt64)] = []
  /// Puts of keys that may have a word in the image, too: as long as that was not looked up, they count twice.
  var unsettledPuts: [(hash: UInt64, unit: UInt64)] = []
  let hasUnsettledPuts = Atomic<Bool>(false)
  /// An opening leaves that to whoever asks for counts.
  var leavesPutsUnsettled = false

  static let initialBits = 8
  static let smallestBucketCount = 1 << initialBits
  private static let initialOverflowBits = 4
  static let entriesPerBucket = 7
  static let unitBits: UInt64 = 40
  private static let unitMask: UInt64 = (1 << 40) - 1
  /// Entries per bucket, on average, above which a bucket is split.
  static let targetLoad = 5

  /// No bucket is split while it is set: several threads fill the table.
  ///
  /// Under the write lock. Chains get a little longer meanwhile.
  var pausesGrowth = false

  init() {
    bucketCount = Atomic(Self.smallestBucketCount)
    let isReserved =
      buckets.reserve(Self.smallestBucketCount)
      && overflow.reserve(1 << Self.initialOverflowBits)
    precondition(isReserved, "no memory for an empty table")
  }

  /// An empty table with room; nil where there is no memory for it.
  init?(bucketCount count: Int, overflowCount: Int) {
    bucketCount = Atomic(count)
    guard buckets.reserve(count),
      overflow.reserve(
        max(1 << Self.initialOverflowBits, overflowCount + 1 + Self.spareOverflow)
      )
    else { return nil }
    self.overflowCount.store(overflowCount + 1, ordering: .relaxed)
  }

  /// Keys in the table and in its image.
  var count: Int { entries.load(ordering: .relaxed) + imageCount.load(ordering: .relaxed) }

  /// Bytes of memory that the table takes.
  var byteCount: Int {
    let count = bucketCount.load(ordering: .relaxed) + overflowCount.load(ordering: .relaxed)
    return count * BucketArray.wordsPerBucket * 8
  }

  // MARK: Words

  @inline(__always)
  private static func tag(_ hash: UInt64) -> UInt64 {
    (hash >> UInt64(initialBits)) << unitBits
  }

  @inline(__always)
  static func unit(_ word: UInt64) -> UInt64 { word & unitMask }

  /// The word of a key with `hash` (its low 32 bits at least) whose record stands at `unit`.
  @inline(__always)
  static func word(_ hash: UInt64, _ unit: UInt64) -> UInt64 { tag(hash) | unit }

  /// The low 32 bits of the hash of a word in `bucket`.
  static func hash(of word: UInt64, inBucket bucket: Int) -> UInt64 {
    (word >> unitBits) << UInt64(initialBits) | UInt64(bucket & ((1 << initialBits) - 1))
  }

  /// The bucket of a hash (of its low 32 bits at least) while there are `count` buckets.
  @inline(__always)
  static func home(_ hash: UInt64, count: Int) -> Int {
    let level = 63 ^ count.leadingZeroBitCount
    let wide = Int(truncatingIfNeeded: hash) & ((2 &<< level) &- 1)
    return wide < count ? wide : wide & ((1 &<< level) &- 1)
  }

  /// The bucket of a hash (of its low 32 bits at least) as long as the table does not grow.
  @inline(__always)
  func home(of hash: UInt64) -> Bucket {
    unsafe buckets.bucket(at: Self.home(hash, count: bucketCount.load(ordering: .acquiring)))
  }

  @inline(__always)
  func next(after bucket: Bucket) -> Bucket? {
    let link = unsafe bucket[Self.entriesPerBucket].load(ordering: .acquiring)
    return link == 0 ? nil : unsafe overflow.bucket(at: Int(truncatingIfNeeded: link))
  }

  // MARK: Reading

  /// Offers every position whose tag matches until `accept` takes one.
  ///
  /// - Parameters:
  ///   - hash: of the key that is looked for.
  ///   - accept: true ends the search; must not write to the table.
  /// - Returns: whether one was taken.
  /// - Throws: what `accept` throws.
  /// - Complexity: one line, two where the bucket overflows; O(1) positions are offered.
  @inline(__always)
  func search<E: Error>(_ hash: UInt64, _ accept: (UInt64) throws(E) -> Bool) throws(E) -> Bool {
    let tag = Self.tag(hash)
    while true {
      let count = bucketCount.load(ordering: .acquiring)
      var bucket: Bucket? = unsafe buckets.bucket(at: Self.home(hash, count: count))
      while let words = unsafe bucket {
        // Without a branch, as in `candidate`; nothing is looked at later than `bucketCount` below.
        var matching: UInt32 = 0
        for slot in 0..<Self.entriesPerBucket {
          let difference = unsafe words[slot].load(ordering: .acquiring) ^ tag
          matching |= difference <= Self.unitMask ? UInt32(1) &<< slot : 0
        }
        while matching != 0 {
          let word = unsafe words[matching.trailingZeroBitCount].load(ordering: .acquiring)
          matching &= matching &- 1
          // It may have changed, and a free one looks like a match where the tag is zero.
          guard word ^ tag <= Self.unitMask, word != 0 else { continue }
          if try accept(Self.unit(word)) { return true }
        }
        unsafe bucket = next(after: words)
      }
      if bucketCount.load(ordering: .acquiring) == count { return false }
    }
  }

  // MARK: Writing

  /// Starts to load the line in which a key's word stands, or would go.
  ///
  /// Needs no lock: a change meanwhile makes it useless and no more.
  @inline(__always)
  func prefetch(_ hash: UInt64) { unsafe fl_prefetch_to_write(home(of: hash)) }

  /// The same for reading.
  @inline(__always)
  func prefetchToRead(_ hash: UInt64) { unsafe fl_prefetch(home(of: hash)) }

  /// A position in a key's first bucket whose tag matches; 0 where there is none.
  ///
  /// Branches on no word: which slot it is nobody can foresee, and what was begun meanwhile for other keys
  /// would be lost.
  @inline(__always)
  func candidate(_ hash: UInt64) -> UInt64 { unsafe candidate(hash, in: home(of: hash)) }

  /// The same for who knows the key's first bucket.
  @inline(__always)
  func candidate(_ hash: UInt64, in words: Bucket) -> UInt64 {
    let tag = Self.tag(hash)
    var found: UInt64 = 0
    for slot in 0..<Self.entriesPerBucket {
      let difference = unsafe words[slot].load(ordering: .acquiring) ^ tag
      found = difference <= Self.unitMask ? difference : found
    }
    return found
  }

  /// The same from behind a key's first bucket.
  func candidateInOverflow(_ hash: UInt64) -> UInt64 {
    var bucket = unsafe next(after: home(of: hash))
    while let words = unsafe bucket {
      for slot in 0..<Self.entriesPerBucket {
        let difference = unsafe words[slot].load(ordering: .acquiring) ^ Self.tag(hash)
        if difference <= Self.unitMask, difference != 0 { return difference }
      }
      unsafe bucket = next(after: words)
    }
    return 0
  }

  /// Starts to load what comes behind a key's first bucket.
  func prefetchOverflow(_ hash: UInt64) { unsafe prefetchOverflow(behind: home(of: hash)) }

  /// The same for who knows the key's first bucket.
  @inline(__always)
  func prefetchOverflow(behind home: Bucket) {
    if let bucket = unsafe next(after: home) { unsafe fl_prefetch(bucket) }
  }

  /// Where a key stands, or where it would go.
  ///
  /// Valid until the next change of the table.
  @unsafe
  struct Place {
    /// The word of the key, if it is in the table.
    fileprivate let found: Bucket?
    /// A free word in its chain.
    fileprivate let free: Bucket?
    /// The last bucket of its chain.
    fileprivate let last: Bucket

    /// Whether the key is in the table.
    @inline(__always)
    var isFound: Bool { unsafe found != nil }

    /// Where the key's record stands; 0 where it is not in the table.
    @inline(__always)
    var unit: UInt64 {
      unsafe found.map { unsafe HashIndex.unit($0.pointee.load(ordering: .relaxed)) } ?? 0
    }
  }

  /// Finds the place of the key that `matches` recognises.
  ///
  /// Changes nothing, so a failure of `matches` leaves the table as it was. Where the key may be
  /// added, ``growIfNeeded()`` comes first.
  @inline(__always)
  func locate<E: Error>(
    _ hash: UInt64,
    matches: (UInt64) throws(E) -> Bool
  ) throws(E) -> Place {
    unsafe try locate(hash, in: home(of: hash), matches: matches)
  }

  /// The same for who knows the key's first bucket.
  @inline(__always)
  func locate<E: Error>(
    _ hash: UInt64,
    in home: Bucket,
    matches: (UInt64) throws(E) -> Bool
  ) throws(E) -> Place {
    let tag = Self.tag(hash)
    var last = unsafe home
    var free: Bucket?
    while true {
      // Bits by slot, without a branch: nobody can foresee which words are free and which one matches.
      var (empty, matching): (UInt32, UInt32) = (0, 0)
      for slot in 0..<Self.entriesPerBucket {
        let (word, bit) = (unsafe last[slot].load(ordering: .relaxed), UInt32(1) &<< slot)
        empty |= word == 0 ? bit : 0
        matching |= word ^ tag <= Self.unitMask ? bit : 0
      }
      if unsafe free == nil, empty != 0 { unsafe free = last + empty.trailingZeroBitCount }
      matching &= ~empty
      while matching != 0 {
        let slot = unsafe last + matching.trailingZeroBitCount
        if try matches(Self.unit(unsafe slot.pointee.load(ordering: .relaxed))) {
          return unsafe Place(found: slot, free: free, last: last)
        }
        matching &= matching &- 1
      }
      guard let next = unsafe next(after: last) else {
        return unsafe Place(found: nil, free: free, last: last)
      }
      unsafe last = next
    }
  }

  /// Points a located key at `unit`; adds it where it is new.
  ///
  /// - Parameters:
  ///   - place: of the key.
  ///   - hash: the key's.
  ///   - unit: where its record stands.
  ///   - counts: whether keys are counted and the change is noted here; several threads that share the
  ///     buckets do it themselves.
  @inline(__always)
  func set(_ place: Place, _ hash: UInt64, to unit: UInt64, counts: Bool = true) {
    let word = Self.word(hash, unit)
    if counts { note(hash, from: unsafe place.unit, to: unit) }
    if let found = unsafe place.found {
      unsafe found.pointee.store(word, ordering: .releasing)
    } else {
      unsafe insert(word, free: place.free, last: place.last, isShared: !counts)
      if counts { entries.addAsOnlyWriter(1) }
    }
  }

  /// Removes a located key.
  ///
  /// - Parameters:
  ///   - place: of the key.
  ///   - hash: the key's.
  ///   - counts: as for ``set(_:_:to:counts:)``.
  @inline(__always)
  func remove(_ place: Place, _ hash: UInt64, counts: Bool = true) {
    guard let found = unsafe place.found else { return }
    if counts { note(hash, from: unsafe place.unit, to: 0) }
    unsafe found.pointee.store(0, ordering: .releasing)
    if counts { entries.addAsOnlyWriter(-1) }
  }

  /// Points a key that points to `old` to `new` instead.
  ///
  /// - Returns: false where no key with that hash points to `old` any more.
  func move(_ hash: UInt64, from old: UInt64, to new: UInt64) -> Bool {
    let place = unsafe locate(hash) { $0 == old }
    guard let found = unsafe place.found else { return false }
    if !Mutant.moveUnnoted.isActive { note(hash, from: old, to: new) }
    unsafe found.pointee.store(Self.tag(hash) | new, ordering: .releasing)
    return true
  }

  @inline(__always)
  private func note(_ hash: UInt64, from old: UInt64, to new: UInt64) {
    if changes.note(hash, from: old, to: new) { hasManyChanges.store(true, ordering: .relaxed) }
  }

  /// Whether many changes were noted since the last call.
  @inline(__always)
  func takeManyChanges() -> Bool {
    hasManyChanges.load(ordering: .relaxed) && hasManyChanges.exchange(false, ordering: .relaxed)
  }

  private func insert(_ word: UInt64, free: Bucket?, last: Bucket, isShared: Bool) {
    if let free = unsafe free {
      unsafe free.pointee.store(word, ordering: .releasing)
    } else {
      unsafe appendOverflow(word, to: last, isShared: isShared)
    }
  }
}
