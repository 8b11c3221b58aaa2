// A read-only handle keeps up with a writer in another process, or in this one: it reads on where it
// stopped as soon as something stands there. Nothing is written, locked or agreed upon with the writer;
// what the format promises is enough:
//
//   bytes behind the journal's end are no valid record, so a word that changes there is news
//   a transaction counts once all of its records are whole
//   a segment's mark says "followed" before the first record of its successor is written
//   the successor states where its predecessor ends, a compacted segment what it stands for
//   an empty segment that is replaced says "followed" before the first record in the one in its place
//
// Invariant: complete transactions are applied in history order, by one thread at a time; the index never
// goes back. A mapping outlives its file's name, so what a compaction removes stays readable until
// the follower has taken note.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Reads on behind the journal's end.
@safe
final class JournalFollower: @unchecked Sendable {
  // SAFETY: the atomics hold addresses in mappings that readers' tickets keep; the rest is under the
  // mutex, or constant.
  let directory: any StoreDirectory
  let map: SegmentMap
  let index: HashIndex
  let epochs: ReaderEpochs
  let hashSeed: UInt64
  let order: OrderedIndex
  let writer: WriterAccess
  let snapshots: SnapshotRegistry
  private let state: ForkSafeMutex<State>

  let watch = JournalWatch()
  private let doubt = Atomic<Doubt>(.none)
  private let lastLook = Atomic<UInt64>(0)

  /// Why there may be news although the words that are looked at have not changed.
  private enum Doubt: UInt8, AtomicRepresentable {
    case none
    /// A record or a mark is there in part, and the rest may have come: each read asks.
    case unfinished
    /// What a listing showed may be otherwise now: asked every few milliseconds.
    case incomplete
    /// What the medium said, too; until then each read has to say it.
    case failed
  }

  /// Where following stands.
  struct State {
    var newest: MappedSegment
    /// End of the transactions that were applied.
    var end: Int
    /// What stands before it.
    var last = JournalNeighbour.record
    var nextSequence: UInt64
    /// Where the last reading met no valid record, behind the records of an unfinished transaction if
    /// there are some; nil before the first one and at the segment's end.
    var stop: ScanStop?
    /// Why nothing could be read on at the last look.
    var failure: StoreError?
    /// There is more, which can't be made sense of yet.
    var isIncomplete = false

    var position: JournalPosition {
      JournalPosition(segment: newest.header.segmentID, offset: end)
    }
  }

  /// Follows the journal that `opening` has read; nil where damage leaves nothing to build on.
  ///
  /// - Parameters:
  ///   - opening: what was read.
  ///   - directory: where.
  ///   - order: the keys in order, which follows in turn.
  ///   - writer: the access of a handle that can't write: knows what the index shows.
  ///   - snapshots: of the handle.
  init?(
    _ opening: JournalOpening,
    in directory: any StoreDirectory,
    _ order: OrderedIndex,
    _ writer: WriterAccess,
    _ snapshots: SnapshotRegistry
  ) {
    guard opening.damage.isEmpty, let scan = opening.newestScan,
      let newest = opening.map.segments.last
    else { return nil }
    self.directory = directory
    map = opening.map
    index = opening.index
    epochs = opening.epochs
    hashSeed = opening.hashSeed
    self.order = order
    self.writer = writer
    self.snapshots = snapshots
    let initial = State(
      newest: newest,
      end: scan.acceptedEnd,
      last: scan.last,
      nextSequence: scan.nextSequence
    )
    state = ForkSafeMutex(initial)
    map.noteCommitted(initial.position, nextSequence: initial.nextSequence)
    writer.noteApplied(initial.position)
    // Whatever came since the scan is news.
    watch.expectNothing(at: initial.end, of: initial.newest)
  }

  // MARK: Noticing

  /// Applies what was written since the last call, if anything.
  ///
  /// The caller holds a reader's ticket. A transaction that was complete when the call began, and visible
  /// to this process, is applied when it returns.
  ///
  /// - Throws: why it can't be: what a call of the system says. The next one tries again.
  /// - Complexity: some loads where there is nothing new; O(bytes of the record) beside an unfinished one.
  @inline(__always)
  func catchUp() throws(StoreError) {
    if !watch.hasNews, doubt.load(ordering: .acquiring) == .none { return }
    try look()
  }

  @inline(never)
  private func look() throws(StoreError) {
    let now = Clock.coarseMilliseconds()
    // Nobody takes the lock without need.
    if !watch.hasNews, doubt.load(ordering: .acquiring) == .incomplete,
      lastLook.load(ordering: .relaxed) == now
    {
      return
    }
    try state.withLock { (state) throws(StoreError) in
      if try mayGoOn(state, at: now) {
        lastLook.store(now, ordering: .relaxed)
        // Whoever asks meanwhile waits until what was noted as seen is applied.
        doubt.store(.unfinished, ordering: .sequentiallyConsistent)
        doubt.store(advance(&state), ordering: .releasing)
        epochs.reclaim()
      }
      if let failure = state.failure { throw failure }
    }
  }

  /// Whether there are news, or it is time to look although nothing has changed.
  @inline(never)
  private func mayGoOn(_ state: State, at now: UInt64) throws(StoreError) -> Bool {
    if watch.hasNews { return true }
    return switch doubt.load(ordering: .relaxed) {
    case .none: false
    case .unfinished: try isFinished(state)
    case .incomplete, .failed: lastLook.load(ordering: .relaxed) != now
    }
  }

  // MARK: The image

  /// Gets everything that an image knows into the table, for whoever wants to see all keys.
  ///
  /// - Throws: what is wrong with an image that can't be done without, because the journal is damaged too.
  /// - Complexity: O(keys) at the first time, if the handle uses an image.
  func takeOverImage() throws(StoreError) {
    guard index.hasImage else { return }
    try state.withLock { (state) throws(StoreError) in _ = try takeOverImage(&state) }
    if index.usesImage { throw .damagedIndexImage(in: directory.path) }
  }

  /// Makes counts right that an opening beside the image has left for later.
  func settleCounts() {
    guard index.hasUnsettledPuts.load(ordering: .acquiring) else { return }
    state.withLock { (state) in
      if index.usesImage { index.settlePuts(map) }
      if index.hasMetDamage, index.usesImage { replaceImage(&state) }
    }
  }

  /// Reads the journal instead of the image, a page of which does not hold.
  func replaceImage() {
    state.withLock { (state) in
      if index.usesImage { replaceImage(&state) }
    }
  }

  /// - Returns: false where everything was read anew instead, or could not be.
  private func takeOverImage(_ state: inout State) throws(StoreError) -> Bool {
    if try index.takeOverImage(map) { return true }
    replaceImage(&state)
    return false
  }

  private func replaceImage(_ state: inout State) {
    // Beside a writer what is listed may be gone the next moment.
    for _ in 0..<Self.mostRebuilds where index.usesImage {
      guard let chain = try? SegmentChain(in: directory), chain.damage.isEmpty,
        let rebuilt = try? rebuild(from: chain.members)
      else { continue }
      state = rebuilt
    }
  }

  private static let mostRebuilds = 8

  // MARK: Advancing

  /// Applies what there is.
  ///
  /// - Returns: whether there may be more.
  private func advance(_ state: inout State) -> Doubt {
    (state.failure, state.isIncomplete) = (nil, false)
    do throws(StoreError) {
      while true {
        // Noted before reading: what comes meanwhile is news.
        watch.note(at: state.stop?.offset ?? state.end, of: state.newest)
        let (end, stop) = (state.end, state.stop)
        try apply(&state, upTo: state.newest.file.length)
        if index.hasMetDamage, index.usesImage { replaceImage(&state) }
        if state.end == end, state.stop == stop, try !moveOn(&state) { break }
      }
    } catch {
      // Beside damage the handle stays at this moment, as one does that finds it at its opening: what is
      // whole can be read. Calls of the system may work the next time, and until then nobody knows.
      guard !error.isDamage else { return .none }
      state.failure = error
      return .failed
    }
    if state.isIncomplete { return .incomplete }
    return isUnfinished(state) ? .unfinished : .none
  }

  /// Applies complete transactions up to the first thing that fails, or `limit`.
  ///
  /// - Throws: what the medium says.
  func apply(_ state: inout State, upTo limit: Int) throws(StoreError) {
    let segment = state.newest
    var next = state
    let whole = 0..<segment.file.length
    let read = try reading(segment.file, whole, from: state.end) { (bytes) -> TransactionScan? in
      var records: [JournalRecord] = []
      let scan = TransactionScan(
        bytes,
        binding: segment.binding,
        from: state.end,
        behind: state.last,
        lowestSequence: state.nextSequence,
        limit: limit
      ) { records.append($0) }
      guard index.hasMemory(for: records.count) else { return nil }
      // Scans may show them as soon as the first look-up does.
      next.end = scan.acceptedEnd
      map.noteCommitted(next.position, nextSequence: scan.nextSequence)
      for record in records { apply(record, of: segment, in: bytes) }
      writer.noteApplied(next.position)
      return scan
    }
    guard let scan = read else { throw .noMemory(for: segment.file.path) }
    (state.end, state.last, state.stop) = (scan.acceptedEnd, scan.last, scan.stop)
    state.nextSequence = scan.nextSequence
  }

  private func apply(_ record: JournalRecord, of segment: MappedSegment, in bytes: RawSpan) {
    let key = bytes.extracting(record.keyRange)
    let hash = Checksum.hash64(key, seed: hashSeed)
    let unit = segment.unit(at: record.offset)
    keepForSnapshots(key, hash, supersededBy: record.sequence)
    if record.header.kind == .delete {
      let old = index.delete(hash, at: unit, map) { map.surelyHasKey(key, at: $0) }
      if old != 0 { map.countDead(old) }
      map.countTombstone(unit, length: record.shape.totalLength)
    } else {
      let old = index.put(hash, at: unit, map) { map.surelyHasKey(key, at: $0) }
      map.countLive(unit, length: record.shape.totalLength, replacing: old)
    }
    if StoredKey.isOfCatalogue(key) { map.noteCatalogueChange() }
  }

  /// End of what was applied, where nobody is just applying more.
  var appliedPosition: JournalPosition { state.withLock { $0.position } }

  /// Enters a snapshot of what was applied; see ``SnapshotRegistry/begin(_:)``.
  func beginSnapshot() -> UInt64? { state.withLock { (_) in snapshots.begin(map) } }

  /// Keeps the version of a key that a transaction supersedes, where a snapshot shows it.
  func keepForSnapshots(_ key: RawSpan, _ hash: UInt64, supersededBy sequence: UInt64) {
    guard snapshots.isWatching else { return }
    _ = index.search(hash) { (unit) in
      guard map.surelyHasKey(key, at: unit) else { return false }
      snapshots.keep(unit, hash, supersededBy: sequence, map, epochs)
      return true
    }
  }

  /// Goes on in the segment that follows, if there is one.
  private func moveOn(_ state: inout State) throws(StoreError) -> Bool {
    guard try isMarkedFollowed(state.newest) else { return false }
    // Unless it goes on here, whatever is missing may come.
    state.isIncomplete = true
    let members = try SegmentChain(in: directory)
    if let damage = members.damage.first {
      guard damage.isMissingSegment else { throw damage.error }
      return false
    }
    let chain = members.members
    let id = state.newest.header.segmentID
    let successor = chain.first { !$0.isCompacted && $0.header.predecessorID == id }
    if let successor, successor.header.predecessorEnd >= state.end {
      try apply(&state, upTo: successor.header.predecessorEnd)
      guard state.end == successor.header.predecessorEnd else { return false }
      let segment = try map.add(successor.file, successor.header)
      state = Self.start(of: segment)
      // Words of an image lead to segments that may go. Where it can't be taken over, the chain is older
      // than what was read instead, or the segments have to stay: adopting is for another time.
      guard !chain.contains(where: isNew) || (try? takeOverImage(&state)) == true
      else { return true }
      do throws(StoreError) {
        if try !adopt(chain, before: segment), let rebuilt = try rebuild(from: chain) {
          state = rebuilt
        }
      } catch {
        // The sources stay, which have what can't be read of the copies.
        guard error.isDamage else { throw error }
      }
      return true
    }
    // It was replaced while it was empty, or the successors that were not read were compacted, or less
    // was recovered than was seen here.
    let isThere = chain.last?.header.segmentID == id
    guard !isThere, let newest = try rebuild(from: chain) else { return false }
    state = newest
    return true
  }

  static func start(of segment: MappedSegment) -> State {
    State(
      newest: segment,
      end: SegmentField.journalStart,
      nextSequence: segment.header.firstSequence
    )
  }

  /// Whether the segment's mark says, whole, that there is a successor.
  func isMarkedFollowed(_ segment: MappedSegment) throws(StoreError) -> Bool {
    try reading(segment.file, 0..<SegmentField.journalStart) { (bytes) in
      CloseMark(verifying: bytes, SegmentBinding(segment.header))?.state
    } == .followed
  }

  /// Reads in bulk.
  func reading<R>(
    _ file: SegmentFile,
    _ range: Range<Int>,
    from start: Int = 0,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R {
    try translatingErrors { () throws(MediumError) in
      try file.withGuardedBytes(range, readFrom: start) { (bytes) throws(MediumError) in
        body(bytes)
      }
    }
  }
}
