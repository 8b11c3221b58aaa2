// A store: opening, closing, and the two locks. Readers take none; whoever writes holds the write
// lock, and a second process is kept out by the directory's.

internal import CFlush
internal import CPlatform
internal import JournalFormat
package import PersistentMemory
internal import Synchronization
public import SystemPackage

/// A journaling key-value store in a directory.
///
/// Keys and values are byte strings. Every committed transaction is one step of one history; after
/// any crash the store opens to the state after some prefix of that history, which holds everything
/// that a returned ``sync(_:)`` or durable commit covered.
///
/// A store may be used from any number of threads. Reads never wait for writes.
///
/// It belongs to the process that opened it. In a child made by `fork()` every call gives
/// ``StoreError/forked``, and the lock stays with the parent; the child opens the store anew, for
/// reading, or for writing once the parent has closed it.
public final class Store: Sendable {
  /// Bytes of the longest key.
  public static let maximumKeyLength = RecordLimit.keyLength
  /// Bytes of the longest value.
  public static let maximumValueLength = RecordLimit.valueLength

  /// The store's directory.
  public let path: FilePath
  /// Whether this handle can write.
  public let isReadOnly: Bool

  let directory: any StoreDirectory
  let map: SegmentMap
  let index: HashIndex
  let epochs: ReaderEpochs
  let hashSeed: UInt64
  let damage: [StoreDamage]
  let recovery: RecoveryReport
  /// What is wrong with bytes that are kept for emergencies only.
  let spareFindings: [StoreError]
  let storeID: StoreID
  let bufferedSurvival: Survival
  let durableSurvival: Survival
  private let writer: Mutex<JournalWriter?>
  private let writingThread = Atomic<UInt64>(0)
  /// The generation of the process that opened the store; `closed` once it is closed.
  private let openGeneration = Atomic<UInt64>(cp_fork_generation())
  private static let closed = UInt64.max

  // MARK: Opening

  /// Opens the store at `path` for reading and writing, and creates it where there is none.
  ///
  /// - Parameters:
  ///   - path: the store's directory.
  ///   - options: what to create and what to insist on.
  /// - Returns: the store; nobody else can open it for writing until it is closed or let go.
  /// - Throws: ``StoreError/locked(_:)`` at once where another handle writes;
  ///   ``StoreError/notAStore(_:)`` for a directory with other files;
  ///   ``StoreError/corrupt(file:offset:cause:)`` where the journal is damaged (it still opens for
  ///   reading); ``StoreError/insufficientDurability(required:offered:)``; and what the medium
  ///   says.
  /// - Durability: what an earlier process committed and this one found is durable on return.
  /// - Complexity: O(journal): it is read once, in parallel over segments.
  public static func open(
    at path: FilePath,
    options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    if try Self.isDirectory(path) {
      try Self.requireStore(at: path, orEmpty: options.createsIfMissing)
    } else {
      guard options.createsIfMissing else { throw .noStore(path) }
      do throws(MediumError) { try FileSystemDirectory.create(path) } catch {
        // Someone else was quicker; whose store it becomes is decided by the lock.
        guard error.operation == "mkdir", error.cause == .fileExists else {
          throw StoreError(error)
        }
      }
    }
    let directory = try translatingErrors { () throws(MediumError) in
      try FileSystemDirectory(
        path: path,
        writable: true,
        guardsReads: options.handlesMemoryErrors
      )
    }
    return try Store(writingIn: directory, options: options)
  }

  /// Opens the store at `path` for reading.
  ///
  /// Changes nothing, works in a read-only directory and beside a writer, and shows the state of
  /// the moment of opening.
  ///
  /// - Parameters:
  ///   - path: the store's directory.
  ///   - options: what to insist on.
  /// - Returns: a store that refuses every write with ``StoreError/readOnly``.
  /// - Throws: ``StoreError/noStore(_:)``, or what the medium says. Damage does not keep a store
  ///   from being read: what it concerns is refused when it is asked for.
  /// - Complexity: O(journal).
  public static func openReadOnly(
    at path: FilePath,
    options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    guard try Self.isDirectory(path) else { throw .noStore(path) }
    let directory = try translatingErrors { () throws(MediumError) in
      try FileSystemDirectory(
        path: path,
        writable: false,
        guardsReads: options.handlesMemoryErrors
      )
    }
    return try Store(readingIn: directory, options: options)
  }

  /// Opens a store in any kind of directory for writing; tests bring simulated ones.
  package convenience init(
    writingIn directory: any StoreDirectory,
    options: StoreOptions
  ) throws(StoreError) {
    try Self.check(directory.medium, options)
    var opening = try JournalOpening(reading: directory)
    if opening.isEmpty {
      guard options.createsIfMissing else { throw .noStore(directory.path) }
      guard opening.foreignNames.isEmpty else { throw .notAStore(directory.path) }
    }
    let journal = try opening.beginWriting(in: directory, options: options.segmentOptions)
    let storeID = journal.storeID
    self.init(directory, opening, storeID: storeID, isReadOnly: false, writer: Mutex(journal))
  }

  /// Opens a store in any kind of directory for reading.
  package convenience init(
    readingIn directory: any StoreDirectory,
    options: StoreOptions
  ) throws(StoreError) {
    try Self.check(directory.medium, options)
    let opening = try JournalOpening(reading: directory)
    guard let storeID = opening.storeID else { throw .noStore(directory.path) }
    self.init(directory, opening, storeID: storeID, isReadOnly: true, writer: Mutex(nil))
  }

  private init(
    _ directory: any StoreDirectory,
    _ opening: JournalOpening,
    storeID: StoreID,
    isReadOnly: Bool,
    writer: consuming Mutex<JournalWriter?>
  ) {
    path = directory.path
    self.isReadOnly = isReadOnly
    self.directory = directory
    map = opening.map
    index = opening.index
    epochs = opening.epochs
    hashSeed = opening.hashSeed
    bufferedSurvival = directory.medium.buffered
    durableSurvival = directory.medium.synced
    // Writing begins only where there is none.
    damage = opening.damage
    recovery = opening.report
    spareFindings = opening.spareFindings
    self.storeID = storeID
    self.writer = writer
  }

  private static func check(
    _ medium: MediumDescription,
    _ options: StoreOptions
  ) throws(StoreError) {
    guard medium.synced >= options.requiredSurvival else {
      throw .insufficientDurability(required: options.requiredSurvival, offered: medium.synced)
    }
  }

  // MARK: Closing

  /// Makes everything durable and ends the journal in order, so that damage done to the files later
  /// is always recognised.
  ///
  /// Further calls give ``StoreError/closed``. Closing again does nothing.
  ///
  /// A store that is let go without being closed loses nothing that was synced.
  ///
  /// - Throws: what the medium says; the store is closed all the same.
  /// - Durability: everything committed is durable on return.
  public func close() throws(StoreError) {
    // What a child has is a copy: nothing to write, no lock to give up.
    guard !isForked else { return }
    guard writingThread.load(ordering: .relaxed) != fl_thread_id() else { throw .nestedWrite }
    defer { directory.unlock() }
    try writer.withLock { (journal) throws(StoreError) in
      let generation = openGeneration.exchange(Self.closed, ordering: .acquiringAndReleasing)
      guard generation != Self.closed else { return }
      defer { journal = nil }
      try journal?.close()
    }
  }

  // MARK: Locks

  /// Runs `body` with the append right.
  @inline(__always)
  func withWriter<R>(
    _ body: (inout JournalWriter) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    // Before the lock, which nobody gives up in a child.
    try checkOpen()
    let thread = fl_thread_id()
    guard writingThread.load(ordering: .relaxed) != thread else { throw .nestedWrite }
    return try writer.withLock { (journal) throws(StoreError) in
      writingThread.store(thread, ordering: .relaxed)
      defer { writingThread.store(0, ordering: .relaxed) }
      try checkOpen()
      guard let result = try journal?.lend(to: body) else { throw .readOnly }
      return result
    }
  }

  @inline(__always)
  func checkOpen() throws(StoreError) {
    let generation = openGeneration.load(ordering: .acquiring)
    guard generation == cp_fork_generation() else {
      throw generation == Self.closed ? .closed : .forked
    }
  }

  private var isForked: Bool {
    let generation = openGeneration.load(ordering: .acquiring)
    return generation != Self.closed && generation != cp_fork_generation()
  }

  @inline(__always)
  func hash(_ key: RawSpan) -> UInt64 { Checksum.hash64(key, seed: hashSeed) }
}

extension JournalWriter {
  /// Runs `body` on the writer in place: moving it out of its lock and back would cost every put.
  @inline(__always)
  fileprivate mutating func lend<R>(
    to body: (inout JournalWriter) throws(StoreError) -> R
  ) throws(StoreError) -> sending R {
    try body(&self)
  }
}
