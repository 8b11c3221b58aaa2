// A program that uses a store on a recorded medium and says, with marks in the trace, what a crash
// may and must show from there on.
//
// Invariants:
//   a step is marked as begun before the store is asked for it, and as synced after the store said so
//   sequences are counted here as the format defines them, one per transaction from the first of
//   the segment that an opening created, so a reissued one is noticed

package import Fenceline
internal import Glibc
internal import JournalFormat
internal import PersistentMemory

/// A recorded run of a store.
package final class Workload {
  package let name: String
  package let policy: CopyPolicy
  package private(set) var history = History()
  /// What was asked of the store, with the number of the first event of each call.
  package private(set) var program: [String] = []
  private let recorder: TraceRecorder
  private let directory: SimulatedDirectory
  private var store: Store?
  private var contents: StoreContents = [:]
  private var sequence: UInt64 = 0
  private let options: StoreOptions

  /// A key or nothing: nothing deletes.
  package typealias Change = (key: [UInt8], value: [UInt8]?)

  /// Small segments, so that an image is opened quickly and rotation is near.
  package static func smallOptions(segmentSize: Int = 8192) -> StoreOptions {
    var options = StoreOptions()
    options.handlesMemoryErrors = false
    options.segmentOptions.smallest = segmentSize
    options.segmentOptions.largest = max(segmentSize, 16384)
    return options
  }

  /// A run that starts with an empty directory.
  package init(
    _ name: String,
    policy: CopyPolicy,
    options: StoreOptions = Workload.smallOptions()
  ) {
    self.name = name
    self.policy = policy
    self.options = options
    recorder = TraceRecorder(policy: policy)
    directory = SimulatedDirectory(recorder: recorder)
  }

  /// A run that goes on where another one's process died after some of its events.
  ///
  /// The machine lives on: everything that was stored is seen, and no more certain than it was.
  package init(afterDeathOf other: Workload, at position: Int) {
    name = "\(other.name), killed after event \(position)"
    policy = other.policy
    options = other.options
    history = other.history
    program = other.program + ["killed"]
    var trace = other.trace.prefix(position)
    trace.append(.death)
    let replay = MediumReplay(trace, streamsBypassCache: true)
    for _ in 0...position { replay.step() }
    recorder = TraceRecorder(policy: policy, continuing: trace)
    directory = SimulatedDirectory(recorder: recorder, files: replay.visibleFiles())
  }

  /// A run that starts with the image that a crash left and that shows `step` of `history`.
  init(after image: CrashImage, of other: Workload, showing step: Int, stored: Int) {
    name = "\(other.name), crashed"
    policy = other.policy
    options = other.options
    recorder = TraceRecorder(
      policy: policy,
      continuing: Trace(initialFiles: image.initialFiles)
    )
    directory = SimulatedDirectory(
      recorder: recorder,
      files: image.files.enumerated().map {
        ($1.name, $0, FileMemory(copying: $1.file.memory))
      }
    )
    let start = history.append(
      other.history.states[step],
      sequence: other.history.sequence(upTo: stored)
    )
    mark(.begun(start))
    mark(.synced(start))
  }

  package var trace: Trace { recorder.trace }
  package var eventCount: Int { recorder.eventCount }
  var storeOptions: StoreOptions { options }

  // MARK: Steps

  /// Opens the store: a new one, or one that was closed in order.
  package func open() throws {
    note("open")
    if history.states.isEmpty { begin([]) }
    store = try Store(writingIn: directory, options: options)
    if history.states.count == 1 { mark(.synced(0)) }
  }

  /// Opens the store after a crash, and holds it to what it found there.
  package func recover() throws {
    note("recover")
    if allowedNow().highest < 0 { begin([]) }
    let allowed = allowedNow()
    let store = try Store(writingIn: directory, options: options)
    self.store = store
    let oracle = Oracle(options: options, keys: history.keys)
    contents = try oracle.read(store)
    let fingerprint = History.fingerprint(of: contents)
    guard history.step(ofFingerprint: fingerprint, in: allowed) != nil else {
      throw Violation("recovery shows \(contents), which is none of the states \(allowed)")
    }
    let first =
      directory.files.last { SegmentName.id(of: $0.name) != nil }
      .flatMap { $0.memory.withBytes { SegmentHeader(decoding: $0) } }?.firstSequence ?? 1
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

  package func put(_ key: [UInt8], _ value: [UInt8], _ durability: Durability = .buffered) throws {
    note("put \(key.count)+\(value.count) \(durability)")
    let step = begin([(key, value)])
    try opened.put(key, value, durability: durability)
    end(step, durability)
  }

  package func put(_ key: String, _ value: String, _ durability: Durability = .buffered) throws {
    try put(Array(key.utf8), Array(value.utf8), durability)
  }

  package func delete(_ key: [UInt8], _ durability: Durability = .buffered) throws {
    note("delete \(key.count) \(durability)")
    // What is not there takes no sequence.
    guard contents[key] != nil else {
      try opened.delete(key, durability: durability)
      if durability == .durable { mark(.synced(history.states.count - 1)) }
      return
    }
    let step = begin([(key, nil)])
    try opened.delete(key, durability: durability)
    end(step, durability)
  }

  package func delete(_ key: String, _ durability: Durability = .buffered) throws {
    try delete(Array(key.utf8), durability)
  }

  /// A transaction; deletes only what is there or was put by it.
  package func transaction(_ changes: [Change], _ durability: Durability = .buffered) throws {
    let shape = changes.map { "\($0.key.count)+\($0.value.map { String($0.count) } ?? "gone")" }
    note("transaction \(shape.joined(separator: " ")) \(durability)")
    let step = begin(changes)
    try opened.transaction(durability: durability) { transaction in
      for (key, value) in changes {
        if let value { try transaction.put(key, value) } else { try transaction.delete(key) }
      }
    }
    end(step, durability)
  }

  package func sync() throws {
    note("sync")
    try opened.sync()
    mark(.synced(history.states.count - 1))
  }

  package func close() throws {
    note("close")
    try opened.close()
    store = nil
    mark(.synced(history.states.count - 1))
  }

  /// Ends the process without a word; the machine lives on.
  package func kill() {
    note("kill")
    recorder.append(.death)
    store = nil
  }

  /// Whether the medium has room for another segment.
  package func setMediumFull(_ isFull: Bool) { directory.setFull(isFull) }

  /// Asks for a put that the medium has no room for.
  ///
  /// - Returns: whether it was refused as it should be.
  package func putIsRefused(_ key: [UInt8], _ value: [UInt8]) -> Bool {
    note("put \(key.count)+\(value.count) into a full medium")
    do throws(StoreError) {
      try opened.put(key, value)
      return false
    } catch {
      guard case .full = error else { return false }
      return true
    }
  }

  /// Where `key` stands, by the store itself.
  package func sequence(of key: [UInt8]) throws -> UInt64 {
    var found: UInt64 = 0
    try opened.forEach(prefix: key) { _, _, location in
      found = location.sequence
      return .stop
    }
    return found
  }

  /// Keys that have a value.
  package var liveKeys: [[UInt8]] { contents.keys.sorted { $0.lexicographicallyPrecedes($1) } }

  /// The sequence of the newest step, as the history counts.
  package var countedSequence: UInt64 { sequence }

  private func note(_ call: String) { program.append("\(eventCount) \(call)") }

  private var opened: Store {
    guard let store else { preconditionFailure("the workload has no open store") }
    return store
  }

  @discardableResult
  private func begin(_ changes: [Change]) -> Int {
    for (key, value) in changes { contents[key] = value }
    if !changes.isEmpty { sequence += 1 }
    let step = history.append(contents, sequence: sequence)
    mark(.begun(step))
    return step
  }

  private func end(_ step: Int, _ durability: Durability) {
    if durability == .durable { mark(.synced(step)) }
  }

  private func mark(_ mark: Trace.Mark) { recorder.append(.mark(mark)) }

  private func allowedNow() -> History.Allowed {
    trace.events.reduce(into: History.Allowed()) { allowed, event in allowed.take(event) }
  }

  // MARK: Threads

  /// Runs `body` on a thread of its own and waits for it: what it stores and flushes is completed
  /// by no other thread's fence.
  package func onNewThread(_ body: @escaping () throws -> Void) throws {
    let box = ThreadBox(body)
    var thread: pthread_t = 0
    let status = unsafe pthread_create(
      &thread,
      nil,
      { argument in
        // SAFETY: the argument is the box, which the waiting caller holds.
        let box = unsafe Unmanaged<ThreadBox>.fromOpaque(argument.unsafelyUnwrapped)
          .takeUnretainedValue()
        box.run()
        return nil
      },
      Unmanaged.passUnretained(box).toOpaque()
    )
    precondition(status == 0, "no thread to be had")
    pthread_join(thread, nil)
    try box.result?.get()
  }

  private final class ThreadBox {
    private let body: () throws -> Void
    private(set) var result: Result<Void, any Error>?

    init(_ body: @escaping () throws -> Void) { self.body = body }

    func run() { result = Result { try body() } }
  }
}
