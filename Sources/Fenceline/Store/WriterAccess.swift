// The append right, and who may ask for it: one thread at a time, in the process that opened the store,
// until it is closed. Shared by the store and its background work, which must not keep the store alive.

internal import CFlush
internal import CPlatform
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Lends the journal's writer.
final class WriterAccess: Sendable {
  private let writer: ForkSafeMutex<JournalWriter?>
  private let writingThread = Atomic<UInt64>(0)
  /// The generation of the process that opened the store; `closed` once it is closed.
  private let openGeneration = Atomic<UInt64>(cp_fork_generation())
  private static let closed = UInt64.max
  /// A segment was filled since somebody last asked.
  private let hasNewSegment = Atomic<Bool>(false)
  /// Where the journal ended when the right was last given back, as a `JournalPosition`; 0 before that.
  private let lastEnd = Atomic<UInt64>(0)

  init(_ writer: consuming ForkSafeMutex<JournalWriter?>) { self.writer = writer }

  /// Runs `body` with the append right.
  ///
  /// - Parameters:
  ///   - patiently: for a background thread that asks for it again and again.
  ///   - body: must not ask for it.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws; as ``checkOpen()``, ``StoreError/nestedWrite`` or ``StoreError/readOnly``.
  @inline(__always)
  func withWriter<R>(
    patiently: Bool = false,
    _ body: (inout JournalWriter) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    // Before the lock, which nobody gives up in a child.
    try checkOpen()
    let thread = fl_thread_id()
    guard writingThread.load(ordering: .relaxed) != thread else { throw .nestedWrite }
    return try writer.withLock(patiently: patiently) { (journal) throws(StoreError) in
      writingThread.store(thread, ordering: .relaxed)
      defer { writingThread.store(0, ordering: .relaxed) }
      try checkOpen()
      guard let result = try journal?.lend(by: self, to: body) else { throw .readOnly }
      return result
    }
  }

  /// Lets others have the right first, for who needs it again and again.
  func letOthersIn() { writer.letOthersIn() }

  /// Takes note of what a borrower of the right has left.
  @inline(__always)
  fileprivate func noteReturn(_ journal: inout JournalWriter) {
    lastEnd.store(journal.end.rawValue, ordering: .releasing)
    guard journal.hasNewSegment else { return }
    journal.hasNewSegment = false
    hasNewSegment.store(true, ordering: .relaxed)
  }

  /// Where the newest segment's journal ended a moment ago; needs no right.
  var recentEnd: Int { JournalPosition(rawValue: lastEnd.load(ordering: .relaxed)).offset }

  /// End of the journal whose transactions the index shows, as a `JournalPosition`.
  var appliedEnd: UInt64 { lastEnd.load(ordering: .acquiring) }

  /// Notes how far a follower has brought the index, in the place of a writer.
  func noteApplied(_ end: JournalPosition) { lastEnd.store(end.rawValue, ordering: .releasing) }

  /// Whether a segment was filled since the last call.
  @inline(__always)
  func takeNewSegment() -> Bool {
    hasNewSegment.load(ordering: .relaxed) && hasNewSegment.exchange(false, ordering: .relaxed)
  }

  @inline(__always)
  func checkOpen() throws(StoreError) {
    let generation = openGeneration.load(ordering: .acquiring)
    guard generation == cp_fork_generation() else {
      throw generation == Self.closed ? .closed : .forked
    }
  }

  /// Refuses what a thread would wait for that only it can end.
  func checkNotNested() throws(StoreError) {
    guard writingThread.load(ordering: .relaxed) != fl_thread_id() else { throw .nestedWrite }
  }

  /// Whether this process is a child, made by `fork()`, of the one that opened the store.
  var isForked: Bool {
    let generation = openGeneration.load(ordering: .acquiring)
    return generation != Self.closed && generation != cp_fork_generation()
  }

  /// Ends the journal in order and takes the right away for good; does nothing the second time.
  func close() throws(StoreError) {
    try writer.withLock { (journal) throws(StoreError) in
      let generation = openGeneration.exchange(Self.closed, ordering: .acquiringAndReleasing)
      guard generation != Self.closed else { return }
      defer { journal = nil }
      try journal?.close()
    }
  }
}

extension JournalWriter {
  /// Runs `body` on the writer in place: every look into the optional from outside copies all of it.
  @inline(__always)
  fileprivate mutating func lend<R>(
    by access: WriterAccess,
    to body: (inout JournalWriter) throws(StoreError) -> R
  ) throws(StoreError) -> sending R {
    let result = try body(&self)
    access.noteReturn(&self)
    return result
  }
}
