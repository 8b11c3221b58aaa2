// The table's way into an image and out of one.

internal import JournalFormat
internal import Synchronization

extension HashIndex {
  /// Visits the words of a bucket and its overflow, as they stand.
  @inline(__always)
  func forEachWord(inBucket number: Int, _ body: (UInt64) -> Void) {
    var bucket: Bucket? = unsafe buckets.bucket(at: number)
    while let words = unsafe bucket {
      for slot in 0..<Self.entriesPerBucket {
        let word = unsafe words[slot].load(ordering: .acquiring)
        if word != 0 { body(word) }
      }
      unsafe bucket = next(after: words)
    }
  }

  /// The table that an image was made of; nil where a page does not hold, or where there is no memory.
  ///
  /// - Complexity: O(words), in parallel over pages, in the order of memory on both sides.
  static func load(_ image: IndexImage) -> HashIndex? {
    let header = image.header
    guard
      let index = HashIndex(
        bucketCount: header.bucketCount,
        overflowCount: header.overflowCount
      )
    else { return nil }
    let share = max(64, header.pageCount / (8 * Parallel.processorCount))
    let shares = (header.pageCount + share - 1) / share
    let results = Parallel.map(shares) { (number) in
      index.fill(from: image, pages: number * share..<min((number + 1) * share, header.pageCount))
    }
    var count = 0
    for result in results {
      guard let result else { return nil }
      count += result.wordCount
      for unused in result.unusedOverflow { index.freeOverflowBucket(unused) }
    }
    index.entries.store(count, ordering: .releasing)
    return index
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
