// A program that uses a store on a recorded medium and says, with marks in the trace, what a crash
// may and must show from there on.
//
// Invariants:
//   a step is marked as begun before the store is asked for it, as returned when the call is back,
//   and as synced after the store said so
//   sequences are counted here as the format defines them, one per transaction from the first of
//   the segment that an opening created, so a reissued one is noticed

package import Fenceline
internal import JournalFormat
internal import PersistentMemory

/// A recorded run of a store.
package final class Workload {
  package let name: String
  package let setup: WorkloadSetup
  /// How the running process copies.
  package private(set) var policy: CopyPolicy
  package private(set) var history = History()
  private var recorder: TraceRecorder
  private(set) var directory: SimulatedDirectory
  private var store: Store?
  private(set) var contents: StoreContents = [:]
  private var sequence: UInt64 = 0
  /// Milliseconds since 1970: images are read as if none had passed.
  var time: UInt64 = 0
  /// By whether they are in another process.
  var feeds: [Bool: Telling] = [:]
  /// Where the store is copied to: a medium that does not crash.
  lazy var backups = SimulatedDirectory(setup.hardware, entries: [])
  let options: StoreOptions
  private let stale: StaleContents
  /// Of the workload whose image this one starts with.
  private var inheritedKeys: Set<[UInt8]> = [afterKey, behindKey]

  private static let afterKey = Array("after".utf8)
  private static let behindKey = Array("behind".utf8)

  /// A key or nothing: nothing deletes.
  package typealias Change = (key: [UInt8], value: [UInt8]?)

  /// A run that starts with an empty directory.
  ///
  /// - Parameters:
  ///   - name: for reports.
  ///   - setup: where it runs.
  ///   - stale: what the blocks of new files hold.
  ///   - isOtherLife: the run only makes stale contents.
  package init(
    _ name: String,
    _ setup: WorkloadSetup,
    stale: StaleContents = StaleContents(),
    isOtherLife: Bool = false
  ) {
    self.name = name
    self.setup = setup
    self.stale = stale
    policy = setup.policy
    options = setup.options(isOtherLife: isOtherLife)
    recorder = TraceRecorder(policy: setup.policy)
    directory = SimulatedDirectory(setup.hardware, recorder: recorder, stale: stale)
  }

  /// A run that goes on where another one's process died after some of its events.
  ///
  /// The machine lives on: everything that was stored is seen, and no more certain than it was.
  package init(
    afterDeathOf other: Workload,
    at position: Int,
    policy: CopyPolicy? = nil
  ) {
    name = "\(other.name), killed after event \(position)"
    setup = other.setup
    stale = other.stale
    options = other.options
    history = other.history
    self.policy = policy ?? other.policy
    (recorder, directory) = Self.restart(
      other.trace.prefix(position),
      self.policy,
      setup,
      stale,
      evicting: false
    )
  }

  /// A run that starts with the image that a crash left and that shows `step` of `history`.
  init(after image: CrashImage, of other: Workload, showing step: Int, stored: Int) {
    name = "\(other.name), crashed"
    setup = other.setup
    stale = other.stale
    options = other.options
    policy = other.policy
    inheritedKeys = other.allKeys
    recorder = TraceRecorder(
      policy: policy,
      continuing: Trace(initialFiles: image.initialFiles)
    )
    let entries = image.files.enumerated().map { (number, file) in
      var entry = file.entry
      entry.number = number
      entry.memory = file.file.memory.copy()
      return entry
    }
    directory = SimulatedDirectory(
      setup.hardware,
      recorder: recorder,
      entries: entries,
      stale: stale
    )
    let start = history.append(
      other.history.states[step],
      sequence: other.history.sequence(upTo: stored)
    )
    history.notePast(of: other.history, upTo: step)
    mark(.begun(start))
    mark(.synced(start))
  }

  /// A new process behind the one that made `trace`, on the same machine.
  private static func restart(
    _ trace: Trace,
    _ policy: CopyPolicy,
    _ setup: WorkloadSetup,
    _ stale: StaleContents,
    evicting: Bool
  ) -> (TraceRecorder, SimulatedDirectory) {
    var trace = trace
    trace.append(.death)
    if evicting { trace.append(.eviction) }
    let replay = MediumReplay(trace, on: setup.hardware)
    while replay.position < trace.events.count { replay.step() }
    let recorder = TraceRecorder(policy: policy, continuing: trace)
    return (
      recorder,
      SimulatedDirectory(
        setup.hardware,
        recorder: recorder,
        entries: replay.visibleFiles(),
        stale: stale
      )
    )
  }

  package var trace: Trace { recorder.trace }
  package var eventCount: Int { recorder.eventCount }
  private var allKeys: Set<[UInt8]> { history.keys.union(inheritedKeys) }

  var oracle: Oracle {
    Oracle(
      options: options,
      hardware: setup.hardware,
      stale: stale,
      keys: allKeys.sorted { $0.lexicographicallyPrecedes($1) }
    )
  }

  /// What the files hold now, for another life.
  package func leftBehind(as kind: StaleKind) -> StaleContents {
    StaleContents(kind, leftBy: directory.entries)
  }

  // MARK: Openings

  /// Opens the store: a new one, or one that was closed in order.
  package func open() throws {
    if history.states.isEmpty { begin([]) }
    store = try Store(writingIn: directory, options: options)
    if history.states.count == 1 { mark(.synced(0)) }
  }

  /// Opens the store after a crash, and holds it to what it found there.
  package func recover() throws {
    if allowedNow().highest < 0 { begin([]) }
    var allowed = allowedNow()
    // Memory outlives a process, and what it had stored with it.
    if setup.hardware != .disk { allowed.lowest = max(allowed.lowest, allowed.returned) }
    let store = try Store(writingIn: directory, options: options)
    self.store = store
    contents = try oracle.contents(of: store)
    let fingerprint = History.fingerprint(of: contents)
    guard history.step(ofFingerprint: fingerprint, in: allowed) != nil else {
      throw Violation(
        "recovery shows none of the states \(allowed.lowest)...\(allowed.highest): \(contents)"
      )
    }
    let first = Oracle.newestHeader(directory.entries)?.firstSequence ?? 1
    let used = history.sequence(upTo: allowed.stored)
    let wasClosed = try store.statistics().wasClosed
    if !wasClosed, first <= used {
      throw Violation("recovery starts at sequence \(first), but \(used) may have been used")
    }
    sequence = wasClosed ? used : first - 1
    let step = history.append(contents, sequence: sequence)
    mark(.begun(step))
    mark(.synced(step))
  }

  /// What a workload does after a crash, before it is crashed again.
  package func doFirstWrites() throws {
    try recover()
    try put(Self.afterKey, Array("1".utf8), .durable)
    try put(Self.afterKey, Array("two, a little longer".utf8), .buffered)
    try put(Self.behindKey, Array("3".utf8), .buffered)
    try sync()
  }

  /// Ends the process without a word; the machine lives on, and another process may copy otherwise.
  ///
  /// - Parameters:
  ///   - policy: of the next process.
  ///   - evicting: pages that could not be written leave the page cache.
  package func kill(policy: CopyPolicy? = nil, evicting: Bool = false) {
    store = nil
    feeds = [:]
    self.policy = policy ?? self.policy
    (recorder, directory) = Self.restart(
      recorder.trace,
      self.policy,
      setup,
      stale,
      evicting: evicting
    )
  }

  /// Closes the store.
  package func close() throws {
    try opened.close()
    store = nil
    mark(.closed(history.states.count - 1))
  }

  // MARK: Steps

  package func put(_ key: [UInt8], _ value: [UInt8], _ durability: Durability = .buffered) throws {
    try commit([(key, value)], durability) { try $0.put(key, value, durability: durability) }
  }

  package func put(_ key: String, _ value: String, _ durability: Durability = .buffered) throws {
    try put(Array(key.utf8), Array(value.utf8), durability)
  }

  package func delete(_ key: [UInt8], _ durability: Durability = .buffered) throws {
    // What is not there takes no sequence.
    guard contents[key] != nil else {
      try opened.delete(key, durability: durability)
      if durability == .durable { mark(.synced(history.states.count - 1)) }
      return
    }
    try commit([(key, nil)], durability) { try $0.delete(key, durability: durability) }
  }

  package func delete(_ key: String, _ durability: Durability = .buffered) throws {
    try delete(Array(key.utf8), durability)
  }

  /// A transaction; deletes only what is there or was put by it.
  package func transaction(_ changes: [Change], _ durability: Durability = .buffered) throws {
    try commit(changes, durability) { store in
      try store.transaction(durability: durability) { transaction in
        for (key, value) in changes {
          if let value { try transaction.put(key, value) } else { try transaction.delete(key) }
        }
      }
    }
  }

  package func sync() throws {
    try opened.sync()
    mark(.synced(history.states.count - 1))
  }

  /// Compacts; everything that was committed is durable then.
  package func compact(sealingAlways: Bool) throws {
    // A closed store is not closed any more once its last segment has a successor.
    mark(.begun(history.states.count - 1))
    try opened.compact(sealingAlways: sealingAlways)
    // Behind a drop it deletes, which takes sequences and changes nothing that is seen.
    sequence = max(sequence, try opened.statistics().newestSequence)
    if sequence > history.sequence(upTo: history.states.count - 1) { begin([]) }
    mark(.synced(history.states.count - 1))
  }

  /// Writes an index image; everything that was committed is durable then.
  package func writeImage(meanwhile changes: () throws -> Void) throws {
    var failure: (any Error)?
    try opened.writeIndexImage {
      do { try changes() } catch { failure = error }
    }
    if let failure { throw failure }
    mark(.synced(history.states.count - 1))
  }

  /// Writes what was changed behind the index image.
  package func writeChanges() throws {
    try opened.writeIndexChanges()
  }

  /// Compacts some segments.
  ///
  /// - Parameter change: called now and then meanwhile.
  /// - Throws: what `change` or the store throws.
  package func compactSome(meanwhile change: () throws -> Void) throws {
    // As for `compact(sealingAlways:)`.
    mark(.begun(history.states.count - 1))
    var failure: (any Error)?
    _ = try opened.compactSome {
      do { if failure == nil { try change() } } catch { failure = error }
    }
    if let failure { throw failure }
  }

  // MARK: Questions

  /// Where `key` stands, by the store itself.
  package func sequence(of key: [UInt8]) throws -> UInt64 {
    var found: UInt64 = 0
    try opened.forEach(prefix: key) { _, _, location in
      found = location.sequence
      return .stop
    }
    return found
  }

  /// What has a name now, as a process sees it.
  var files: [SimulatedDirectory.Entry] { directory.entries }

  /// The bytes of the first file, as a process sees them.
  var firstFile: [UInt8] { directory.entries.first?.memory.contents ?? [] }

  /// Keys that have a value.
  package var liveKeys: [[UInt8]] { contents.keys.sorted { $0.lexicographicallyPrecedes($1) } }

  /// The sequence of the newest step, as the history counts.
  package var countedSequence: UInt64 { sequence }

  var opened: Store {
    guard let store else { preconditionFailure("the workload has no open store") }
    return store
  }

  // MARK: Marks

  @discardableResult
  private func begin(_ changes: [Change]) -> Int {
    for (key, value) in changes { contents[key] = value }
    if !changes.isEmpty { sequence += 1 }
    let step = history.append(contents, sequence: sequence)
    mark(.begun(step))
    return step
  }

  /// One step of the history, or none where the medium is full.
  func commit(
    _ changes: [Change],
    _ durability: Durability,
    _ call: (Store) throws -> Void
  ) throws {
    let before = (contents: contents, sequence: sequence)
    let step = begin(changes)
    do { try call(opened) } catch {
      if let error = error as? StoreError, case .full = error {
        (contents, sequence) = before
        history.retract(step, to: before.contents, sequence: before.sequence)
      }
      throw error
    }
    mark(durability == .durable ? .synced(step) : .returned(step))
  }

  func mark(_ mark: Trace.Mark) { recorder.append(.mark(mark)) }

  private func allowedNow() -> History.Allowed {
    trace.events.reduce(into: History.Allowed()) { allowed, event in allowed.take(event) }
  }
}
