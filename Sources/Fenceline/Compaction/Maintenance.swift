// The thread that compacts while others work. It sleeps until a segment is filled, then keeps what is
// dead within bounds; when nobody has written for a while, it tidies up and sleeps again.
//
// Invariant: the thread does not keep the store alive. The store waits for the end of its step before it
// goes, so the lock on the directory goes with the last reference. Nothing depends on the thread.

internal import PersistentMemory

/// A store's background work, and the lock that lets one step run at a time.
final class Maintenance: Sendable {
  private struct State {
    var isWanted = false
    var isStopping = false
    var worker: Worker?
  }

  /// What the thread does at a time.
  private enum Mood {
    case busy
    case idle
  }

  let compactor: Compactor
  let expirySweep: ExpirySweep
  let namespaceSweep: NamespaceSweep
  let images: IndexImages
  private let compacts: Bool
  private let writesImages: Bool
  /// Held during a step; taken before the write lock.
  private let stepLock = ForkSafeMutex<Void>(())
  private let state = ForkSafeMutex(State())
  private let wake = WakeUp()

  /// Without a change for so long a store counts as idle.
  private static let idleMilliseconds = 250
  /// Steps without a pause: segments that can't be read count as well.
  private static let mostSteps = 1 << 16

  /// - Parameters:
  ///   - compactor: of a store.
  ///   - expirySweep: of the same.
  ///   - namespaceSweep: of the same.
  ///   - images: of the same.
  ///   - compacts: whether the thread compacts.
  ///   - writesImages: whether it writes images.
  init(
    _ compactor: Compactor,
    _ expirySweep: ExpirySweep,
    _ namespaceSweep: NamespaceSweep,
    _ images: IndexImages,
    compacts: Bool,
    writesImages: Bool
  ) {
    self.compactor = compactor
    self.expirySweep = expirySweep
    self.namespaceSweep = namespaceSweep
    self.images = images
    self.compacts = compacts
    self.writesImages = writesImages
  }

  /// Does one step under a policy; waits for one that is under way.
  ///
  /// - Parameters:
  ///   - policy: what is worth it.
  ///   - spares: leaves alone what an opening beside the image needs to know what segments hold.
  /// - Returns: nil where nothing is worth it.
  /// - Throws: as ``Compactor/step(_:)``.
  func step(
    _ policy: CompactionPolicy,
    sparesImaged spares: Bool = false
  ) throws(StoreError) -> CompactionStep? {
    try stepLock.withLock { (_) throws(StoreError) in
      try compactor.step(policy, sparing: spares ? images.segmentsOfMaking : nil) {
        images.noteChanges()
      }
    }
  }

  /// Removes what has expired; waits for a step that is under way.
  ///
  /// - Parameter scope: where.
  /// - Returns: keys that were removed.
  /// - Throws: as ``ExpirySweep/run(_:)``.
  func sweepExpired(_ scope: ExpirySweep.Scope) throws(StoreError) -> Int {
    try stepLock.withLock { (_) throws(StoreError) in try expirySweep.run(scope) }
  }

  /// Runs `body` on the images; waits for a step that is under way.
  func withImages<R>(
    _ body: (IndexImages) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try stepLock.withLock { (_) throws(StoreError) in try body(images) }
  }

  /// Writes an image, if one is due, for the next opening.
  func imageForNextOpening() {
    guard writesImages else { return }
    stepLock.withLock { (_) in images.keepUp(.closing) }
  }

  // MARK: The thread

  /// Asks for a look, where there is a thread for it; starts it at the first time.
  @inline(never)
  func request() {
    guard compacts || writesImages else { return }
    state.withLock { (state) in
      guard !state.isStopping else { return }
      state.isWanted = true
      if state.worker == nil { state.worker = Worker { [self] in run() } }
    }
    wake.set()
  }

  /// Ends the thread behind the step that it is in.
  func stop() {
    let worker = state.withLock { (state) in
      state.isStopping = true
      return state.worker.take()
    }
    wake.set()
    worker?.join()
  }

  private var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Something was asked for since the thread last looked.
  private var hasRequest: Bool { state.withLock { $0.isWanted } }

  private func takeRequest() -> Bool {
    state.withLock { (state) in
      defer { state.isWanted = false }
      return state.isWanted
    }
  }

  private func run() {
    var lastSequence: UInt64?
    var isSettled = true
    while !isStopping {
      if takeRequest() { isSettled = false }
      if isSettled {
        wake.wait(milliseconds: untilNextSweep)
        if isSweepDue { isSettled = false }
        continue
      }
      guard let sequence = work(.busy) else { return }
      wake.wait(milliseconds: Self.idleMilliseconds)
      guard !isStopping else { return }
      if sequence == lastSequence {
        guard let after = work(.idle) else { return }
        isSettled = after == sequence
      }
      lastSequence = sequence
    }
  }

  /// How long the thread may sleep for all that expires; nil for ever.
  private var untilNextSweep: Int? {
    guard compacts, let due = expirySweep.nextDue else { return nil }
    let now = expirySweep.clock.now
    if now.hasReached(due) { return 0 }
    // Not for too long: a value that expires sooner may be put meanwhile.
    return Int(min(due.millisecondsSince1970 - now.milliseconds, Self.longestSleep))
  }

  private var isSweepDue: Bool { untilNextSweep == 0 }

  private static let longestSleep: UInt64 = 60_000

  /// Does what a mood asks for.
  ///
  /// Errors are not lost: whatever is wrong shows when the store is used.
  ///
  /// - Returns: the sequence of the next transaction, or nil where nothing can be done any more.
  private func work(_ mood: Mood) -> UInt64? {
    if compacts {
      _ = try? sweepExpired(mood == .busy ? .sealed : .all)
      compact(mood)
    }
    keepImages(mood)
    return try? compactor.writer.withWriter { (journal) throws(StoreError) in
      // What was made ahead of need is space that nobody needs now.
      if mood == .idle, !isStopping { journal.discardPreparation() }
      compactor.epochs.reclaim()
      return journal.nextSequence
    }
  }

  private func keepImages(_ mood: Mood) {
    if writesImages { stepLock.withLock { (_) in images.keepUp(mood == .busy ? .busy : .idle) } }
  }

  private func compact(_ mood: Mood) {
    let options = compactor.options
    // What it leaves on a full medium is there the next time.
    try? namespaceSweep.run { !isStopping }
    for _ in 0..<Self.mostSteps {
      let sizing = SegmentSizing(options: options, liveBytes: compactor.map.liveBytes)
      let policy =
        switch mood {
        case .busy: CompactionPolicy.busy(options, segmentLength: sizing.usualLength)
        case .idle: CompactionPolicy.idle(options)
        }
      do throws(StoreError) {
        guard try step(policy, sparesImaged: true) != nil else { break }
      } catch {
        guard error.isDamage else { break }
      }
      if isStopping || mood == .idle && hasRequest { break }
      // Beside somebody who overwrites there is always something to compact.
      if mood == .busy { keepImages(mood) }
    }
    compactor.keepReserve()
  }
}
