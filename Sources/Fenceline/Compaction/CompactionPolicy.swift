// Which segments are worth compacting. Numbers in, a range out: nothing here touches a store.
//
// A run is a range of neighbours in history order; it becomes one segment. Copying costs what is live,
// and gives back the rest of the files, so the run with the best ratio is taken.
//
// Nothing goes on for ever: a step leaves fewer segments, or a compacted one in the place of one that was
// not, or what has died in a compacted one since, a page at least, is gone.

/// One sealed segment as the policy sees it, in history order.
struct CompactionCandidate: Equatable {
  /// Bytes of its records.
  var recordBytes: Int
  /// Bytes of its file.
  var fileBytes: Int
  /// Of its records, bytes that the index points to.
  var liveBytes: Int
  /// Of those, bytes of delete records.
  var tombstoneBytes = 0
  /// Bytes of other records that have to stay for readers of the past.
  var retainedBytes = 0
  /// No record in it has this sequence or a higher one.
  var endSequence: UInt64
  /// See ``SegmentUsage/compactedThrough``.
  var compactedThrough: UInt64 = 0
  /// A compaction wrote it, so its file is as short as its records allow.
  var isCompacted = false
  /// It can't be compacted, or had better not be.
  var isSpared = false
}

/// What to compact next.
struct CompactionChoice: Equatable {
  let range: Range<Int>
  /// Nothing is known to be dead there: a copy is worth it only if something turns out to be.
  var isOnlyToLookThrough = false
}

/// When to compact, and what.
struct CompactionPolicy {
  /// Dead bytes of a segment, as a share of its records, that are worth copying the rest.
  var smallestDeadShare: Double
  /// Dead bytes below which a segment is left alone, whatever their share.
  var smallestDeadBytes: Int
  /// Live bytes of a run of more than one segment.
  var largestRun: Int
  /// Live bytes of a run of one segment.
  var largestSingle = Int.max
  /// Bytes of delete records that are held by older segments, as a share of all records, above which those
  /// are looked through.
  var toleratedTombstoneShare = 0.1
  /// Bytes that may be dead all the same, as a share of what is live...
  var toleratedShare = 0.0
  /// ...and as a number.
  var toleratedBytes = 0

  /// While writes go on: what is dead may reach two fifths of what is live.
  static func busy(_ options: SegmentOptions, segmentLength: Int) -> CompactionPolicy {
    CompactionPolicy(
      smallestDeadShare: 0.25,
      smallestDeadBytes: options.smallest / 4,
      largestRun: options.largest,
      toleratedShare: 0.4,
      toleratedBytes: 2 * segmentLength
    )
  }

  /// While nobody writes: little is worth the work.
  static func idle(_ options: SegmentOptions) -> CompactionPolicy {
    CompactionPolicy(
      smallestDeadShare: 0.1,
      smallestDeadBytes: options.smallest / 16,
      largestRun: options.largest
    )
  }

  /// By hand: everything that gives a page back.
  static func thorough(_ options: SegmentOptions) -> CompactionPolicy {
    CompactionPolicy(
      smallestDeadShare: 0.02,
      smallestDeadBytes: min(4096, options.smallest / 16),
      largestRun: options.largest,
      toleratedTombstoneShare: 0
    )
  }

  /// The same with no more than `length` bytes to copy into.
  func limited(to length: Int) -> CompactionPolicy {
    var policy = self
    policy.largestRun = min(largestRun, length)
    policy.largestSingle = length
    policy.toleratedShare = 0
    policy.toleratedBytes = 0
    return policy
  }

  // MARK: Choosing

  /// Bytes that a compaction of each candidate alone would give back.
  static func deadBytes(_ candidates: [CompactionCandidate]) -> [Int] {
    var oldestUncertain = UInt64.max
    return candidates.map { (candidate) in
      // Delete records go where no older segment can hold what they removed.
      let isDroppable = oldestUncertain >= candidate.endSequence
      oldestUncertain = min(oldestUncertain, candidate.compactedThrough)
      let held = isDroppable ? 0 : candidate.tombstoneBytes
      return max(
        0,
        candidate.recordBytes - candidate.liveBytes - held - candidate.retainedBytes
      )
    }
  }

  /// The run to compact next, or nil where nothing is worth it.
  ///
  /// - Complexity: O(n) for n segments, times the length of a run.
  func choose(_ candidates: [CompactionCandidate]) -> CompactionChoice? {
    let dead = Self.deadBytes(candidates)
    let live = candidates.reduce(0) { $0 + $1.liveBytes }
    let tolerated = toleratedBytes + Int(Double(live) * toleratedShare)
    if dead.reduce(0, +) > tolerated, let run = bestRun(candidates, dead) {
      return CompactionChoice(range: run)
    }
    return runAgainstTombstones(candidates).map {
      CompactionChoice(range: $0, isOnlyToLookThrough: true)
    }
  }

  /// Whether a candidate may be part of a run: it has much that is dead, or next to nothing to copy.
  private func mayJoin(_ candidate: CompactionCandidate, _ dead: Int) -> Bool {
    guard !candidate.isSpared, candidate.liveBytes <= largestSingle else { return false }
    let isMostlyDead =
      dead >= smallestDeadBytes
      && Double(dead) >= smallestDeadShare * Double(candidate.recordBytes)
    return isMostlyDead || candidate.recordBytes - dead <= Self.pageSize
  }

  private static let pageSize = 4096

  /// Bytes of a file with `kept` bytes of records: header, seal and digest are added.
  static func fileBytes(_ kept: Int) -> Int {
    (pageSize + kept + kept / 12 + 64 + pageSize - 1) / pageSize * pageSize
  }

  private func bestRun(_ candidates: [CompactionCandidate], _ dead: [Int]) -> Range<Int>? {
    var best: (range: Range<Int>, ratio: Double)?
    var start = 0
    while start < candidates.count {
      guard mayJoin(candidates[start], dead[start]) else {
        start += 1
        continue
      }
      var end = start
      var (kept, files) = (0, 0)
      func share(_ number: Int) -> Int { candidates[number].recordBytes - dead[number] }
      repeat {
        kept += share(end)
        files += candidates[end].fileBytes
        end += 1
      } while end < candidates.count && mayJoin(candidates[end], dead[end])
        && kept + share(end) <= largestRun
      let target = Self.fileBytes(kept)
      var gain = files - target
      // How long a digest is, is a guess. Alone, such a segment gives back no more than what has died since:
      // otherwise it would be copied again and again where the guess is too short.
      if end - start == 1, candidates[start].isCompacted { gain = min(gain, dead[start]) }
      if gain >= max(smallestDeadBytes, Self.pageSize) {
        let ratio = Double(gain) / Double(target)
        if ratio > best?.ratio ?? 0 { best = (start..<end, ratio) }
      }
      start = end
    }
    return best?.range
  }

  /// Delete records that are held by older segments: the oldest of those is looked through, so that
  /// nobody has to ask it again.
  private func runAgainstTombstones(_ candidates: [CompactionCandidate]) -> Range<Int>? {
    let tombstones = candidates.reduce(0) { $0 + $1.tombstoneBytes }
    let records = candidates.reduce(0) { $0 + $1.recordBytes }
    guard Double(tombstones) > toleratedTombstoneShare * Double(records),
      let last = candidates.lastIndex(where: { $0.tombstoneBytes > 0 })
    else { return nil }
    // Looking through those before the last holder is enough; the holder itself is dead then.
    let wanted = candidates[last].endSequence
    guard
      let first = candidates[..<last].firstIndex(where: {
        $0.compactedThrough < wanted && !$0.isSpared && $0.liveBytes <= largestSingle
      })
    else { return nil }
    return first..<first + 1
  }
}
