// Opening: for writing, for reading, and for reading a state of the past.

internal import JournalFormat
package import PersistentMemory
public import SystemPackage

extension Store {
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
    let directory = try Self.directoryToRead(path, options)
    return try Store(readingIn: directory, options: options)
  }

  /// Opens the store at `path` as it was behind a transaction, for reading.
  ///
  /// The handle stays at that moment: it does not follow a writer.
  ///
  /// - Parameters:
  ///   - path: the store's directory.
  ///   - sequence: of the transaction; 0 for the empty store before the first one.
  ///   - options: what to insist on.
  /// - Returns: a store that refuses every write with ``StoreError/readOnly``.
  /// - Throws: ``StoreError/pastIsGone(sequence:oldest:)`` where a compaction gave back what was there then;
  ///   ``StoreError/notYetWritten(sequence:newest:)``; and as ``openReadOnly(at:options:)``.
  /// - Complexity: O(journal): index images are of no use.
  public static func openReadOnly(
    at path: FilePath,
    asOf sequence: UInt64,
    options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    let directory = try Self.directoryToRead(path, options)
    return try Store(readingIn: directory, asOf: sequence, options: options)
  }

  static func directoryToRead(
    _ path: FilePath,
    _ options: StoreOptions
  ) throws(StoreError) -> FileSystemDirectory {
    guard try isDirectory(path) else { throw .noStore(path) }
    return try translatingErrors { () throws(MediumError) in
      try FileSystemDirectory(
        path: path,
        writable: false,
        guardsReads: options.handlesMemoryErrors
      )
    }
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
      guard options.createsIfMissing else { throw opening.absence(in: directory) }
      guard opening.foreignNames.isEmpty else {
        let absence = opening.absence(in: directory)
        throw absence == .noStore(directory.path) ? .notAStore(directory.path) : absence
      }
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
    // Dropped namespaces may have left something.
    let hadNamespaces = (try? catalogue.nextNumber()) ?? 1 > 1
    if map.segments.count > 1 || hadNamespaces || maintenance.expirySweep.nextDue != nil {
      maintenance.request()
    }
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
    try self.init(readingIn: directory, opening, options)
  }

  /// Opens a past state of a store in any kind of directory.
  package convenience init(
    readingIn directory: any StoreDirectory,
    asOf sequence: UInt64,
    options: StoreOptions
  ) throws(StoreError) {
    try Self.check(directory.medium, options)
    try self.init(
      readingIn: directory,
      try JournalOpening.read(directory, asOf: sequence),
      options,
      pastSequence: sequence
    )
  }

  private convenience init(
    readingIn directory: any StoreDirectory,
    _ opening: JournalOpening,
    _ options: StoreOptions,
    pastSequence: UInt64? = nil
  ) throws(StoreError) {
    guard let storeID = opening.storeID else { throw opening.absence(in: directory) }
    self.init(
      directory,
      opening,
      options,
      storeID: storeID,
      isReadOnly: true,
      writer: ForkSafeMutex(nil),
      pastSequence: pastSequence
    )
  }

  private static func check(
    _ medium: MediumDescription,
    _ options: StoreOptions
  ) throws(StoreError) {
    guard medium.synced >= options.requiredSurvival else {
      throw .insufficientDurability(required: options.requiredSurvival, offered: medium.synced)
    }
  }
}
