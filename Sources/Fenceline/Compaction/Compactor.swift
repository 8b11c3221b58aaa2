// One step of compaction: a run of sealed segments becomes one that holds what counts of them.
//
//   1. read the sources and the index, beside writers; copy what counts into a file without a name
//   2. sync the journal: whatever made a record dead is durable before anything relies on it
//   3. the new segment durable, with its header; its name; the directory
//   4. point the index to the copies, a few keys at a time under the write lock; then the ordered tree
//   5. take the sources out of the map; have that noted behind the index image, or an opening would have to
//      read the new segment; unlink them; their memory goes when no reader is left
//
// A crash before the end of 3 leaves a file without a name, which the next opening removes, and the
// sources. One behind it leaves the new segment and perhaps some sources, which it covers. Writers wait
// for a sync and for one share of 4 at a time; readers for nothing.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization
internal import SystemPackage

/// What one step did.
struct CompactionStep {
  /// Segments that went.
  var sourceCount = 0
  /// Bytes of the copies.
  var copiedBytes = 0
  /// Bytes that the file system got back.
  var freedBytes = 0
}

/// Compacts a store's segments; the caller sees to it that one step runs at a time.
struct Compactor: Sendable {
  let map: SegmentMap
  let index: HashIndex
  let order: OrderedIndex
  let epochs: ReaderEpochs
  let directory: any StoreDirectory
  let options: SegmentOptions
  /// Bytes of the journal whose past stays readable.
  let retention: Int
  let storeID: StoreID
  let hashSeed: UInt64
  let writer: WriterAccess
  let changes: ChangeFiles

  /// Keys that are pointed elsewhere under one hold of the write lock: about a microsecond.
  private static let keysPerHold = 16
  private static let keysBetweenPauses = 1 << 13

  /// Does one step.
  ///
  /// - Parameters:
  ///   - policy: what is worth it.
  ///   - spared: numbers of journal segments that stay as they are.
  ///   - pause: called now and then.
  /// - Returns: nil where nothing is worth it.
  /// - Throws: ``StoreError/full(_:)`` where not even the reserve has room for what there is to copy;
  ///   what is wrong with a source that can't be read, which is then left alone for good; what the
  ///   medium says. Nothing has changed then.
  func step(
    _ policy: CompactionPolicy,
    sparing spared: ClosedRange<UInt32>? = nil,
    pause: () -> Void = {}
  ) throws(StoreError) -> CompactionStep? {
    do throws(StoreError) {
      return try unreservedStep(policy, spared, pause)
    } catch {
      guard case .full = error else { throw error }
    }
    // The reserve is for this moment: it goes, and comes back once sources have gone.
    let reserve = SegmentSizing.compactionReserve(options, map.liveBytes)
    try? directory.setReserve(0)
    defer { keepReserve() }
    return try unreservedStep(
      policy.limited(to: max(0, reserve * 15 / 16 - 2 * SegmentField.journalStart)),
      spared,
      pause
    )
  }

  /// Keeps bytes of the medium for a compaction of a full one, as far as it has them.
  func keepReserve() {
    var length = SegmentSizing.compactionReserve(options, map.liveBytes)
    // Two pages are enough for a run in which nothing lives.
    while length >= 2 * SegmentField.journalStart {
      do throws(MediumError) { return try directory.setReserve(length) } catch { length /= 2 }
    }
  }

  private func unreservedStep(
    _ policy: CompactionPolicy,
    _ spared: ClosedRange<UInt32>?,
    _ pause: () -> Void
  ) throws(StoreError) -> CompactionStep? {
    let all = map.recordEnds
    guard let active = all.last else { return nil }
    let sealed = all.dropLast().map { ($0.segment, $0.end ?? 0) }
    let window = window
    let candidates = candidates(sealed, spared, before: active.segment, window)
    guard let choice = policy.choose(candidates) else { return nil }
    let range = choice.range
    let through = try writer.withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      return journal.nextSequence
    }
    var plan = try asReader { () throws(StoreError) in
      try CompactionPlan(
        Array(sealed[range]),
        behind: sealed[..<range.lowerBound].map(\.0),
        before: Array(map.committedStretches().dropFirst(range.upperBound)),
        retaining: window,
        through: through,
        index: index,
        map: map,
        hashSeed: hashSeed,
        pause: pause
      )
    }
    plan.noteReading(
      before: try writer.withWriter { (journal) throws(StoreError) in journal.nextSequence }
    )
    if plan.droppedCount == 0, plan.newlyRetainedCount == 0, choice.isOnlyToLookThrough {
      // Nothing that the index does not show: what was removed before is in no record here.
      plan.sources[0].usage.compactedThrough.store(through, ordering: .relaxed)
      return CompactionStep()
    }
    if !choice.isOnlyToLookThrough, plan.retainedBytes > 0, !givesBack(plan) {
      noteRetained(candidates[range], plan)
      return CompactionStep()
    }
    let segment = try write(plan, pause)
    let target = try adopt(segment, plan, pause)
    let moved = plan.kept.indices.filter { !plan.kept[$0].isDelete && !plan.kept[$0].isSuperseded }
    order.relocate(moved.count) {
      (old: plan.kept[moved[$0]].unit, new: target.unit(at: segment.offsets[moved[$0]]))
    }
    try remove(plan.sources, for: target)
    return CompactionStep(
      sourceCount: plan.sources.count,
      copiedBytes: plan.recordBytes,
      freedBytes: plan.sources.reduce(-segment.file.length) {
        $0 + ((try? $1.file.allocatedBytes()) ?? 0)
      }
    )
  }

  /// Runs `body` with a reader's ticket: it follows positions of the index, which lead to memory that a
  /// writer may want to give back.
  private func asReader<R>(_ body: () throws(StoreError) -> R) throws(StoreError) -> R {
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    return try body()
  }

  private func candidates(
    _ sealed: [(segment: MappedSegment, end: Int)],
    _ spared: ClosedRange<UInt32>?,
    before active: MappedSegment,
    _ window: RetentionWindow
  ) -> [CompactionCandidate] {
    sealed.indices.map { (number) in
      let (segment, end) = sealed[number]
      let next = number + 1 < sealed.count ? sealed[number + 1].segment : active
      let recordBytes = end - SegmentField.journalStart
      let isRetained = number >= window.firstSegment
      return CompactionCandidate(
        recordBytes: recordBytes,
        fileBytes: (try? segment.file.allocatedBytes()) ?? segment.file.length,
        liveBytes: segment.usage.liveBytes,
        tombstoneBytes: segment.usage.tombstoneBytes,
        retainedBytes: isRetained ? recordBytes : window.retainedBytes(in: segment),
        endSequence: next.header.firstSequence,
        compactedThrough: segment.usage.compactedThrough.load(ordering: .relaxed),
        isCompacted: segment.header.compaction != nil,
        isSpared: isRetained || segment.usage.isUnreadable.load(ordering: .relaxed)
          || spared?.overlaps(segment.header.covered) ?? false
      )
    }
  }

  /// The part of the journal whose past stays readable.
  var window: RetentionWindow {
    guard retention > 0 else { return .none }
    let newest = map.committedSequence.load(ordering: .acquiring)
    return RetentionWindow(of: retention, in: map.committedStretches(), newest: newest)
  }

  /// Whether a page comes back.
  private func givesBack(_ plan: CompactionPlan) -> Bool {
    let files = plan.sources.reduce(0) {
      $0 + ((try? $1.file.allocatedBytes()) ?? $1.file.length)
    }
    let digestLength = plan.digest.encoded().count
    let target = CompactedSegment.length(of: plan, digestLength: digestLength)
    return files - target >= SegmentField.journalStart
  }

  /// Notes that sources have nothing to give back until the whole window has moved on.
  private func noteRetained(_ candidates: ArraySlice<CompactionCandidate>, _ plan: CompactionPlan) {
    for (candidate, source) in zip(candidates, plan.sources) {
      source.usage.retainedBytes.store(
        max(0, candidate.recordBytes - candidate.liveBytes),
        ordering: .relaxed
      )
      source.usage.retainedUntil.store(plan.through, ordering: .relaxed)
    }
  }

  // MARK: Writing

  /// Writes and publishes the compacted segment, durably.
  private func write(
    _ plan: CompactionPlan,
    _ pause: () -> Void
  ) throws(StoreError) -> CompactedSegment {
    let id = try writer.withWriter { (journal) throws(StoreError) in try journal.takeSegmentID() }
    let name = SegmentName.name(of: id)
    let length = CompactedSegment.length(of: plan, digestLength: plan.digest.encoded().count)
    let file = try translatingErrors { () throws(MediumError) in
      try SegmentSizing.createForAppending(name, length: length, in: directory)
    }
    file.prefaultWrites()
    do throws(StoreError) {
      let createdAt = options.clock.nanosecondsSince1970()
      var segment = CompactedSegment(in: file, id, storeID, plan, createdAt: createdAt)
      try segment.copy(plan, from: map, pause: pause)
      if !Mutant.compactionUnsynced.isActive {
        try writer.withWriter { (journal) throws(StoreError) in try journal.sync() }
      }
      try segment.publish(in: directory) { () throws(StoreError) in try synchronizeDirectory() }
      return segment
    } catch {
      try? directory.removeSegment(named: name + FileSystemDirectory.unpublishedSuffix)
      throw error
    }
  }

  /// Makes names durable, or ends all writing: whoever opens the store anew finds out which there are.
  private func synchronizeDirectory() throws(StoreError) {
    do throws(MediumError) { try directory.synchronize() } catch {
      try writer.withWriter { (journal) throws(StoreError) in
        try journal.poisoning { () throws(MediumError) in throw error }
      }
    }
  }

  /// Points the index to the copies.
  private func adopt(
    _ segment: CompactedSegment,
    _ plan: CompactionPlan,
    _ pause: () -> Void
  ) throws(StoreError) -> MappedSegment {
    let target = try writer.withWriter { (_) throws(StoreError) in
      let target = try map.map(segment.file, segment.header)
      map.adopted = target
      return target
    }
    var next = 0
    while next < plan.kept.count {
      let share = next..<min(next + Self.keysPerHold, plan.kept.count)
      for number in share { index.prefetch(plan.kept[number].hash) }
      writer.letOthersIn()
      try writer.withWriter(patiently: true) { (_) throws(StoreError) in
        for number in share {
          let kept = plan.kept[number]
          let unit = target.unit(at: segment.offsets[number])
          if kept.isSuperseded {
            continue
          } else if kept.isDelete {
            map.countTombstone(unit, length: kept.length)
          } else if index.move(kept.hash, from: kept.unit, to: unit) {
            map.countLive(unit, length: kept.length, replacing: 0)
            map.countDead(kept.unit, length: kept.sourceLength)
          }
        }
      }
      next = share.upperBound
      if next.isMultiple(of: Self.keysBetweenPauses) || next == plan.kept.count { pause() }
    }
    return target
  }

  /// Removes the sources.
  private func remove(
    _ sources: [MappedSegment],
    for target: MappedSegment
  ) throws(StoreError) {
    let map = map
    try writer.withWriter { (_) throws(StoreError) in
      map.replace(sources, with: target)
      epochs.retire { for source in sources { map.release(source) } }
    }
    changes.noteCompaction()
    try translatingErrors { () throws(MediumError) in
      for source in sources {
        try directory.removeSegment(named: SegmentName.name(of: source.header.segmentID))
      }
    }
    try synchronizeDirectory()
    // Sources that no reader is in go at once.
    try writer.withWriter { (_) throws(StoreError) in epochs.reclaim() }
  }
}
