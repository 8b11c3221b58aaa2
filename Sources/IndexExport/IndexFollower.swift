// An index that keeps up with its store. The public face of IndexUpdater.

public import Fenceline
public import SystemPackage

extension IndexExport {
  /// Brings the index at `path` to what `store` shows now, at a cost in proportion to what has changed
  /// since it was written.
  ///
  /// What was put and deleted is read from the store's change feed, what compactions have moved from
  /// the segments that they wrote. Afterwards every table is as ``write(_:to:progress:)`` would have
  /// written it.
  ///
  /// The index is changed in place, in one transaction of the database: who reads it meanwhile, with
  /// whatever program, sees the state before or the one behind, and a crash leaves one of the two. For
  /// the moment of the commit readers are locked out, as SQLite does it.
  ///
  /// Where there is no index, or compactions have taken what it lacks, or a crash has taken back what it
  /// shows, all of it is written anew, and takes its place in one step.
  ///
  /// - Parameters:
  ///   - store: as for ``write(_:to:progress:)``.
  ///   - path: the database's file.
  ///   - progress: gets the number of keys or entries so far, now and then; `.stop` ends the update.
  /// - Returns: what was done.
  /// - Throws: ``IndexExportError``; the index is as it was.
  /// - Durability: the index is durable on return. The store is not synced.
  /// - Complexity: O(m log n) for m changed and moved records of n, and O(segment) to find the first
  ///   one. Memory for the pages of the database that change.
  @discardableResult
  public static func update(
    _ store: Store,
    at path: FilePath,
    progress: (Int) -> IterationStep = { _ in .next }
  ) throws(IndexExportError) -> IndexUpdate {
    guard var updater = try IndexUpdater(store, at: path, follows: false) else {
      return .everything(try writeAll(store, to: path, progress: progress), .noIndex)
    }
    // Somebody may be reading from the log of one who follows.
    let outcome = try updater.step(rewriting: updater.isLogged, progress: progress)
    try updater.close()
    switch outcome {
    case .done(let update): return update
    case .needsEverything(let reason):
      return .everything(try writeAll(store, to: path, progress: progress), reason)
    }
  }
}

/// Brings an index up to date over and over, beside whoever writes to the store and reads the index.
///
/// While it follows, the database has a write-ahead log beside it, `-wal` and `-shm`: nobody who reads
/// waits, or is waited for. A whole state of the store is committed with each step; after a crash of the
/// machine the index shows one of them, perhaps not the last. The log goes with ``close()``, unless
/// somebody has the database open: then with the last who does.
public struct IndexFollower: ~Copyable {
  private var updater: IndexUpdater
  private var segments: [UInt32] = []

  /// Opens an index that exists.
  ///
  /// - Parameters:
  ///   - store: open for reading or writing; its handle has to follow the writer.
  ///   - path: the database's file.
  /// - Throws: ``IndexExportError``.
  public init(_ store: Store, at path: FilePath) throws(IndexExportError) {
    guard let updater = try IndexUpdater(store, at: path, follows: true) else {
      throw .system(operation: "open", path: path, cause: .noSuchFileOrDirectory)
    }
    self.updater = updater
  }

  /// Brings the index to what the store shows now.
  ///
  /// Where compactions have taken what it lacks, all of it is written anew, in place: the file stays the
  /// same for who reads it.
  ///
  /// - Parameter progress: as for ``IndexExport/update(_:at:progress:)``.
  /// - Returns: what was done; nil where nothing has changed, and nothing was written.
  /// - Throws: ``IndexExportError``; the index is as it was, and the next step tries again.
  /// - Durability: at the latest with ``close()``; until then a crash of the machine may leave an
  ///   earlier step's state.
  /// - Complexity: as there; O(segments) where nothing has changed.
  public mutating func step(
    progress: (Int) -> IterationStep = { _ in .next }
  ) throws(IndexExportError) -> IndexUpdate? {
    if updater.hasMoved { throw .replaced(updater.path) }
    let store = updater.store
    let (token, segments) = try IndexExport.reading { () throws(StoreError) in
      (try store.changeToken, try store.segments().map(\.number))
    }
    if token == updater.shown, segments == self.segments { return nil }
    guard case .done(let update) = try updater.step(rewriting: true, progress: progress) else {
      return nil
    }
    self.segments = segments
    return update
  }

  /// Ends following, and takes the log into the database where nobody reads.
  ///
  /// - Throws: ``IndexExportError``.
  public consuming func close() throws(IndexExportError) { try updater.close() }
}
