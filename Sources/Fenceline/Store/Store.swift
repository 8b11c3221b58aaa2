// A store: opening, closing, and the two locks. Readers take none; whoever writes holds the write
// lock, and a second process is kept out by the directory's.

internal import CFlush
internal import CPlatform
internal import JournalFormat
internal import PersistentMemory
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
  let indexUpdate: IndexUpdate
  let maintenance: Maintenance
  let snapshots: SnapshotRegistry
  let groupCommit = GroupCommit()
  /// By which values expire.
  let clock: ExpiryClock
  /// Wakes those who wait for changes.
  let signal = ChangeSignal()
  /// Keeps a handle that only reads up with whoever writes.
  let follower: JournalFollower?
  /// A handle on the past shows nothing of later transactions.
  let shownSequence: UInt64

  /// Takes over what an opening found; see Store+Opening.swift.
  init(
    _ directory: any StoreDirectory,
    _ opening: JournalOpening,
    _ options: StoreOptions,
    storeID: StoreID,
    isReadOnly: Bool,
    writer: consuming ForkSafeMutex<JournalWriter?>,
    pastSequence: UInt64? = nil
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
    shownSequence = pastSequence ?? .max
    clock = ExpiryClock(
      options.segmentOptions.clock,
      notBefore: opening.map.segments.map(\.header),
      isStopped: pastSequence != nil
    )
    let follows = isReadOnly && pastSequence == nil
    follower = follows ? JournalFollower(opening, in: directory, order, access, snapshots) : nil
    // A writer has noted more: behind a crash sequences go on higher than what was found.
    if isReadOnly, let newest = pastSequence ?? opening.newestSequenceFound {
      map.committedSequence.store(newest, ordering: .releasing)
    }
    let changes = ChangeFiles(
      map: map,
      index: index,
      directory: directory,
      storeID: storeID,
      hashSeed: hashSeed,
      writer: access,
      fewestChanges: options.segmentOptions.fewestChanges,
      continuing: opening.changes
    )
    let compactor = Compactor(
      map: map,
      index: index,
      order: order,
      epochs: epochs,
      directory: directory,
      options: options.segmentOptions,
      retention: options.retainedJournalBytes,
      storeID: storeID,
      hashSeed: hashSeed,
      writer: access,
      changes: changes
    )
    let imager = IndexImager(
      map: map,
      index: index,
      directory: directory,
      storeID: storeID,
      hashSeed: hashSeed,
      writer: access,
      changes: changes
    )
    let update = IndexUpdate(
      map: map,
      index: index,
      epochs: epochs,
      snapshots: snapshots,
      path: path
    )
    indexUpdate = update
    let policy = IndexImagePolicy(smallestJournal: options.segmentOptions.smallestImagedJournal)
    maintenance = Maintenance(
      compactor,
      ExpirySweep(update: update, clock: clock, hashSeed: hashSeed, writer: access),
      NamespaceSweep(update: update, hashSeed: hashSeed, writer: access),
      IndexImages(imager, policy, opening.imageHeader),
      compacts: options.compactsInBackground && !isReadOnly,
      writesImages: options.writesIndexImages && !isReadOnly
    )
  }

  deinit {
    // A child made by fork() has no such thread.
    if !writer.isForked { maintenance.stop() }
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

  /// Starts to load what a write to a key will need.
  ///
  /// A call: in line, who holds the store would count a reference of the index.
  ///
  /// - Returns: the key's hash.
  @inline(never)
  func beginLookup(of key: RawSpan) -> UInt64 {
    let hash = hash(key)
    index.prefetch(hash)
    return hash
  }
}
