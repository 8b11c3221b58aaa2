// From what a segment holds to the index. Most of the time goes into cache misses: a key's bucket, and the
// record that its word leads to, whose key has to be compared. They are started ahead, and threads share the
// buckets among them: each takes groups of entries, in order, so that of two records of a key the later one
// stays.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Takes what was recovered into the index, segment by segment in history order.
struct IndexReplay {
  let map: SegmentMap
  let index: HashIndex

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

  /// Of all records, at least as many are live where compactions kept up with who writes.
  private static let liveShare = 0.7

  /// Makes an empty table as large as it will be, for splitting a bucket takes as long as some keys do.
  ///
  /// - Parameters:
  ///   - results: what the first segments hold.
  ///   - rest: bytes of the others, which are taken to be alike.
  func makeRoom(for results: [SegmentRecovery], andMore rest: Int) {
    let read = results.reduce(0) { $0 + ($1.scan?.acceptedEnd ?? 0) }
    let found = results.reduce(0) { $0 + $1.entries.all.count }
    let records = Double(found) * (1 + Double(rest) / Double(max(1, read)))
    index.makeRoom(for: Int(records * Self.liveShare))
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
    let entries = result.entries
    guard index.hasMemory(for: entries.all.count) else {
      throw .noMemory(for: segment.file.path)
    }
    let isParallel =
      !index.usesImage && entries.groups.count > 1 && index.hasRoom(for: entries.all.count)
      && index.bucketCount.load(ordering: .relaxed) >= RecoveredEntries.smallestBucketCount
    let partCount = isParallel ? Parallel.shares : 1
    index.pausesGrowth = isParallel
    defer { index.pausesGrowth = false }
    let granuleCount = map.granuleCount
    let changes = Parallel.map(partCount) { [self] part in
      var changes = Changes(deadBytes: Array(repeating: 0, count: granuleCount))
      do throws(StoreError) {
        for number in stride(from: part, to: entries.groups.count, by: partCount) {
          try apply(entries, entries.groups[number], of: segment, isNamed, &changes)
        }
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
    _ recovered: RecoveredEntries,
    _ group: RecoveredEntries.Group,
    of segment: MappedSegment,
    _ isNamed: Bool,
    _ changes: inout Changes
  ) throws(StoreError) {
    // Nothing is retained on the way: the threads would share the count.
    let (map, index, entries) = (map, index, recovered.all)
    let hasImage = index.usesImage
    let isLogged = index.changes.isOn && !Mutant.replayUnnoted.isActive
    for number in group.range {
      prefetch(entries, ahead: number, to: group.range.upperBound)
      let entry = entries[number]
      let unit = segment.unit(at: entry.offset)
      // A compaction found it current when the image was made: its key has no word any more.
      if number < group.startMark {
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
      if number >= group.endMark, old != 0 {
        changes.deadBytes[SegmentMap.granule(of: old)] += map.recordLength(at: old)
      }
      guard number >= group.endMark || !isNamed else { continue }
      if entry.isDelete {
        changes.tombstoneBytes += entry.length
      } else {
        changes.liveBytes += entry.length
      }
    }
  }

  /// Starts the cache misses of entries that come soon: their buckets, then the records that those lead to.
  @inline(__always)
  private func prefetch(_ entries: [RecoveredEntry], ahead number: Int, to end: Int) {
    let (near, far) = (number + 8, number + 16)
    if far < end { index.prefetch(entries[far].hash) }
    if near < end { map.prefetchIfAny(index.candidate(entries[near].hash)) }
  }
}
