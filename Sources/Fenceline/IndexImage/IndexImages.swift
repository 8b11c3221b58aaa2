// The images of an open store, one after the other. Used under the lock that lets one step of maintenance run
// at a time.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Keeps a store's image new enough.
final class IndexImages: Sendable {
  private struct State {
    /// See ``IndexImagePolicy/Situation``.
    var imagedBytes = 0
    var length = 0
    /// Segments that were written while the image was made.
    var segments: ClosedRange<UInt32>?

    mutating func note(_ header: IndexImageHeader) {
      imagedBytes = header.journalBytes
      length = header.pagesStart + header.pageCount * IndexImagePageField.size
      let (first, last) = (header.start.segment, header.end.segment)
      let isQuiet = header.startSequence == header.endSequence || first > last
      segments = isQuiet ? nil : first...last
    }
  }

  let imager: IndexImager
  private let policy: IndexImagePolicy
  private let state: ForkSafeMutex<State>

  /// - Parameters:
  ///   - imager: makes them.
  ///   - policy: when.
  ///   - header: of the image that the store was opened with.
  init(_ imager: IndexImager, _ policy: IndexImagePolicy, _ header: IndexImageHeader?) {
    self.imager = imager
    self.policy = policy
    var state = State()
    if let header { state.note(header) }
    self.state = ForkSafeMutex(state)
  }

  /// Whether there is one.
  var hasImage: Bool { state.withLock { $0.length > 0 } }

  /// Journal segments that were written while the image was made: as long as they are there, what it says
  /// that segments hold goes on being right.
  var segmentsOfMaking: ClosedRange<UInt32>? { state.withLock { $0.segments } }

  /// Writes an image if one is due, or removes the one that is there if it is not worth its bytes.
  ///
  /// Errors leave the store as it is: an image that can't be had only costs time.
  func keepUp(_ moment: IndexImagePolicy.Moment) {
    guard let situation = try? situation() else { return }
    if policy.isDue(situation, moment) {
      try? write()
    } else if policy.isObsolete(situation) {
      remove()
    } else {
      imager.changes.keepUp(isBusy: moment == .busy)
    }
  }

  /// Writes what was changed behind the image, if it is much: while more important work is done.
  func noteChanges() { imager.changes.keepUp(isBusy: true) }

  /// Writes an image now.
  ///
  /// - Throws: what the medium says; the image before stays.
  func write(meanwhile: () throws(StoreError) -> Void = {}) throws(StoreError) {
    guard let header = try imager.write(meanwhile: meanwhile) else { return }
    state.withLock { $0.note(header) }
  }

  /// Gives the bytes of an image, and of what was changed behind it, back.
  ///
  /// - Returns: how many.
  @discardableResult
  func remove() -> Int {
    let length = state.withLock { (state) in
      defer { (state.length, state.imagedBytes, state.segments) = (0, 0, nil) }
      return state.length
    }
    guard length > 0 else { return 0 }
    imager.changes.end()
    do throws(MediumError) {
      try imager.directory.removeSegment(named: IndexImage.fileName)
      return length + imager.changes.remove(before: .max)
    } catch {
      return 0
    }
  }

  private func situation() throws(StoreError) -> IndexImagePolicy.Situation {
    let (written, end, unitBits, changeCount) = try imager.writer.withWriter {
      (journal) throws(StoreError) in
      (journal.writtenBytes, journal.tail, imager.map.unitBits, imager.index.changes.count)
    }
    let ends = imager.map.recordEnds
    let records = ends.reduce(0) { $0 + ($1.end ?? end) - SegmentField.journalStart }
    let bucketCount = imager.index.bucketCount.load(ordering: .relaxed)
    let state = state.withLock { $0 }
    return IndexImagePolicy.Situation(
      writtenBytes: written,
      imagedBytes: state.imagedBytes,
      imageBytes: imager.changes.imageBytes,
      length: state.length,
      keyCount: imager.index.count,
      bucketCount: bucketCount,
      recordBytes: records,
      wordLength: IndexImageHeader.wordLength(unitBits: unitBits, bucketCount: bucketCount),
      segmentCount: ends.count + IndexImager.mostNewSegments,
      changeCount: changeCount,
      changesBehind: state.length > 0
        ? imager.changes.countBehindImage.map { $0 + changeCount } : nil
    )
  }
}
