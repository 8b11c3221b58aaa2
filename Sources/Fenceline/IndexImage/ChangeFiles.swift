// The series of files that say what was changed behind an image, as it grows and as it is read. Used under
// the lock that lets one step of maintenance run at a time.
//
//   image of 0 ... | file 1 | file 2 | file 3 |
//                       begin of an image ^    ^ its end
//
// An image begins where a file ends, so files from there on lead on from it, and files up to there from the
// one before: whichever of the two a crash leaves has its changes. A file that can't be written ends the
// series; the next image begins a new one.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// Where a series of files of changes goes on.
struct ChangeSeries: Sendable, Equatable {
  var nextNumber: UInt32
  var link: UInt32
}

/// What was taken of the log at one moment, as a file that is still to be written.
struct ChangeCut: Sendable {
  fileprivate var header: IndexChangesHeader
  fileprivate let segments: [IndexImageSegment]
  fileprivate let chunks: [ChangeChunk]
}

/// Writes the files of a store.
final class ChangeFiles: Sendable {
  private struct State {
    /// Nil while there is none.
    var series: ChangeSeries?
    /// No file bears this number or a higher one.
    var freeNumber: UInt32
    /// Bytes of all images and changes that were ever written.
    var imageBytes: Int
    /// The last file was written amid a compaction: an opening has to read the new segment.
    var namesPartial = false
    /// By number of its file, the changes behind the image that is there.
    var counts: [UInt32: Int]
    /// To note changes in.
    var spareChunks: [ChangeChunk] = []
  }

  let map: SegmentMap
  let index: HashIndex
  let directory: any StoreDirectory
  let storeID: StoreID
  let hashSeed: UInt64
  let writer: WriterAccess
  /// Changes that are worth a file while more of them come.
  private let fewestBusy: Int
  private let state: ForkSafeMutex<State>

  /// The same where no more come.
  private static let fewestIdle = 1 << 11

  init(
    map: SegmentMap,
    index: HashIndex,
    directory: any StoreDirectory,
    storeID: StoreID,
    hashSeed: UInt64,
    writer: WriterAccess,
    fewestChanges: Int?,
    continuing opened: OpenedChanges
  ) {
    self.map = map
    self.index = index
    self.directory = directory
    self.storeID = storeID
    self.hashSeed = hashSeed
    self.writer = writer
    fewestBusy = fewestChanges ?? ChangeChunk.capacity
    state = ForkSafeMutex(
      State(
        series: opened.series,
        freeNumber: opened.freeNumber,
        imageBytes: opened.imageBytes,
        counts: opened.counts
      )
    )
  }

  /// Bytes of all images and changes that were ever written.
  var imageBytes: Int { state.withLock { $0.imageBytes } }

  /// Changes in the files behind the image that is there; nil where no files lead on from it.
  var countBehindImage: Int? {
    state.withLock { (state) in
      state.series == nil ? nil : state.counts.values.reduce(0, +)
    }
  }

  /// Counts the bytes of an image, and the changes behind it anew.
  func note(_ image: IndexImageHeader) {
    state.withLock { (state) in
      state.imageBytes = image.imageBytes
      state.counts = state.counts.filter { $0.key >= image.firstChanges }
    }
  }

  /// Where the series goes on; nil where there is none.
  var series: ChangeSeries? { state.withLock { $0.series } }

  // MARK: Writing

  /// Writes a file if there is enough for one.
  ///
  /// Errors leave the store as it is: without the changes an opening only takes longer.
  func keepUp(isBusy: Bool) {
    guard series != nil else { return }
    try? write(ifAtLeast: isBusy ? fewestBusy : min(fewestBusy, Self.fewestIdle))
  }

  /// Writes what a compaction changed, as far as it is worth a file: behind it nothing leads to the sources.
  func noteCompaction() {
    let (isOn, namesPartial) = state.withLock { ($0.series != nil, $0.namesPartial) }
    if isOn { try? write(ifAtLeast: namesPartial ? 0 : 2) }
  }

  /// Writes what was changed since the last file.
  ///
  /// - Parameter fewest: changes that are worth a file; with 1 any are, whatever it costs, and with 0 it is
  ///   worth one that there are none.
  /// - Throws: ``StoreError/closed``, ``StoreError/poisoned``.
  func write(ifAtLeast fewest: Int = 1) throws(StoreError) {
    let (cut, isLost) = try writer.withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      let count = index.changes.count
      let isDue =
        fewest <= 1 && count >= fewest
        || IndexImagePolicy.areChangesDue(
          count,
          fewest: fewest,
          segmentCount: map.segments.count,
          writtenBytes: journal.writtenBytes,
          imageBytes: imageBytes
        )
      return (isDue ? take(&journal) : nil, !index.changes.isOn)
    }
    if let cut { write(cut) } else if isLost { end() }
  }

  /// Takes what was changed up to now.
  ///
  /// Under the write lock. Nothing has to be durable for that: an opening reads the newest segment from where
  /// the image ends, so it knows whether the journal reaches this far, and the others are sealed.
  ///
  /// - Returns: nil where no changes are noted.
  func take(_ journal: inout JournalWriter) -> ChangeCut? {
    guard index.changes.isOn else { return nil }
    let spares = state.withLock { (state) in
      defer { state.spareChunks = [] }
      return state.spareChunks
    }
    let end = journal.startOfReplay
    var header = IndexChangesHeader(
      storeID: storeID,
      hashSeed: hashSeed,
      end: end,
      endSequence: journal.nextSequence,
      journalBytes: journal.writtenBytes,
      wordCount: index.count
    )
    header.removalCount = index.changes.removalCount
    return ChangeCut(
      header: header,
      segments: map.imageSegments(endingAt: end),
      chunks: index.changes.take(goingOnIn: spares)
    )
  }

  /// Writes the next file of the series; where that fails, the series ends.
  func write(_ cut: ChangeCut) {
    guard let series, series.nextNumber <= IndexChangesHeader.mostNumber else { return end() }
    var cut = cut
    cut.header.number = series.nextNumber
    cut.header.link = series.link
    cut.header.imageBytes = imageBytes
    do throws(MediumError) {
      let link = try ChangeFile.write(&cut.header, cut.segments, cut.chunks, in: directory)
      state.withLock { (state) in
        state.imageBytes = cut.header.imageBytes
        state.series = ChangeSeries(nextNumber: series.nextNumber + 1, link: link)
        state.freeNumber = series.nextNumber + 1
        state.counts[series.nextNumber] = cut.header.changeCount
        state.namesPartial = cut.segments.contains(where: \.isPartial)
        state.spareChunks = cut.chunks
      }
    } catch {
      end()
    }
  }

  /// Begins a series behind an image that begins now, where none goes on.
  ///
  /// Under the write lock.
  func begin(_ journal: borrowing JournalWriter) {
    // No other series of this store, or of another one, begins at this moment.
    var link = Checksum.crc32c(of: storeID.low, continuing: 0)
    link = Checksum.crc32c(of: storeID.high, continuing: link)
    link = Checksum.crc32c(of: journal.nextSequence, continuing: link)
    index.changes.start()
    state.withLock { (state) in
      state.series = ChangeSeries(nextNumber: state.freeNumber, link: link)
    }
  }

  /// Notes no more changes.
  func end() {
    try? writer.withWriter { (_) throws(StoreError) in index.changes.stop() }
    state.withLock { ($0.series, $0.spareChunks, $0.counts) = (nil, [], [:]) }
  }

  /// Removes files that no image needs.
  ///
  /// - Parameter first: number of the first one that is needed.
  /// - Returns: bytes that were given back.
  @discardableResult
  func remove(before first: UInt32) -> Int {
    guard let names = try? directory.names() else { return 0 }
    var count = 0
    for name in names {
      guard let number = ChangeFile.number(of: name), number < first,
        let file = try? directory.openSegment(named: name, writable: false),
        (try? directory.removeSegment(named: name)) != nil
      else { continue }
      count += file.length
    }
    return count
  }
}

// MARK: Reading

/// The files of changes that an opening uses.
struct OpenedChanges: Sendable {
  private(set) var files: [ChangeFile] = []
  /// Of them, those without which the image is not of one moment.
  private var neededCount = 0
  /// Where they go on; nil where nothing can be added to them.
  fileprivate(set) var series: ChangeSeries?
  /// No file bears this number or a higher one.
  fileprivate(set) var freeNumber: UInt32 = 1
  fileprivate(set) var imageBytes = 0

  /// Reads those that lead on from an image, in parallel.
  ///
  /// - Parameters:
  ///   - image: what they start from.
  ///   - numbers: of the files that are there.
  ///   - directory: the store's.
  init(behind image: IndexImage, _ numbers: Set<UInt32>, in directory: any StoreDirectory) {
    let header = image.header
    imageBytes = header.imageBytes
    freeNumber = max(numbers.max() ?? 0, header.lastChanges) + 1
    guard header.firstChanges > 0 else { return }
    var series = ChangeSeries(nextNumber: header.firstChanges, link: header.changesLink)
    var end = header.firstChanges
    while numbers.contains(end) { end += 1 }
    let first = header.firstChanges
    let found = Parallel.map(Int(end - first)) {
      [ChangeFile(first + UInt32($0), in: directory)]
    }
    for case let file? in found.joined().prefix(while: { $0 != nil }) {
      guard Self.leadsOn(file, from: series, of: header) else { break }
      files.append(file)
      series = ChangeSeries(nextNumber: series.nextNumber + 1, link: file.checksum)
    }
    // Before its end an image is not of one moment.
    guard series.nextNumber > header.lastChanges else {
      files = []
      return
    }
    self.series = series
    neededCount = Int(header.lastChanges + 1 - header.firstChanges)
    imageBytes = files.last?.header.imageBytes ?? imageBytes
  }

  /// By number of a file, how many changes it has.
  var counts: [UInt32: Int] {
    Dictionary(uniqueKeysWithValues: files.map { ($0.header.number, $0.header.changeCount) })
  }

  /// Does without the last file.
  ///
  /// - Returns: false where it can't be left out.
  mutating func leaveOutLast() -> Bool {
    guard files.count > neededCount, let last = files.popLast()?.header else { return false }
    series = ChangeSeries(nextNumber: last.number, link: last.link)
    return true
  }

  /// None, in a directory with files of these numbers.
  init(withoutUseOf numbers: Set<UInt32>) { freeNumber = (numbers.max() ?? 0) + 1 }

  private static func leadsOn(
    _ file: ChangeFile,
    from series: ChangeSeries,
    of image: IndexImageHeader
  ) -> Bool {
    file.header.storeID == image.storeID && file.header.hashSeed == image.hashSeed
      && file.header.link == series.link
  }
}
