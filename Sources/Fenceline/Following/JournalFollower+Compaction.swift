// What a follower makes of compacted segments: copies take the place of their sources, or, where it has
// fallen so far behind that what it has not read is gone, everything is read anew.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

extension JournalFollower {
  /// Takes compacted segments for the sources that they cover, where all of those were applied, and lets
  /// the sources go.
  ///
  /// - Parameters:
  ///   - chain: the segments that are history now.
  ///   - newest: the segment that following goes on in.
  func adopt(_ chain: [ChainMember], before newest: MappedSegment) {
    for member in chain where isNew(member) {
      let known = map.segments
      let covered = member.header.covered
      let sources = known.filter {
        covered.contains($0.header.covered.lowerBound)
          && $0.header.segmentID != newest.header.segmentID
      }
      guard !sources.isEmpty, let target = try? map.map(member.file, member.header) else {
        continue
      }
      moveWords(to: target, from: Set(sources.map(\.header.segmentID)))
      order.discard()
      map.replace(sources, with: target)
      let map = map
      epochs.retire { for source in sources { map.release(source) } }
    }
  }

  /// Whether a segment was compacted since.
  func isNew(_ member: ChainMember) -> Bool {
    member.isCompacted
      && !map.segments.contains { $0.header.segmentID == member.header.segmentID }
  }

  /// Points every key whose record lies in one of the sources to the copy.
  private func moveWords(to target: MappedSegment, from sources: Set<UInt32>) {
    let end = target.header.compaction?.end ?? SegmentField.journalStart
    try? target.file.withGuardedBytes(0..<end) { (bytes) in
      _ = TransactionScan(bytes, binding: target.binding, limit: end) { (record) in
        let key = bytes.extracting(record.keyRange)
        let hash = Checksum.hash64(key, seed: hashSeed)
        let unit = target.unit(at: record.offset)
        let length = record.shape.totalLength
        guard record.header.kind == .put else { return map.countTombstone(unit, length: length) }
        let place = unsafe index.locate(hash) {
          sources.contains(map.segmentID(ofUnit: $0)) && map.surelyHasKey(key, at: $0)
        }
        let old = unsafe place.unit
        guard old != 0 else { return }
        unsafe index.set(place, hash, to: unit)
        map.countLive(unit, length: length, replacing: old)
      }
    }
  }

  /// Reads everything anew, and changes what differs key by key.
  ///
  /// - Returns: where following goes on, or nil where that can't be done now.
  func rebuild(from chain: [ChainMember]) -> State? {
    var segments: [MappedSegment] = []
    let known = map.segments
    for member in chain {
      let same = known.first { $0.header == member.header }
      guard let segment = same ?? (try? map.map(member.file, member.header)) else { return nil }
      segments.append(segment)
    }
    guard let newest = segments.last else { return nil }
    let fresh = HashIndex()
    var state = Self.start(of: newest)
    var tombstoneBytes: [Int] = []
    for (segment, member) in zip(segments, chain) {
      let limit = member.statedEnd ?? member.length
      tombstoneBytes.append(0)
      let read = try? segment.file.withGuardedBytes(0..<member.length) { (bytes) in
        TransactionScan(bytes, binding: segment.binding, limit: limit) { (record) in
          if record.header.kind == .delete {
            tombstoneBytes[tombstoneBytes.count - 1] += record.shape.totalLength
          }
          enter(record, of: segment, in: bytes, into: fresh)
        }
      }
      // What is damaged is not known to be gone.
      guard let scan = read, scan.acceptedEnd == member.statedEnd ?? scan.acceptedEnd else {
        return nil
      }
      (state.end, state.last) = (scan.acceptedEnd, scan.last)
      state.nextSequence = scan.nextSequence
      state.isEmpty = scan.isEmpty
    }
    replaceIndex(by: fresh)
    let gone = known.filter { old in
      !segments.contains { $0.header == old.header }
    }
    for (segment, bytes) in zip(segments, tombstoneBytes) {
      segment.usage.set(live: 0, tombstones: bytes)
    }
    map.recount(segments, index)
    map.setSegments(segments)
    map.noteCommitted(state.position)
    writer.noteApplied(state.position)
    order.discard()
    let map = map
    epochs.retire { for segment in gone { map.release(segment) } }
    return state
  }

  private func enter(
    _ record: JournalRecord,
    of segment: MappedSegment,
    in bytes: RawSpan,
    into fresh: HashIndex
  ) {
    let key = bytes.extracting(record.keyRange)
    let hash = Checksum.hash64(key, seed: hashSeed)
    fresh.growIfNeeded()
    let place = unsafe fresh.locate(hash) { map.surelyHasKey(key, at: $0) }
    if record.header.kind == .delete {
      unsafe fresh.remove(place, hash)
    } else {
      unsafe fresh.set(place, hash, to: segment.unit(at: record.offset))
    }
  }

  /// Makes the index say what another one does; a reader sees the old record of a key or the new one.
  private func replaceIndex(by fresh: HashIndex) {
    var units: [UInt64] = []
    index.forEachUnit { units.append($0) }
    fresh.forEachUnit { (unit) in
      map.withUnverifiedKey(at: unit) { (key) in
        let hash = Checksum.hash64(key, seed: hashSeed)
        index.growIfNeeded()
        unsafe index.set(index.locate(hash) { map.surelyHasKey(key, at: $0) }, hash, to: unit)
      }
    }
    // Behind this nobody looks anything up in an image, so what says that a key of it is gone may go.
    index.dropImage()
    for unit in units {
      map.withUnverifiedKey(at: unit) { (key) in
        let hash = Checksum.hash64(key, seed: hashSeed)
        if fresh.search(hash, { map.surelyHasKey(key, at: $0) }) { return }
        unsafe index.remove(index.locate(hash) { $0 == unit }, hash)
      }
    }
    index.noteImageGone()
  }
}
