// From a store to a database file: a new file beside the target, one transaction, one rename.
//
// Invariants: the target is the old file or the complete new one, never anything else; the store is
// only read, and may be written to all the while; what is written shows the moment that its token names.

public import Fenceline
public import SystemPackage

/// Writes a store's entries, with their places in the journal, to an SQLite database.
///
/// The database explains itself: `.schema` in the `sqlite3` shell shows what each table, column and
/// view means. Reading it takes SQLite 3.31 or newer.
public enum IndexExport {
  /// Writes every live entry of `store`, its segments and its properties to a database at `path`.
  ///
  /// An index that stands at `path` is replaced in one step when the new one is complete; another
  /// file is not, unless it is empty. A link is followed. The new file can be read by its owner
  /// only, or by whoever could read the old one.
  ///
  /// The store may be written to meanwhile, by this process or another: the index shows one moment of
  /// the call. The bytes of what is not yet synced may not have reached the segment files.
  ///
  /// - Parameters:
  ///   - store: open for reading or writing.
  ///   - path: the database's file; its directory must exist and be writable.
  ///   - progress: gets the number of entries written so far, every 4,096 entries.
  /// - Returns: the number of entries in the index.
  /// - Throws: ``IndexExportError``; the temporary file is removed and the old index stays.
  /// - Durability: the index is durable on return. The store is not synced.
  /// - Complexity: O(n log n) time and about 40 bytes of memory per entry, to visit the keys in order;
  ///   every live record is read and verified. About 40 bytes of disk per entry, and its key.
  @discardableResult
  public static func write(
    _ store: Store,
    to path: FilePath,
    progress: (Int) -> Void = { _ in }
  ) throws(IndexExportError) -> Int {
    try writeAll(store, to: path) { (count) in
      progress(count)
      return .next
    }
  }

  /// The same; `progress` can end it.
  static func writeAll(
    _ store: Store,
    to path: FilePath,
    progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> Int {
    var file = try ReplacementFile(for: path, isReplaceable: IndexSchema.isIndex)
    let database = try translating(path) { () throws(SQLiteError) in
      try SQLiteConnection(opening: file.path)
    }
    try translating(path) { () throws(SQLiteError) in
      try database.execute(IndexSchema.settings)
      try database.execute("BEGIN")
      try database.execute(IndexSchema.definition)
    }
    let (count, _) = try writeTables(of: store, to: database, path, progress)
    try translating(path) { () throws(SQLiteError) in try database.execute("COMMIT") }
    try close(database, path)
    try file.publish()
    return count
  }

  // MARK: Tables

  /// Fills empty tables.
  ///
  /// - Returns: the number of entries, and the moment that they show.
  static func writeTables(
    of store: Store,
    to database: borrowing SQLiteConnection,
    _ path: FilePath,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> (Int, ChangeToken?) {
    var segments = LiveSegments()
    segments.list(try reading { () throws(StoreError) in try store.segments() })
    let moment = try reading { () throws(StoreError) -> Snapshot? in
      try Self.moment(of: store)
    }
    let namespaces = try reading { () throws(StoreError) in
      if let moment { try moment.listNamespaces() } else { try store.listNamespaces() }
    }
    try translating(path) { () throws(SQLiteError) in
      let insert = try database.prepare(IndexSchema.insertNamespace)
      for namespace in namespaces.entries { try insert.run(namespace) }
    }
    let writer = try translating(path) { () throws(SQLiteError) in try EntryWriter(to: database) }
    let count = try writeEntries(
      of: store,
      at: moment,
      namespaces,
      writer,
      path,
      &segments,
      progress
    )
    try writeFacts(of: store, at: moment?.changeToken, count: count, to: database, path, &segments)
    return (count, moment?.changeToken)
  }

  /// What the store shows now; nil where the kernel has no `membarrier`: one moment is visited all the
  /// same, and nobody knows which.
  static func moment(of store: Store) throws(StoreError) -> Snapshot? {
    do throws(StoreError) { return try store.snapshot() } catch {
      guard case .system("membarrier", _, _) = error else { throw error }
      return nil
    }
  }

  private static func writeEntries(
    of store: Store,
    at moment: Snapshot?,
    _ namespaces: NamespaceListing,
    _ writer: consuming EntryWriter,
    _ path: FilePath,
    _ segments: inout LiveSegments,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> Int {
    var failure: IndexExportError?
    var writer = writer
    func visit(
      _ namespace: String?,
      _ key: RawSpan,
      _ valueLength: Int,
      _ location: EntryLocation
    ) -> IterationStep {
      do throws(SQLiteError) {
        try writer.write(key: key, in: namespace, valueLength: valueLength, at: location)
      } catch {
        failure = IndexExportError(error, path: path)
        return .stop
      }
      segments.add(location)
      guard writer.count.isMultiple(of: progressInterval), progress(writer.count) == .stop else {
        return .next
      }
      failure = .stopped(path)
      return .stop
    }
    try reading { () throws(StoreError) in
      guard let moment else {
        try store.forEach(order: .byKey) { visit(nil, $0, $1.byteCount, $2) }
        for namespace in namespaces.entries where failure == nil {
          let name = namespace.name
          try store.namespace(name).forEach(order: .byKey) { visit(name, $0, $1.byteCount, $2) }
        }
        return
      }
      try moment.forEachPlace(in: namespaces) { (namespace, key, place) in
        if segments.isUnknown(place.location) { segments.note(moment.segment(of: place)) }
        return visit(namespace, key, place.valueLength, place.location)
      }
    }
    if let failure { throw failure }
    return writer.count
  }

  static let progressInterval = 4096

  /// Writes what stands in the tables beside the entries.
  static func writeFacts(
    of store: Store,
    at token: ChangeToken?,
    count: Int,
    to database: borrowing SQLiteConnection,
    _ path: FilePath,
    _ segments: inout LiveSegments
  ) throws(IndexExportError) {
    let statistics = try reading { () throws(StoreError) in try store.statistics() }
    segments.list(try reading { () throws(StoreError) in try store.segments() })
    let properties = StoreProperty.all(of: store, statistics, count: count, token)
    let live = segments
    try translating(path) { () throws(SQLiteError) in
      try live.write(to: database)
      try write(properties, to: database)
    }
  }

  private static func write(
    _ properties: [StoreProperty],
    to database: borrowing SQLiteConnection
  ) throws(SQLiteError) {
    let insert = try database.prepare(IndexSchema.insertProperty)
    for property in properties {
      try insert.bind(property.name, at: 1)
      switch property.value {
      case .number(let number): insert.bind(Int64(number), at: 2)
      case .text(let text): try insert.bind(text, at: 2)
      }
      try insert.bind(property.meaning, at: 3)
      try insert.run()
    }
    try database.execute(IndexSchema.insertExportTime)
  }

  // MARK: Errors

  static func close(
    _ database: consuming SQLiteConnection,
    _ path: FilePath
  ) throws(IndexExportError) {
    do throws(SQLiteError) { try database.close() } catch {
      throw IndexExportError(error, path: path)
    }
  }

  static func translating<R: ~Copyable>(
    _ path: FilePath,
    _ body: () throws(SQLiteError) -> R
  ) throws(IndexExportError) -> R {
    do throws(SQLiteError) { return try body() } catch {
      throw IndexExportError(error, path: path)
    }
  }

  static func reading<R>(
    _ body: () throws(StoreError) -> R
  ) throws(IndexExportError) -> R {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }
}
