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

  /// Segments that may come while an image is made.
  static let mostNewSegments = 64

  /// What is noted before the first word is read.
  private struct Start {
    var header: IndexImageHeader
    var limits: UnitLimits
    var mostWords: Int
    /// By segment number: where words may lead to.
    var ends: [UInt32: Int]
  }

  /// Writes an image and puts it into the place of the one before.
  ///
  /// - Parameters:
  ///   - imageBytes: bytes of all images before.
  ///   - meanwhile: runs when half of the words were read.
  /// - Returns: the header, or nil where the table has a form that no page holds.
  /// - Throws: what the medium says; the image before stays.
  func write(
    after imageBytes: Int,
    meanwhile: () throws(StoreError) -> Void = {}
  ) throws(StoreError) -> IndexImageHeader? {
    let start = try begin(after: imageBytes)
    defer { try? writer.withWriter { (_) throws(StoreError) in index.pausesGrowth = false } }
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

  private func begin(after imageBytes: Int) throws(StoreError) -> Start {
    try writer.withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      index.pausesGrowth = true
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
      header.imageBytes = imageBytes
      var start = Start(
        header: header,
        limits: UnitLimits(),
        mostWords: index.count,
        ends: [:]
      )
      for (segment, sealedEnd) in map.recordEnds {
        let isActive = segment.header.segmentID == end.segment
        guard let end = sealedEnd ?? (isActive ? end.offset : nil) else { continue }
        start.limits.allow(from: segment.firstUnit, end: end)
        start.ends[segment.header.segmentID] = end
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
      words.removeAll(keepingCapacity: true)
      index.forEachWord(inBucket: bucket) { (word) in
        if start.limits.contains(HashIndex.unit(word)) || Mutant.imageWordsUnlimited.isActive {
          words.append(word)
        }
      }
      let hasRoom = try translatingErrors { () throws(MediumError) in try file.append(words) }
      guard hasRoom else { return nil }
    }
    let segments = try end(&header, start)
    let isWritten = try translatingErrors { () throws(MediumError) in
      guard try file.finish(&header, segments) else { return false }
      try directory.publishSegment(named: IndexImage.fileName, replacing: true)
      try directory.synchronize()
      return true
    }
    return isWritten ? header : nil
  }

  private func end(
    _ header: inout IndexImageHeader,
    _ start: Start
  ) throws(StoreError) -> [IndexImageSegment] {
    let (end, sequence, segments) = try writer.withWriter { (journal) throws(StoreError) in
      if !Mutant.imageUnsynced.isActive { try journal.sync() }
      let segments = map.segments.map { (segment) in
        IndexImageSegment(
          segmentID: segment.header.segmentID,
          identity: segment.header.identity,
          firstUnit: segment.firstUnit,
          end: start.ends[segment.header.segmentID] ?? 0,
          liveBytes: segment.usage.liveBytes,
          tombstoneBytes: segment.usage.tombstoneBytes
        )
      }
      return (journal.startOfReplay, journal.nextSequence, segments)
    }
    (header.end, header.endSequence) = (end, sequence)
    return segments
  }
}
