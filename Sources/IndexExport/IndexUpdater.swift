// An existing index, open to be changed in place.
//
// Invariant: each step is one transaction of the database, rows and token together. So whoever reads beside
// it sees the state before or the one behind, and a crash leaves one of the two.
//
//   once      rollback journal: the file is as before when it is closed, and one file; a reader keeps the
//             commit waiting, and the commit a reader, for a moment each
//   follows   write-ahead log: nobody waits for anybody; at the end it is taken into the file, if nobody
//             reads then, or by the last who does

internal import Fenceline
internal import SystemPackage

/// Brings an index up to date, step by step.
struct IndexUpdater: ~Copyable {
  /// What became of a step.
  enum Outcome {
    case done(IndexUpdate)
    /// All has to be written; nothing was changed.
    case needsEverything(IndexUpdate.Reason)
  }

  /// How long a step waits for others who have locked the database.
  private static let patience: Int32 = 5000

  let store: Store
  /// As the caller has named it.
  let path: FilePath
  /// Whether the database has a write-ahead log, so that it can be rewritten beside readers.
  let isLogged: Bool
  private let database: SQLiteConnection
  private var reader: FeedReader?
  /// What the tables showed at the end of the last step.
  private(set) var shown: ChangeToken?

  /// Opens an index; nil where there is none.
  ///
  /// - Throws: what keeps it from being updated; it is as it was.
  init?(_ store: Store, at path: FilePath, follows: Bool) throws(IndexExportError) {
    let target = ReplacementFile.resolve(path)
    guard let (start, _) = try ReplacementFile.start(ofFileAt: target), !start.isEmpty else {
      return nil
    }
    // SAFETY: a byte has no padding that reading its raw memory could show.
    guard let version = IndexSchema.version(ofFileWith: unsafe start.span.bytes) else {
      throw .notAnIndex(path)
    }
    guard version == IndexSchema.userVersion else {
      throw .otherVersion(path, version: version)
    }
    let database = try IndexExport.translating(path) { () throws(SQLiteError) in
      try SQLiteConnection(opening: target)
    }
    database.waitForLocks(milliseconds: Self.patience)
    let state = try IndexState(of: database, path)
    guard state.storeIdentifier == store.identifier else { throw .otherStore(path) }
    isLogged = try IndexExport.translating(path) { () throws(SQLiteError) in
      try database.execute(follows ? IndexSchema.followingSettings : IndexSchema.updatingSettings)
      return try Self.isLogged(database, follows: follows)
    }
    self.store = store
    self.path = path
    self.database = database
  }

  /// Gives the database its kind of journal, unless somebody who has it open stands against that.
  private static func isLogged(
    _ database: borrowing SQLiteConnection,
    follows: Bool
  ) throws(SQLiteError) -> Bool {
    do throws(SQLiteError) {
      try database.execute("PRAGMA journal_mode = \(follows ? "WAL" : "DELETE")")
    } catch {
      // SQLITE_BUSY.
      guard error.code & 0xff == 5 else { throw error }
    }
    let mode = try database.prepare("PRAGMA journal_mode")
    defer { mode.reset() }
    return try mode.step() && mode.text(0) == "wal"
  }

  /// Closes the database and says whether that worked.
  consuming func close() throws(IndexExportError) {
    if isLogged {
      // Only if nobody else has it open; the log is as good.
      database.waitForLocks(milliseconds: 0)
      _ = try? database.execute("PRAGMA journal_mode = DELETE")
    }
    let path = path
    try IndexExport.close(database, path)
  }

  /// Whether the file has no longer its name.
  var hasMoved: Bool { database.hasMoved }

  /// Brings the tables to the present.
  ///
  /// - Parameters:
  ///   - rewrites: where the past is gone, all is written anew in the same transaction.
  ///   - progress: gets the number of keys; can end it.
  /// - Returns: what was done, if it could be.
  /// - Throws: what went wrong; the tables are as they were, and the next step tries again.
  mutating func step(
    rewriting rewrites: Bool,
    progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> Outcome {
    let (oldReader, path) = (reader, path)
    try IndexExport.translating(path) { () throws(SQLiteError) in
      try database.execute("BEGIN IMMEDIATE")
    }
    do throws(IndexExportError) {
      let outcome = try change(rewriting: rewrites, progress)
      let isDone = if case .done = outcome { true } else { false }
      try IndexExport.translating(path) { () throws(SQLiteError) in
        try database.execute(isDone ? "COMMIT" : "ROLLBACK")
      }
      return outcome
    } catch {
      // SQLite may have done so itself.
      _ = try? database.execute("ROLLBACK")
      (reader, shown) = (oldReader, nil)
      throw error
    }
  }

  private mutating func change(
    rewriting rewrites: Bool,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> Outcome {
    let state = try IndexState(of: database, path)
    let reason: IndexUpdate.Reason
    do throws(IndexExportError) {
      if let update = try changes(from: state, progress) { return .done(update) }
      reason = state.token == nil ? .noToken : .anotherHistory
    } catch {
      switch error {
      case .store(.changesAreGone): reason = .changesAreGone
      case .store(.unknownToken): reason = .anotherHistory
      default: throw error
      }
    }
    guard rewrites else { return .needsEverything(reason) }
    return .done(try rewrite(reason, progress))
  }

  /// Reads on from what the tables show; nil where that leads nowhere.
  private mutating func changes(
    from state: IndexState,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> IndexUpdate? {
    guard let token = state.token else { return nil }
    // Somebody else may have brought it further.
    var reader = reader
    if token != shown { reader = nil }
    var next = reader ?? FeedReader(store.changeFeed(after: token, durability: .buffered))
    var step = IndexStep(store, path)
    let reached = try step.run(in: database, from: state, &next, progress)
    guard let reached else { return nil }
    (self.reader, shown) = (next, reached)
    return step.update
  }

  private mutating func rewrite(
    _ reason: IndexUpdate.Reason,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> IndexUpdate {
    try IndexExport.translating(path) { () throws(SQLiteError) in
      try database.execute(IndexSchema.deleteAll)
    }
    let (count, token) = try IndexExport.writeTables(of: store, to: database, path, progress)
    (reader, shown) = (nil, token)
    return .everything(count, reason)
  }
}

extension IndexUpdate {
  /// All of an index was written.
  static func everything(_ count: Int, _ reason: Reason) -> IndexUpdate {
    var update = IndexUpdate()
    update.extent = .everything(reason)
    (update.entryCount, update.writtenRowCount) = (count, count)
    return update
  }
}
