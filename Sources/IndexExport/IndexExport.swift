// From a store to a database file: a new file beside the target, one transaction, one rename.
//
// Invariants: the target is the old file or the complete new one, never anything else; the store is
// only read, and may be written to all the while.

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
  /// The store may be written to meanwhile, by this process or another. A key that has a value
  /// during the whole call is in the index once, with a record that was its newest at some moment of
  /// the call; different keys may show different moments. The bytes of what is not yet synced may
  /// not have reached the segment files.
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
    var file = try ReplacementFile(for: path, isReplaceable: IndexSchema.isIndex)
    let database = try translating(path) { () throws(SQLiteError) in
      try SQLiteConnection(opening: file.path)
    }
    try translating(path) { () throws(SQLiteError) in
      try database.execute(IndexSchema.settings)
      try database.execute("BEGIN")
      try database.execute(IndexSchema.definition)
    }
    // Listed on both sides of the entries, so that no segment is missed that was begun or removed
    // between.
    let segmentsBefore = try reading { () throws(StoreError) in try store.segments() }
    let count = try writeEntries(of: store, to: database, path, progress)
    let segmentsAfter = try reading { () throws(StoreError) in try store.segments() }
    let statistics = try reading { () throws(StoreError) in try store.statistics() }
    try translating(path) { () throws(SQLiteError) in
      try write(segmentsBefore, segmentsAfter, to: database)
      try write(StoreProperty.all(of: store, statistics, count: count), to: database)
      try database.execute("COMMIT")
    }
    try close(database, path)
    try file.publish()
    return count
  }

  // MARK: Tables

  private static func writeEntries(
    of store: Store,
    to database: borrowing SQLiteConnection,
    _ path: FilePath,
    _ progress: (Int) -> Void
  ) throws(IndexExportError) -> Int {
    var failure: SQLiteError?
    var writer = try translating(path) { () throws(SQLiteError) in try EntryWriter(to: database) }
    try reading { () throws(StoreError) in
      try store.forEach(order: .byKey) { (key, value, location) in
        do throws(SQLiteError) {
          try writer.write(key: key, valueLength: value.byteCount, at: location)
        } catch {
          failure = error
          return .stop
        }
        if writer.count.isMultiple(of: progressInterval) { progress(writer.count) }
        return .next
      }
    }
    if let failure { throw IndexExportError(failure, path: path) }
    return writer.count
  }

  private static let progressInterval = 4096

  /// Writes the segments and counts what lives in them.
  private static func write(
    _ before: [SegmentInformation],
    _ after: [SegmentInformation],
    to database: borrowing SQLiteConnection
  ) throws(SQLiteError) {
    let insert = try database.prepare(IndexSchema.insertSegment)
    for segment in before + after {
      insert.bind(Int64(segment.number), at: 1)
      try insert.bind(segment.fileName, at: 2)
      insert.bind(Int64(segment.capacityInBytes), at: 3)
      insert.bind(Int64(segment.allocatedBytes), at: 4)
      insert.bind(Int64(bitPattern: segment.incarnation), at: 5)
      insert.bind(Int64(bitPattern: segment.firstSequence), at: 6)
      insert.bind(Int64(bitPattern: segment.createdAt), at: 7)
      try insert.run()
    }
    try database.execute(IndexSchema.countLive)
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

  private static func close(
    _ database: consuming SQLiteConnection,
    _ path: FilePath
  ) throws(IndexExportError) {
    do throws(SQLiteError) { try database.close() } catch {
      throw IndexExportError(error, path: path)
    }
  }

  private static func translating<R: ~Copyable>(
    _ path: FilePath,
    _ body: () throws(SQLiteError) -> R
  ) throws(IndexExportError) -> R {
    do throws(SQLiteError) { return try body() } catch {
      throw IndexExportError(error, path: path)
    }
  }

  private static func reading<R>(
    _ body: () throws(StoreError) -> R
  ) throws(IndexExportError) -> R {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }
}
