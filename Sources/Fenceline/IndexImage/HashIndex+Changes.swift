// From the table of an image to that of the moment at which the changes behind it end. Nothing is read but the
// changes, from front to back.
//
// An image is not of one moment: a key that was changed while it was made may have no word where the changes
// begin, or one that a later change leads away from. So a change whose old word is not there adds the new
// one, and only then is every key in the state in which the next change found it.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

extension HashIndex {
  /// Makes changes, each file's in order.
  ///
  /// - Parameters:
  ///   - files: what was changed.
  ///   - firstUnits: where segments begin that are still there; words that would lead elsewhere go.
  /// - Returns: false where a file can't be read.
  /// - Complexity: O(changes + buckets), in parallel.
  func apply(_ files: [ChangeFile], to firstUnits: [UInt32: UInt64]) -> Bool {
    let shares = BucketShares(bucketCount: bucketCount.load(ordering: .relaxed))
    guard let sorted = SortedChanges(files, by: shares, to: firstUnits) else { return false }
    let counts = Parallel.map(shares.count) { [self] share in apply(sorted, share: share) }
    entries.addAsOnlyWriter(counts.reduce(0, +))
    return true
  }

  /// Makes the changes of one share of the buckets, which nobody else touches.
  ///
  /// - Returns: how many more keys there are.
  func apply(_ changes: SortedChanges, share: Int) -> Int {
    var keyCount = 0
    changes.forEachChange(ofShare: share) { (change, limits) in
      let place = unsafe locate(change.hash) { $0 == change.old }
      if change.new != 0, limits.contains(change.new) {
        if unsafe !place.isFound { keyCount += 1 }
        unsafe set(place, change.hash, to: change.new, counts: false)
      } else if unsafe place.isFound {
        keyCount -= 1
        unsafe remove(place, change.hash, counts: false)
      }
    }
    return keyCount
  }
}
