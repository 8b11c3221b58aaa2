// From what a segment holds to the index. Most of the time goes into cache misses: a key's bucket, and the
// record that its word leads to, whose key has to be compared. They are started ahead, and threads share the
// buckets among them: each takes the entries of its own, in order, so that of two records of a key the later
// one stays.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Takes what was recovered into the index, segment by segment in history order.
struct IndexReplay {
  let map: SegmentMap
  let index: HashIndex

  /// Entries from which on threads are worth their start.
  private static let smallestParallelCount = 1 << 10

  /// What was changed beside the words, by one thread.
  private struct Changes: Sendable {
    var keys = 0
    var liveBytes = 0
    var tombstoneBytes = 0
    /// By granule: bytes of records to which the index points no more.
    var deadBytes: [Int]
    /// For the index's log, which several threads can't write to.
    var log: [IndexChange] = []
    var failure: StoreError?
  }

  /// Takes the entries of one segment.
  ///
  /// - Parameters:
  ///   - result: what it holds.
  ///   - segment: where.
  ///   - isNamed: an image names the segment.
  /// - Throws: what is wrong with the first older record whose key can't be compared.
  func apply(
    _ result: SegmentRecovery,
    of segment: MappedSegment,
    isNamed: Bool
  ) throws(StoreError) {
    guard index.hasMemory(for: result.entries.count) else {
      throw .noMemory(for: segment.file.path)
    }
    let isParallel =
      !index.usesImage && result.entries.count >= Self.smallestParallelCount
      && index.hasRoom(for: result.entries.count)
    let partCount = isParallel ? Parallel.shares : 1
    index.pausesGrowth = isParallel
    defer { index.pausesGrowth = false }
    let granuleCount = map.granuleCount
    let changes = Parallel.map(partCount) { [self] part in
      var changes = Changes(deadBytes: Array(repeating: 0, count: granuleCount))
      do throws(StoreError) {
        try apply(result, of: segment, isNamed, part: UInt64(part), of: UInt64(partCount), &changes)
      } catch {
        changes.failure = error
      }
      return changes
    }
    for change in changes {
      if let failure = change.failure { throw failure }
      if !index.usesImage { index.entries.addAsOnlyWriter(change.keys) }
      for change in change.log { index.changes.note(change.hash, from: change.old, to: change.new) }
      map.add(live: change.liveBytes, tombstones: change.tombstoneBytes, to: segment)
      for (granule, bytes) in change.deadBytes.enumerated() where bytes > 0 {
        map.subtractLive(bytes, inGranule: granule)
      }
    }
  }

  private func apply(
    _ result: SegmentRecovery,
    of segment: MappedSegment,
    _ isNamed: Bool,
    part: UInt64,
    of partCount: UInt64,
    _ changes: inout Changes
  ) throws(StoreError) {
    // Nothing is retained on the way: the threads would share the count.
    let (map, index, entries) = (map, index, result.entries)
    let hasImage = index.usesImage
    let isLogged = index.changes.isOn && !Mutant.replayUnnoted.isActive
    for number in entries.indices {
      prefetch(entries, ahead: number, part, partCount)
      let entry = entries[number]
      guard entry.hash & (partCount - 1) == part else { continue }
      let unit = segment.unit(at: entry.offset)
      // A compaction found it current when the image was made: its key has no word any more.
      if number < result.countBeforeStart {
        if entry.isDelete {
          changes.tombstoneBytes += entry.length
          continue
        }
        let isThere = try index.contains(entry.hash) { (candidate) throws(StoreError) in
          try map.keysMatch(candidate, unit)
        }
        if isThere { continue }
      }
      let old: UInt64
      if entry.isDelete {
        old = try index.delete(entry.hash, at: unit, map, counts: hasImage) {
          (candidate) throws(StoreError) in try map.keysMatch(candidate, unit)
        }
        if old != 0 { changes.keys -= 1 }
      } else {
        old = try index.put(entry.hash, at: unit, map, counts: hasImage) {
          (candidate) throws(StoreError) in try map.keysMatch(candidate, unit)
        }
        if old == 0 { changes.keys += 1 }
      }
      if isLogged, old != 0 || !entry.isDelete {
        changes.log.append(
          IndexChange(hash: entry.hash, old: old, new: entry.isDelete ? 0 : unit)
        )
      }
      // What the image counted is counted.
      if number >= result.countBeforeEnd, old != 0 {
        changes.deadBytes[SegmentMap.granule(of: old)] += map.recordLength(at: old)
      }
      guard number >= result.countBeforeEnd || !isNamed else { continue }
      if entry.isDelete {
        changes.tombstoneBytes += entry.length
      } else {
        changes.liveBytes += entry.length
      }
    }
  }

  /// Starts the cache misses of entries that come soon: their buckets, then the records that those lead to.
  @inline(__always)
  private func prefetch(
    _ entries: [RecoveredEntry],
    ahead number: Int,
    _ part: UInt64,
    _ partCount: UInt64
  ) {
    let far = number + 16 * Int(truncatingIfNeeded: partCount)
    if far < entries.count, entries[far].hash & (partCount - 1) == part {
      index.prefetch(entries[far].hash)
    }
    let near = number + 8 * Int(truncatingIfNeeded: partCount)
    if near < entries.count, entries[near].hash & (partCount - 1) == part {
      map.prefetchIfAny(index.candidate(entries[near].hash))
    }
  }
}
