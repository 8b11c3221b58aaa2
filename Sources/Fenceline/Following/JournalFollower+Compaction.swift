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
  /// - Returns: false where a key still leads to a source, because its record there can't be read: then
  ///   everything has to be read anew before a source may go.
  /// - Throws: what is wrong with a compacted segment; its sources stay then.
  func adopt(
    _ chain: [ChainMember],
    before newest: MappedSegment
  ) throws(StoreError) -> Bool {
    for member in chain where isNew(member) {
      let known = map.segments
      let covered = member.header.covered
      let sources = known.filter {
        covered.contains($0.header.covered.lowerBound)
          && $0.header.segmentID != newest.header.segmentID
      }
      guard !sources.isEmpty else { continue }
      // All of it before anything is changed: a word that is not moved would lead to what goes.
      let records = try records(of: member)
      let target = try map.map(member.file, member.header)
      move(records, to: target, from: Set(sources.map(\.header.segmentID)))
      guard sources.allSatisfy({ $0.usage.liveBytes == 0 }) else {
        // In its place in the history; the newest segment stays the last one.
        let place = known.firstIndex { $0.firstUnit == sources[0].firstUnit } ?? 0
        map.setSegments(known[..<place] + [target] + known[place...])
        return false
      }
      order.discard()
      map.replace(sources, with: target)
      let map = map
      epochs.retire { for source in sources { map.release(source) } }
    }
    return true
  }

  /// Whether a segment was compacted since.
  func isNew(_ member: ChainMember) -> Bool {
    member.isCompacted
      && !map.segments.contains { $0.header.segmentID == member.header.segmentID }
  }

  /// A record of a compacted segment, and the hash of its key.
  private struct CopiedRecord {
    let record: JournalRecord
    let hash: UInt64
  }

  /// Everything in a compacted segment but what is there for readers of the past only.
  private func records(of member: ChainMember) throws(StoreError) -> [CopiedRecord] {
    let end = member.header.compaction?.end ?? SegmentField.journalStart
    let (records, acceptedEnd) = try reading(member.file, 0..<end) { (bytes) in
      var records: [CopiedRecord] = []
      let scan = TransactionScan(bytes, binding: member.binding, limit: end) { (record) in
        if member.header.isOnlyPast(record) { return }
        let hash = Checksum.hash64(bytes.extracting(record.keyRange), seed: hashSeed)
        records.append(CopiedRecord(record: record, hash: hash))
      }
      return (records, scan.acceptedEnd)
    }
    guard acceptedEnd == end else {
      throw .corrupt(file: member.file.path, offset: acceptedEnd, cause: .recordBody)
    }
    return records
  }

  /// Points every key whose record lies in one of the sources to the copy.
  private func move(
    _ records: [CopiedRecord],
    to target: MappedSegment,
    from sources: Set<UInt32>
  ) {
    for copied in records {
      let unit = target.unit(at: copied.record.offset)
      let length = copied.record.shape.totalLength
      guard copied.record.header.kind == .put else {
        map.countTombstone(unit, length: length)
        continue
      }
      let place = unsafe index.locate(copied.hash) {
        sources.contains(map.segmentID(ofUnit: $0)) && map.surelyHaveSameKey($0, unit)
      }
      let old = unsafe place.unit
      guard old != 0 else { continue }
      unsafe index.set(place, copied.hash, to: unit)
      map.countLive(unit, length: length, replacing: old)
    }
  }

  /// Reads everything anew, and changes what differs key by key.
  ///
  /// - Returns: where following goes on, or nil where that can't be done now.
  /// - Throws: what the medium says.
  func rebuild(from chain: [ChainMember]) throws(StoreError) -> State? {
    var segments: [MappedSegment] = []
    let known = map.segments
    var isDone = false
    defer {
      // Nobody was told of them.
      if !isDone {
        for segment in segments
        where !known.contains(where: { $0.firstUnit == segment.firstUnit }) {
          map.release(segment)
        }
      }
    }
    for member in chain {
      let same = known.first { $0.header == member.header }
      let segment = if let same { same } else { try map.map(member.file, member.header) }
      segments.append(segment)
    }
    guard let newest = segments.last else { return nil }
    let fresh = HashIndex()
    var state = Self.start(of: newest)
    var tombstoneBytes: [Int] = []
    for (segment, member) in zip(segments, chain) {
      let limit = member.statedEnd ?? member.length
      tombstoneBytes.append(0)
      let scan = try reading(segment.file, 0..<member.length) { (bytes) in
        TransactionScan(bytes, binding: segment.binding, limit: limit) { (record) in
          if member.header.isOnlyPast(record) { return }
          if record.header.kind == .delete {
            tombstoneBytes[tombstoneBytes.count - 1] += record.shape.totalLength
          }
          enter(record, of: segment, in: bytes, into: fresh)
        }
      }
      // What is damaged is not known to be gone.
      guard scan.acceptedEnd == member.statedEnd ?? scan.acceptedEnd else { return nil }
      (state.end, state.last) = (scan.acceptedEnd, scan.last)
      state.nextSequence = scan.nextSequence
    }
    isDone = true
    replaceIndex(by: fresh, newestSequence: state.nextSequence &- 1)
    let gone = known.filter { old in
      !segments.contains { $0.header == old.header }
    }
    for (segment, bytes) in zip(segments, tombstoneBytes) {
      segment.usage.set(live: 0, tombstones: bytes)
    }
    map.recount(segments, index)
    map.setSegments(segments)
    map.noteCommitted(state.position, nextSequence: state.nextSequence)
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
  ///
  /// What goes was superseded by a transaction up to `newestSequence`, and a snapshot that shows it is of
  /// a moment before.
  private func replaceIndex(by fresh: HashIndex, newestSequence: UInt64) {
    var units: [UInt64] = []
    index.forEachUnit { units.append($0) }
    fresh.forEachUnit { (unit) in
      map.withUnverifiedKey(at: unit) { (key) in
        let hash = Checksum.hash64(key, seed: hashSeed)
        index.growIfNeeded()
        let place = unsafe index.locate(hash) { map.surelyHasKey(key, at: $0) }
        snapshots.keep(unsafe place.unit, hash, supersededBy: newestSequence, map, epochs)
        unsafe index.set(place, hash, to: unit)
        if StoredKey.isOfCatalogue(key) { map.noteCatalogueChange() }
      }
    }
    // Behind this nobody looks anything up in an image, so what says that a key of it is gone may go.
    index.dropImage()
    // What says that a namespace is there goes before what was in it.
    _ = units.partition { !map.withUnverifiedKey(at: $0, StoredKey.isOfCatalogue) }
    for unit in units {
      map.withUnverifiedKey(at: unit) { (key) in
        let hash = Checksum.hash64(key, seed: hashSeed)
        if fresh.search(hash, { map.surelyHasKey(key, at: $0) }) { return }
        snapshots.keep(unit, hash, supersededBy: newestSequence, map, epochs)
        unsafe index.remove(index.locate(hash) { $0 == unit }, hash)
        if StoredKey.isOfCatalogue(key) { map.noteCatalogueChange() }
      }
    }
    index.noteImageGone()
  }
}
