// Rows of the table "entries". Keys come in order, so that every row is appended.

internal import Fenceline
internal import Glibc

/// Writes entries to an index.
struct EntryWriter: ~Copyable {
  private let insert: SQLiteStatement
  private let update: SQLiteStatement
  /// Rows in the table.
  private(set) var count = 0

  /// Prepares the statements; they must go before the connection is closed.
  init(to database: borrowing SQLiteConnection) throws(SQLiteError) {
    let insert = try database.prepare(IndexSchema.insertEntry)
    let update = try database.prepare(IndexSchema.updateEntry)
    self.insert = insert
    self.update = update
  }

  /// Writes one entry.
  ///
  /// A key that was removed and given a new value while the store was visited may come twice, in any
  /// order; its newest record stays.
  mutating func write(
    key: RawSpan,
    valueLength: Int,
    at location: EntryLocation
  ) throws(SQLiteError) {
    Self.bind(key, valueLength, location, to: insert)
    if try insert.run(blob: key, at: 1) > 0 {
      count += 1
    } else {
      Self.bind(key, valueLength, location, to: update)
      try update.run(blob: key, at: 1)
    }
  }

  @inline(__always)
  private static func bind(
    _ key: RawSpan,
    _ valueLength: Int,
    _ location: EntryLocation,
    to statement: borrowing SQLiteStatement
  ) {
    statement.bind(isText(key) ? 1 : 0, at: 2)
    statement.bind(Int64(valueLength), at: 3)
    statement.bind(Int64(location.segment), at: 4)
    statement.bind(Int64(location.offset), at: 5)
    statement.bind(Int64(location.recordLength), at: 6)
    statement.bind(Int64(location.valueOffset), at: 7)
    statement.bind(Int64(bitPattern: location.sequence), at: 8)
    statement.bind(Int64(location.checksum), at: 9)
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
