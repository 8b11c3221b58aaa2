// How the table grows: a bucket at a time, in order, and overflow buckets where a chain gets too long. The
// memory of what comes next is made by a thread.

internal import CFlush
internal import PersistentMemory
internal import Synchronization

extension HashIndex {
  /// Adds a bucket where there are keys enough for one.
  ///
  /// To be called before a key is located that may be added; moves what it pleases.
  ///
  /// - Returns: whether keys may have another first bucket now.
  @inline(__always) @discardableResult
  func growIfNeeded() -> Bool {
    let load = bucketCount.load(ordering: .relaxed) &* Self.targetLoad
    guard entries.load(ordering: .relaxed) >= load else { return false }
    split()
    return true
  }

  /// Gives an empty table the buckets for `count` keys, where there is memory for that; nobody reads it yet.
  func makeRoom(for count: Int) {
    let wanted = count / Self.targetLoad
    guard entries.load(ordering: .relaxed) == 0, wanted > bucketCount.load(ordering: .relaxed),
      buckets.reserve(wanted)
    else { return }
    bucketCount.store(wanted, ordering: .releasing)
  }

  /// Makes room for `count` more keys, so that chains get longer by no more than a third.
  ///
  /// - Returns: false where there is no memory for that.
  func hasRoom(for count: Int) -> Bool {
    let wanted = (entries.load(ordering: .relaxed) + count) * 3 / (4 * Self.targetLoad)
    while bucketCount.load(ordering: .relaxed) < wanted {
      let before = bucketCount.load(ordering: .relaxed)
      split()
      if bucketCount.load(ordering: .relaxed) == before { return false }
    }
    return true
  }

  /// Whether the overflow buckets that one more key may take can be had.
  ///
  /// To be asked under the write lock before anything is written: behind that nothing may fail. Whoever
  /// takes an overflow bucket sees to it that there are some for the next key.
  @inline(__always)
  var hasMemoryForKey: Bool { !lacksMemory.load(ordering: .relaxed) || hasMemory(for: 1) }

  /// The same for `count` more keys.
  @inline(never)
  func hasMemory(for count: Int) -> Bool {
    let used = overflowCount.load(ordering: .relaxed)
    return overflow.reserve(used + count / Self.entriesPerBucket + Self.spareOverflow)
  }

  /// More than a key and the split of a bucket take.
  static let spareOverflow = 8

  /// Lets a thread make the memory of the next page of buckets, so that no put waits for it: while the second
  /// half of the one before is filled, which takes some 20 ms.
  ///
  /// Nothing depends on the thread: a page that it has not come to is made when it is touched. A page is
  /// aligned as chunks are, so it lies in one.
  @inline(never)
  func prefaultAhead(of count: Int, inOverflow: Bool) {
    let size = BucketArray.bucketsPerPage
    let first = count + size / 2
    let isReserved =
      inOverflow ? overflow.reserve(first + size) : buckets.reserve(first + size)
    guard isReserved else { return }
    _ = Worker { [self] in
      if inOverflow {
        overflow.prefault(first..<first + size)
      } else {
        buckets.prefault(first..<first + size)
      }
    }
  }

  /// Whether half of a page is in use, where `count` buckets are.
  @inline(__always)
  static func isHalfThroughPage(_ count: Int) -> Bool {
    count & (BucketArray.bucketsPerPage - 1) == BucketArray.bucketsPerPage / 2
  }

  /// Puts a word into a new overflow bucket behind `last`.
  ///
  /// - Parameters:
  ///   - word: what it starts with.
  ///   - last: the last bucket of a chain.
  ///   - isShared: whether other threads, with chains of their own, may want overflow buckets too. A lock
  ///     would wait for the flushes of a put under way.
  func appendOverflow(_ word: UInt64, to last: Bucket, isShared: Bool = false) {
    let index =
      isShared ? overflowLock.withLock { (_) in takeOverflowBucket() } : takeOverflowBucket()
    let bucket = unsafe overflow.bucket(at: index)
    unsafe bucket[Self.entriesPerBucket].store(0, ordering: .relaxed)
    unsafe bucket[0].store(word, ordering: .relaxed)
    for slot in 1..<Self.entriesPerBucket { unsafe bucket[slot].store(0, ordering: .relaxed) }
    unsafe last[Self.entriesPerBucket].store(UInt64(index), ordering: .releasing)
  }

  func takeOverflowBucket() -> Int {
    let index: Int
    if freeOverflow != 0 {
      index = freeOverflow
      let link = unsafe overflow.bucket(at: index)[Self.entriesPerBucket]
        .load(ordering: .relaxed)
      freeOverflow = Int(truncatingIfNeeded: link)
    } else {
      index = overflowCount.load(ordering: .relaxed)
      let isReserved = overflow.reserve(index + 1)
      precondition(isReserved, "no memory for the hash table")
      overflowCount.store(index + 1, ordering: .relaxed)
      lacksMemory.store(!hasMemory(for: 1), ordering: .relaxed)
      if Self.isHalfThroughPage(index) { prefaultAhead(of: index, inOverflow: true) }
    }
    return index
  }

  /// Adds one bucket and moves to it what belongs there.
  ///
  /// Without memory the table stays as it is: chains grow longer, nothing is lost.
  func split() {
    let count = bucketCount.load(ordering: .relaxed)
    guard !pausesGrowth, buckets.reserve(count + 1) else { return }
    if Self.isHalfThroughPage(count) { prefaultAhead(of: count, inOverflow: false) }
    let level = Int.bitWidth - 1 - count.leadingZeroBitCount
    let source = unsafe buckets.bucket(at: count - (1 << level))
    unsafe copyMoving(from: source, to: buckets.bucket(at: count), at: level)
    // Seen by whoever sees a word cleared. No more than a plain store, which waits for no flush of the put
    // under way.
    bucketCount.store(count + 1, ordering: .releasing)
    // Words that stay keep their places: a reader in this chain must not miss them.
    unsafe forEachSlot(inChain: source) { (slot) in
      let word = unsafe slot.pointee.load(ordering: .relaxed)
      unsafe slot.pointee.store(word & (Self.leaves(word, at: level) &- 1), ordering: .releasing)
    }
    unsafe dropEmptyTail(of: source)
    prefetchSplit(into: count + 2)
  }

  /// Copies the words of a chain that leave it to a fresh bucket and what it needs behind that.
  ///
  /// Which ones do is a coin's throw for each, so there is no branch on it: every word is stored, and the next
  /// one over it where it stays.
  private func copyMoving(from source: Bucket, to fresh: Bucket, at level: Int) {
    var target = unsafe fresh
    var bucket = unsafe source
    var slot = 0
    while true {
      unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.entriesPerBucket) {
        (moving) in
        var count = 0
        for slot in 0..<Self.entriesPerBucket {
          let word = unsafe bucket[slot].load(ordering: .relaxed)
          unsafe moving[count] = word
          count &+= Int(truncatingIfNeeded: Self.leaves(word, at: level))
        }
        for number in 0..<count {
          if slot == Self.entriesPerBucket {
            unsafe appendOverflow(moving[number], to: target)
            unsafe target = next(after: target).unsafelyUnwrapped
            slot = 1
          } else {
            unsafe target[slot].store(moving[number], ordering: .relaxed)
            slot += 1
          }
        }
      }
      guard let next = unsafe next(after: bucket) else { return }
      unsafe bucket = next
    }
  }

  /// Starts to load what a split that comes some puts later touches first: nobody else asks for these lines.
  private func prefetchSplit(into target: Int) {
    guard buckets.reserve(target + 1) else { return }
    let level = Int.bitWidth - 1 - target.leadingZeroBitCount
    unsafe fl_prefetch_to_write(buckets.bucket(at: target - (1 << level)))
    unsafe fl_prefetch_to_write(buckets.bucket(at: target))
  }

  /// 1 for a word that leaves its bucket when buckets get `level + 1` bits, 0 for one that stays.
  ///
  /// The tag holds hash bits from `initialBits` on, and `level` is at least that.
  @inline(__always)
  private static func leaves(_ word: UInt64, at level: Int) -> UInt64 {
    (word &>> unitBits) &>> UInt64(truncatingIfNeeded: level &- initialBits) & 1
  }

  @inline(__always)
  func forEachSlot(inChain first: Bucket, _ body: (Bucket) -> Void) {
    var bucket: Bucket? = unsafe first
    while let words = unsafe bucket {
      for slot in 0..<Self.entriesPerBucket { unsafe body(words + slot) }
      unsafe bucket = next(after: words)
    }
  }

  /// Frees the last overflow bucket while it is empty.
  ///
  /// Only a last one: a reader inside it misses nothing of its chain, whatever becomes of it.
  func dropEmptyTail(of first: Bucket) {
    while true {
      var previous = unsafe first
      guard var last = unsafe next(after: first) else { return }
      while let next = unsafe next(after: last) {
        unsafe previous = last
        unsafe last = next
      }
      for slot in 0..<Self.entriesPerBucket
      where unsafe last[slot].load(ordering: .relaxed) != 0 { return }
      let link = unsafe previous[Self.entriesPerBucket].load(ordering: .relaxed)
      unsafe previous[Self.entriesPerBucket].store(0, ordering: .releasing)
      unsafe last[Self.entriesPerBucket].store(UInt64(freeOverflow), ordering: .releasing)
      freeOverflow = Int(truncatingIfNeeded: link)
    }
  }
}
