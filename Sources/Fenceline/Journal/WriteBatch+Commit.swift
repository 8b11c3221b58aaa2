// From a batch to records of the journal, and from there to the index.

internal import JournalFormat
internal import PersistentMemory

extension WriteBatch {
  /// Writes everything, then shows it to readers.
  ///
  /// - Parameters:
  ///   - journal: under the write lock.
  ///   - durable: it is durable before it is shown.
  ///   - map: of the store, as what follows.
  ///   - index: has memory for so many keys.
  ///   - snapshots: are kept what they show.
  ///   - epochs: of readers.
  /// - Throws: as ``JournalWriter/commit(_:durable:meanwhile:position:)``; nothing was shown then.
  borrowing func commit(
    to journal: inout JournalWriter,
    durable: Bool,
    map: SegmentMap,
    index: HashIndex,
    snapshots: SnapshotRegistry,
    epochs: ReaderEpochs
  ) throws(StoreError) {
    var units: [UInt64] = []
    units.reserveCapacity(finalCount)
    try journal.commit(self, durable: durable) {
      // Older versions of the keys, side by side instead of one after the other.
      forEachFinal { (hash, _, _, _) in map.prefetchIfAny(index.candidate(hash)) }
    } position: {
      units.append($0)
    }
    var number = 0
    forEachFinal { (hash, kind, key, _) in
      index.growIfNeeded()
      let place = unsafe index.locate(hash) { map.surelyHasKey(key, at: $0) }
      let old = unsafe place.unit
      let length = map.recordLength(at: units[number])
      snapshots.keep(old, hash, supersededBy: journal.newestSequence, map, epochs)
      if kind == .delete {
        unsafe index.remove(place, hash)
        if old != 0 { map.countDead(old) }
        map.countTombstone(units[number], length: length)
      } else {
        unsafe index.set(place, hash, to: units[number])
        map.countLive(units[number], length: length, replacing: old)
      }
      number += 1
    }
  }
}
