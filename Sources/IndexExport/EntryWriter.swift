// Rows of the table "entries": all of them, in the order of their keys, so that each is appended; or one
// here and there. Either way what lives in each segment is counted with them.

internal import Fenceline
internal import Glibc

/// Writes all entries to an index.
struct EntryWriter: ~Copyable {
  private let insert: SQLiteStatement
  /// Rows in the table.
  private(set) var count = 0

  /// Prepares the statement; it must go before the connection is closed.
  init(to database: borrowing SQLiteConnection) throws(SQLiteError) {
    insert = try database.prepare(IndexSchema.insertEntry)
  }

  /// Writes one entry, whose key comes behind that of the one before.
  mutating func write(
    key: RawSpan,
    valueLength: Int,
    at location: EntryLocation
  ) throws(SQLiteError) {
    try insert.run(entry: key, valueLength, location)
    count += 1
  }
}

/// Changes rows of an index.
struct EntryChanger: ~Copyable {
  /// What a row says.
  struct Row {
    let segment: UInt32
    let offset: Int
    let recordLength: Int
    let sequence: UInt64
  }

  private let select: SQLiteStatement
  private let replace: SQLiteStatement
  private let delete: SQLiteStatement
  /// Rows that came, less those that went.
  private(set) var addedCount = 0
  /// Rows that were written or removed.
  private(set) var changedCount = 0

  /// Prepares the statements; they must go before the connection is closed.
  init(to database: borrowing SQLiteConnection) throws(SQLiteError) {
    let select = try database.prepare(IndexSchema.selectEntry)
    let replace = try database.prepare(IndexSchema.replaceEntry)
    let delete = try database.prepare(IndexSchema.deleteEntry)
    self.select = select
    self.replace = replace
    self.delete = delete
  }

  /// The row of a key, if there is one.
  func row(of key: RawSpan) throws(SQLiteError) -> Row? {
    try select.withBlob(key, at: 1) { () throws(SQLiteError) in
      guard try select.step() else { return nil }
      defer { select.reset() }
      return Row(
        segment: UInt32(truncatingIfNeeded: select.number(0)),
        offset: Int(select.number(1)),
        recordLength: Int(select.number(2)),
        sequence: UInt64(bitPattern: select.number(3))
      )
    }
  }

  /// Writes the row of a key in the place of `old`, unless it says that already.
  mutating func set(
    _ key: RawSpan,
    to place: EntryPlace,
    replacing old: Row?,
    counting segments: inout LiveSegments
  ) throws(SQLiteError) {
    let location = place.location
    if let old, old.segment == location.segment, old.offset == location.offset,
      old.sequence == location.sequence
    {
      return
    }
    try replace.run(entry: key, place.valueLength, location)
    changedCount += 1
    segments.add(location)
    if let old { segments.remove(old) } else { addedCount += 1 }
  }

  /// Removes the row of a key.
  mutating func remove(
    _ key: RawSpan,
    _ old: Row,
    counting segments: inout LiveSegments
  ) throws(SQLiteError) {
    try delete.run(blob: key, at: 1)
    changedCount += 1
    addedCount -= 1
    segments.remove(old)
  }
}

extension SQLiteStatement {
  /// Writes one entry.
  fileprivate borrowing func run(
    entry key: RawSpan,
    _ valueLength: Int,
    _ location: EntryLocation
  ) throws(SQLiteError) {
    bind(Self.isText(key) ? 1 : 0, at: 2)
    bind(Int64(valueLength), at: 3)
    bind(Int64(location.segment), at: 4)
    bind(Int64(location.offset), at: 5)
    bind(Int64(location.recordLength), at: 6)
    bind(Int64(location.valueOffset), at: 7)
    bind(Int64(bitPattern: location.sequence), at: 8)
    bind(Int64(location.checksum), at: 9)
    try run(blob: key, at: 1)
  }

  /// Whether SQLite can show the bytes as text: its functions see nothing behind a NUL.
  static func isText(_ key: RawSpan) -> Bool {
    if key.isEmpty { return true }
    // SAFETY: the bytes are read during the call only, and any byte is a valid UInt8.
    return unsafe key.withUnsafeBytes { (bytes) in
      guard unsafe memchr(bytes.baseAddress.unsafelyUnwrapped, 0, bytes.count) == nil else {
        return false
      }
      do throws(UTF8.ValidationError) {
        _ = unsafe try UTF8Span(validating: bytes.bindMemory(to: UInt8.self).span)
        return true
      } catch {
        return false
      }
    }
  }
}
