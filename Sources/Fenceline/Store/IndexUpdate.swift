// A batch on its way into the journal and the index: the one place where more than one record is committed.

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// What a commit changes beside the journal.
struct IndexUpdate {
  let map: SegmentMap
  let index: HashIndex
  let epochs: ReaderEpochs
  let snapshots: SnapshotRegistry
  let path: FilePath

  /// Writes everything, then shows it to readers.
  ///
  /// - Parameters:
  ///   - batch: what to write.
  ///   - journal: where.
  ///   - durability: when to return.
  /// - Throws: as ``JournalWriter/commit(_:durable:meanwhile:)``. Nothing was written then.
  func commit(
    _ batch: borrowing WriteBatch,
    to journal: inout JournalWriter,
    durability: Durability
  ) throws(StoreError) {
    let (index, map) = (index, map)
    guard index.hasMemory(for: batch.finalCount) else { throw .noMemory(for: path) }
    let offsets = try journal.commit(batch, durable: durability == .durable) {
      // Older versions of the keys, side by side instead of one after the other.
      batch.forEachFinal { (hash, _, _, _, _) in map.prefetchIfAny(index.candidate(hash)) }
    }
    let segment = journal.active
    let sequence = journal.newestSequence
    var number = 0
    batch.forEachFinal { (hash, kind, key, _, expiry) in
      index.growIfNeeded()
      let place = unsafe index.locate(hash) { map.surelyHasKey(key, at: $0) }
      let old = unsafe place.unit
      let unit = segment.unit(at: offsets[number])
      let length = offsets[number + 1] - offsets[number]
      snapshots.keep(old, hash, supersededBy: sequence, map, epochs)
      if kind == .delete {
        unsafe index.remove(place, hash)
        if old != 0 { map.countDead(old) }
        map.countTombstone(unit, length: length)
      } else {
        unsafe index.set(place, hash, to: unit)
        map.countLive(unit, length: length, replacing: old)
        if let expiry { segment.usage.note(expiry) }
      }
      number += 1
    }
  }
}
