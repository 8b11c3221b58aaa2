// From the changes behind an image to a table in front of it: for a reader, who would have to read the journal
// instead.
//
// Invariant: a key that was changed has its newest word in the table, or neither there nor in the image. What
// the image has of it led somewhere before one of its changes, and each change says where from; so of a key
// that is gone, everything that it was changed from is forgotten in the image. No other record has come to
// such a place: its segment would be gone, and with it every word of the image that leads there.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

extension HashIndex {
  /// A table to look keys up in before an image is asked.
  ///
  /// - Parameters:
  ///   - image: what is asked for keys that were not changed; forgets those that were removed.
  ///   - files: what was changed behind it.
  ///   - firstUnits: where segments begin that are still there.
  /// - Returns: the table, or nil where the image has to be loaded: there is more in the files than in the
  ///   image, they lead where nothing is, a file does not hold, or there is no memory.
  /// - Complexity: O(changes), in parallel.
  static func table(
    inFrontOf image: IndexImage,
    _ files: [ChangeFile],
    to firstUnits: [UInt32: UInt64]
  ) -> HashIndex? {
    guard let last = files.last else {
      let index = HashIndex()
      index.attach(image, wordCount: image.header.wordCount)
      return index
    }
    let changeCount = files.reduce(0) { $0 + $1.header.changeCount }
    let shares = BucketShares(bucketCount: max(smallestBucketCount, changeCount / targetLoad))
    guard changeCount <= image.header.wordCount,
      let index = HashIndex(bucketCount: shares.bucketCount, overflowCount: 0),
      index.hasMemory(for: changeCount),
      let sorted = SortedChanges(files, by: shares, to: nil)
    else { return nil }
    let limits = UnitLimits(of: last.segments, firstUnits)
    let results = Parallel.map(shares.count) {
      index.apply(sorted, share: $0, of: shares, ifInside: limits)
    }
    guard results.allSatisfy(\.isInside) else { return nil }
    let count = results.reduce(0) { $0 + $1.keyCount }
    index.entries.store(count, ordering: .releasing)
    image.forgetWords(to: results.lazy.flatMap(\.superseded))
    index.attach(image, wordCount: last.header.wordCount - count)
    return index
  }

  /// What the changes of some buckets came to.
  private struct Front: Sendable {
    var keyCount = 0
    /// What keys that were removed had been changed from.
    var superseded: [UInt64] = []
    /// All words lead to segments that are there.
    var isInside = true
  }

  private static let bucketsOfSmallPage = 64

  private func apply(
    _ changes: SortedChanges,
    share number: Int,
    of shares: BucketShares,
    ifInside limits: UnitLimits
  ) -> Front {
    var front = Front()
    let share = shares.bounds[number]..<shares.bounds[number + 1]
    // Memory that is read first is a page of zeros that the first write has to replace for all threads.
    for bucket in share where bucket.isMultiple(of: Self.bucketsOfSmallPage) {
      unsafe buckets.bucket(at: bucket)[0].store(0, ordering: .relaxed)
    }
    front.keyCount = apply(changes, share: number)
    var removed: Set<UInt64> = []
    changes.forEachChange(ofShare: number) { (change, _) in
      if change.new == 0 { removed.insert(change.hash) }
    }
    if !removed.isEmpty {
      changes.forEachChange(ofShare: number) { (change, _) in
        if removed.contains(change.hash) { front.superseded.append(change.old) }
      }
    }
    for bucket in share {
      unsafe forEachSlot(inChain: buckets.bucket(at: bucket)) { (slot) in
        let word = unsafe slot.pointee.load(ordering: .relaxed)
        if word != 0, !limits.contains(Self.unit(word)) { front.isInside = false }
      }
    }
    return front
  }
}
