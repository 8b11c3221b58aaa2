// The table's way into an image and out of one.

internal import JournalFormat
internal import Synchronization

extension HashIndex {
  /// The table that an image was made of, with the changes behind it; nil where a page or a file does not
  /// hold, or where there is no memory.
  ///
  /// - Parameters:
  ///   - image: what to begin with.
  ///   - files: what was changed behind it.
  ///   - firstUnits: where segments begin that are still there; words that would lead elsewhere go.
  /// - Returns: the table.
  /// - Complexity: O(words + changes), in parallel over pages, in the order of memory on both sides.
  static func load(
    _ image: IndexImage,
    _ files: [ChangeFile] = [],
    to firstUnits: [UInt32: UInt64] = [:]
  ) -> HashIndex? {
    let header = image.header
    guard
      let index = HashIndex(
        bucketCount: header.bucketCount,
        overflowCount: header.overflowCount
      )
    else { return nil }
    let changeCount = files.reduce(0) { $0 + $1.header.changeCount }
    let wordCount = files.last?.header.wordCount ?? 0
    let added = min(changeCount, max(0, wordCount - header.wordCount))
    // Chains may get longer by a third. With more keys there have to be more buckets first.
    let changesAtOnce = added <= header.wordCount / 3
    let pages = image.pages(forShares: BucketShares.usualCount)
    let shares = BucketShares(bounds: image.firstBuckets(ofPages: pages))
    guard let sorted = SortedChanges(changesAtOnce ? files : [], by: shares, to: firstUnits) else {
      return nil
    }
    let results = Parallel.map(shares.count) { (number) in
      var share = index.fill(from: image, pages: pages[number]..<pages[number + 1])
      share?.wordCount += index.apply(sorted, share: number)
      return share
    }
    var count = 0
    for result in results {
      guard let result else { return nil }
      count += result.wordCount
      for unused in result.unusedOverflow { index.freeOverflowBucket(unused) }
    }
    index.entries.store(count, ordering: .releasing)
    if changesAtOnce { return index }
    return index.hasRoom(for: added) && index.apply(files, to: firstUnits) ? index : nil
  }

  /// What a share of the pages gave.
  private struct Share: Sendable {
    var wordCount = 0
    var unusedOverflow: [Range<Int>] = []
  }

  /// Fills the buckets of some pages; nil where one does not hold.
  private func fill(from image: IndexImage, pages: Range<Int>) -> Share? {
    var share = Share()
    for page in pages {
      // Bucket 0 of the overflow is none.
      var next = image.overflowBefore(page) + 1
      let end = image.overflowBefore(page + 1) + 1
      var hasRoom = true
      var bucket = unsafe buckets.bucket(at: 0)
      var slot = 0
      let holds = image.forEachWord(inPage: page) { (number) in
        unsafe bucket = buckets.bucket(at: number)
        slot = 0
      } word: { (word) in
        if slot == Self.entriesPerBucket {
          guard next < end else { return hasRoom = false }
          unsafe bucket[slot].store(UInt64(next), ordering: .relaxed)
          unsafe bucket = overflow.bucket(at: next)
          next += 1
          slot = 0
        }
        unsafe bucket[slot].store(word, ordering: .relaxed)
        slot += 1
        share.wordCount += 1
      }
      guard holds, hasRoom else { return nil }
      if next < end { share.unusedOverflow.append(next..<end) }
    }
    return share
  }

  private func freeOverflowBucket(_ numbers: Range<Int>) {
    for number in numbers {
      unsafe overflow.bucket(at: number)[Self.entriesPerBucket]
        .store(UInt64(freeOverflow), ordering: .relaxed)
      freeOverflow = number
    }
  }
}
