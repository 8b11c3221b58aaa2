// A store: opening, closing, and the two locks. Readers take none; whoever writes holds the write
// lock, and a second process is kept out by the directory's.

internal import CFlush
internal import CPlatform
internal import JournalFormat
package import PersistentMemory
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
  let order: OrderedIndex
  let epochs: ReaderEpochs
  let hashSeed: UInt64
  let damage: [StoreDamage]
  let recovery: RecoveryReport
  /// What is wrong with bytes that are kept for emergencies only.
  let spareFindings: [StoreError]
  let storeID: StoreID
  let bufferedSurvival: Survival
  let durableSurvival: Survival
  let writer: WriterAccess
  let maintenance: Maintenance
  let snapshots: SnapshotRegistry
  let groupCommit = GroupCommit()
  /// Wakes those who wait for changes.
  let signal = ChangeSignal()
  /// Keeps a handle that only reads up with whoever writes.
  let follower: JournalFollower?

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
  /// - Complexity: O(keys) beside an index image, and O(journal) for what was written since; O(journal)
  ///   without one. In parallel.
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
  /// Changes nothing, works in a read-only directory and beside a writer, and follows it: every read
  /// first takes note of what was written since, by any process. On persistent memory and tmpfs that is
  /// what was committed, on an ordinary file system what was synced or written behind. Each key only
  /// moves forward; closes, crashes, recoveries and compactions of the writer make no difference. A store
  /// that is damaged when it is opened is shown as it was then.
  ///
  /// - Parameters:
  ///   - path: the store's directory.
  ///   - options: what to insist on.
  /// - Returns: a store that refuses every write with ``StoreError/readOnly``.
  /// - Throws: ``StoreError/noStore(_:)``, or what the medium says. Damage does not keep a store
  ///   from being read: what it concerns is refused when it is asked for.
  /// - Complexity: O(segments) beside an index image, and O(journal) for what was written since; O(journal)
  ///   without one.
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
    var opening = try JournalOpening.read(
      directory,
      image: .load,
      hashSeed: options.segmentOptions.hashSeed
    )
    if opening.isEmpty {
      guard options.createsIfMissing else { throw .noStore(directory.path) }
      guard opening.foreignNames.isEmpty else { throw .notAStore(directory.path) }
    }
    let journal = try opening.beginWriting(in: directory, options: options.segmentOptions)
    let storeID = journal.storeID
    self.init(
      directory,
      opening,
      options,
      storeID: storeID,
      isReadOnly: false,
      writer: ForkSafeMutex(journal)
    )
    maintenance.compactor.keepReserve()
    let notesChanges =
      options.writesIndexImages || options.segmentOptions.fewestChanges != nil
    if !notesChanges { maintenance.images.imager.changes.end() }
    // Where the journal ends, for statistics.
    try withWriter { (_) throws(StoreError) in }
    if map.segments.count > 1 { maintenance.request() }
  }

  /// Opens a store in any kind of directory for reading.
  package convenience init(
    readingIn directory: any StoreDirectory,
    options: StoreOptions
  ) throws(StoreError) {
    try Self.check(directory.medium, options)
    let opening = try JournalOpening.read(
      directory,
      image: .lookUp,
      hashSeed: options.segmentOptions.hashSeed
    )
    guard let storeID = opening.storeID else { throw .noStore(directory.path) }
    self.init(
      directory,
      opening,
      options,
      storeID: storeID,
      isReadOnly: true,
      writer: ForkSafeMutex(nil)
    )
  }

  private init(
    _ directory: any StoreDirectory,
    _ opening: JournalOpening,
    _ options: StoreOptions,
    storeID: StoreID,
    isReadOnly: Bool,
    writer: consuming ForkSafeMutex<JournalWriter?>
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
    let access = WriterAccess(writer)
    self.writer = access
    order = OrderedIndex(map: map, index: index, epochs: epochs, writer: access)
    let snapshots = SnapshotRegistry()
    self.snapshots = snapshots
    follower = isReadOnly ? JournalFollower(opening, in: directory, order, access, snapshots) : nil
    let compactor = Compactor(
      map: map,
      index: index,
      order: order,
      epochs: epochs,
      directory: directory,
      options: options.segmentOptions,
      storeID: storeID,
      hashSeed: hashSeed,
      writer: access
    )
    let imager = IndexImager(
      map: map,
      index: index,
      directory: directory,
      storeID: storeID,
      hashSeed: hashSeed,
      writer: access,
      changes: ChangeFiles(
        map: map,
        index: index,
        directory: directory,
        storeID: storeID,
        hashSeed: hashSeed,
        writer: access,
        fewestChanges: options.segmentOptions.fewestChanges,
        continuing: opening.changes
      )
    )
    let policy = IndexImagePolicy(smallestJournal: options.segmentOptions.smallestImagedJournal)
    maintenance = Maintenance(
      compactor,
      IndexImages(imager, policy, opening.imageHeader),
      compacts: options.compactsInBackground && !isReadOnly,
      writesImages: options.writesIndexImages && !isReadOnly
    )
  }

  deinit {
    // A child made by fork() has no such thread.
    if !writer.isForked { maintenance.stop() }
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
    guard !writer.isForked else { return }
    try writer.checkNotNested()
    defer { directory.unlock() }
    maintenance.stop()
    maintenance.imageForNextOpening()
    defer { signal.end() }
    try writer.close()
  }

  // MARK: Locks

  /// Runs `body` with the append right.
  @inline(__always)
  func withWriter<R>(
    _ body: (inout JournalWriter) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let result = try writer.withWriter(body)
    signal.notify(of: self)
    if writer.takeNewSegment() || index.takeManyChanges() { maintenance.request() }
    return result
  }

  @inline(__always)
  func checkOpen() throws(StoreError) { try writer.checkOpen() }

  @inline(__always)
  func hash(_ key: RawSpan) -> UInt64 { Checksum.hash64(key, seed: hashSeed) }
}
