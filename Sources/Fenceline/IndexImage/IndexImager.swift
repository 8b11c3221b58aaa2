// Makes index images of an open store, beside everybody else who works on it.
//
//   1. under the write lock: where the journal ends ("start"), and no bucket is split from here on
//   2. without a lock: every word of every bucket, as it stands when it is passed, into a file without a
//      name; words that lead behind the start are left out
//   3. under the write lock: sync; where the journal ends now ("end"), what segments hold
//   4. tables, header; durable; name; directory
//
// What a reader of it has to know: a key that was not changed between start and end has its word, once.
// One that was may have the word that it had at the start, or none. So the journal is read again from the
// start, and the image counts only where the journal reaches its end, which 3 made durable. Nothing else has
// to be in order: an old image stays right, and one that is damaged is none.
//
// Cost: 5 to 6 bytes a key in a store of some millions. Writers wait for one sync, as for any other; readers for nothing.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Makes index images; the caller sees to it that nothing is compacted meanwhile.
struct IndexImager: Sendable {
  let map: SegmentMap
  let index: HashIndex
  let directory: any StoreDirectory
  let storeID: StoreID
  let hashSeed: UInt64
  let writer: WriterAccess
  let changes: ChangeFiles

  /// Segments that may come while an image is made.
  static let mostNewSegments = 64

  /// What is noted before the first word is read.
  private struct Start {
    var header: IndexImageHeader
    var limits: UnitLimits
    var mostWords: Int
    /// By segment number: where words may lead to.
    var ends: [UInt32: Int]
    /// What was changed before.
    var cut: ChangeCut?
  }

  /// Writes an image and puts it into the place of the one before.
  ///
  /// - Parameter meanwhile: runs when half of the words were read.
  /// - Returns: the header, or nil where the table has a form that no page holds.
  /// - Throws: what the medium says; the image before stays.
  func write(
    meanwhile: () throws(StoreError) -> Void = {}
  ) throws(StoreError) -> IndexImageHeader? {
    var start = try begin()
    if let cut = start.cut.take() { changes.write(cut) }
    if let series = changes.series {
      (start.header.firstChanges, start.header.changesLink) = (series.nextNumber, series.link)
    }
    do throws(StoreError) {
      if let header = try write(start, meanwhile) { return header }
    } catch {
      removeUnpublished()
      throw error
    }
    removeUnpublished()
    return nil
  }

  private func removeUnpublished() {
    try? directory.removeSegment(
      named: IndexImage.fileName + FileSystemDirectory.unpublishedSuffix
    )
  }

  private func begin() throws(StoreError) -> Start {
    try writer.withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      let cut = changes.take(&journal)
      if cut == nil { changes.begin(journal) }
      let end = journal.startOfReplay
      var header = IndexImageHeader(
        storeID: storeID,
        hashSeed: hashSeed,
        start: end,
        startSequence: journal.nextSequence,
        bucketCount: index.bucketCount.load(ordering: .relaxed),
        unitBits: map.unitBits
      )
      header.journalBytes = journal.writtenBytes
      var start = Start(
        header: header,
        limits: UnitLimits(),
        mostWords: index.count,
        ends: [:],
        cut: cut
      )
      for segment in map.imageSegments(endingAt: end) where segment.end > 0 {
        start.limits.allow(from: segment.firstUnit, end: segment.end)
        start.ends[segment.segmentID] = segment.end
      }
      return start
    }
  }

  private func write(
    _ start: Start,
    _ meanwhile: () throws(StoreError) -> Void
  ) throws(StoreError) -> IndexImageHeader? {
    var header = start.header
    var file = try translatingErrors { () throws(MediumError) in
      try IndexImageFile(
        in: directory,
        header,
        mostWords: start.mostWords,
        mostSegments: start.ends.count + Self.mostNewSegments
      )
    }
    var words: [UInt64] = []
    for bucket in 0..<header.bucketCount {
      if bucket == header.bucketCount / 2 { try meanwhile() }
      if bucket.isMultiple(of: Self.bucketsBetweenChanges) { changes.keepUp(isBusy: true) }
      index.collectWords(of: bucket, among: header.bucketCount, into: &words)
      if !Mutant.imageWordsUnlimited.isActive {
        words.removeAll { !start.limits.contains(HashIndex.unit($0)) }
      }
      let hasRoom = try translatingErrors { () throws(MediumError) in try file.append(words) }
      guard hasRoom else { return nil }
    }
    let segments = try end(&header, start)
    header.imageBytes = changes.imageBytes
    let isWritten = try translatingErrors { () throws(MediumError) in
      guard try file.finish(&header, segments) else { return false }
      try directory.publishSegment(named: IndexImage.fileName, replacing: true)
      try directory.synchronize()
      return true
    }
    guard isWritten else { return nil }
    changes.note(header)
    changes.remove(before: header.firstChanges)
    return header
  }

  /// Buckets between two looks at what is changed meanwhile.
  private static let bucketsBetweenChanges = 1 << 12

  private func end(
    _ header: inout IndexImageHeader,
    _ start: Start
  ) throws(StoreError) -> [IndexImageSegment] {
    let (end, sequence, segments, cut) = try writer.withWriter { (journal) throws(StoreError) in
      if !Mutant.imageUnsynced.isActive { try journal.sync() }
      let end = journal.startOfReplay
      var segments = map.imageSegments(endingAt: end)
      for number in segments.indices {
        segments[number].end = start.ends[segments[number].segmentID] ?? 0
      }
      let isSame = journal.nextSequence == header.startSequence && index.changes.count == 0
      return (end, journal.nextSequence, segments, isSame ? nil : changes.take(&journal))
    }
    (header.end, header.endSequence) = (end, sequence)
    if let cut { changes.write(cut) }
    // Without all changes up to the end those that come later are of no use.
    if let series = changes.series, series.nextNumber >= header.firstChanges {
      header.lastChanges = series.nextNumber - 1
    } else {
      (header.firstChanges, header.lastChanges) = (0, 0)
    }
    return segments
  }
}

extension SegmentMap {
  /// What an image says of the segments.
  ///
  /// Under the write lock.
  ///
  /// - Parameter end: words lead to records before it.
  /// - Returns: a row for each, and one for a segment that a compaction is pointing keys to.
  func imageSegments(endingAt end: JournalPosition) -> [IndexImageSegment] {
    var rows = recordEnds.map { (segment, sealedEnd) in
      let isLast = segment.header.segmentID == end.segment
      return IndexImageSegment(segment, end: sealedEnd ?? (isLast ? end.offset : 0))
    }
    if let adopted, !Mutant.adoptedUnnoted.isActive {
      rows.append(IndexImageSegment(adopted, end: adopted.header.compaction?.end ?? 0))
      rows[rows.count - 1].isPartial = true
    }
    return rows
  }
}

extension IndexImageSegment {
  fileprivate init(_ segment: MappedSegment, end: Int) {
    self.init(
      segmentID: segment.header.segmentID,
      identity: segment.header.identity,
      firstUnit: segment.firstUnit,
      end: end,
      liveBytes: segment.usage.liveBytes,
      tombstoneBytes: segment.usage.tombstoneBytes
    )
  }
}
