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

  /// Writes one entry, whose key comes behind that of the one before in its namespace.
  mutating func write(
    key: RawSpan,
    in namespace: String?,
    valueLength: Int,
    at location: EntryLocation
  ) throws(SQLiteError) {
    try insert.run(entry: key, namespace, valueLength, location)
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
  func row(of key: RawSpan, in namespace: String?) throws(SQLiteError) -> Row? {
    try select.bind(namespace ?? "", at: 2)
    return try select.withBlob(key, at: 1) { () throws(SQLiteError) in
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
    in namespace: String?,
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
    try replace.run(entry: key, namespace, place.valueLength, location)
    changedCount += 1
    segments.add(location)
    if let old { segments.remove(old) } else { addedCount += 1 }
  }

  /// Removes the row of a key.
  mutating func remove(
    _ key: RawSpan,
    in namespace: String?,
    _ old: Row,
    counting segments: inout LiveSegments
  ) throws(SQLiteError) {
    try delete.bind(namespace ?? "", at: 2)
    try delete.run(blob: key, at: 1)
    changedCount += 1
    addedCount -= 1
    segments.remove(old)
  }

  /// Removes the rows of a group of entries.
  mutating func remove(
    _ group: EntryGroup,
    from database: borrowing SQLiteConnection,
    counting segments: inout LiveSegments
  ) throws(SQLiteError) {
    let count = try group.remove(from: database, counting: &segments)
    changedCount += count
    addedCount -= count
  }
}

/// Entries of an index that go together.
enum EntryGroup {
  /// Those of a namespace that were written before a transaction: it was dropped, and perhaps created again.
  case dropped(namespace: String, before: UInt64)
  /// Those that have ended by a moment, in milliseconds since 1970.
  case ended(UInt64)

  private var condition: String {
    switch self {
    case .dropped: IndexSchema.droppedEntries
    case .ended: IndexSchema.endedEntries
    }
  }

  private func prepare(
    _ beginning: String,
    _ end: String = "",
    in database: borrowing SQLiteConnection
  ) throws(SQLiteError) -> SQLiteStatement {
    let statement = try database.prepare("\(beginning) \(condition) \(end)")
    switch self {
    case .dropped(let namespace, let sequence):
      try statement.bind(namespace, at: 1)
      statement.bind(Int64(clamping: sequence), at: 2)
    case .ended(let moment): statement.bind(Int64(clamping: moment), at: 1)
    }
    return statement
  }

  /// Removes their rows.
  ///
  /// - Returns: how many there were.
  func remove(
    from database: borrowing SQLiteConnection,
    counting segments: inout LiveSegments
  ) throws(SQLiteError) -> Int {
    let counts = try prepare(IndexSchema.countEntries, IndexSchema.bySegment, in: database)
    while try counts.step() {
      segments.remove(
        Int(counts.number(1)),
        from: UInt32(truncatingIfNeeded: counts.number(0)),
        bytes: Int(counts.number(2))
      )
    }
    return try prepare(IndexSchema.deleteEntries, in: database).run()
  }
}

extension SQLiteStatement {
  /// Writes one namespace.
  func run(_ namespace: NamespaceListing.Entry) throws(SQLiteError) {
    try bind(namespace.name, at: 1)
    bind(Int64(bitPattern: namespace.sequence), at: 2)
    try run()
  }

  /// Writes one entry.
  fileprivate borrowing func run(
    entry key: RawSpan,
    _ namespace: String?,
    _ valueLength: Int,
    _ location: EntryLocation
  ) throws(SQLiteError) {
    try bind(namespace ?? "", at: 2)
    bind(Self.isText(key) ? 1 : 0, at: 3)
    bind(Int64(valueLength), at: 4)
    bind(Int64(location.segment), at: 5)
    bind(Int64(location.offset), at: 6)
    bind(Int64(location.recordLength), at: 7)
    bind(Int64(location.valueOffset), at: 8)
    bind(Int64(bitPattern: location.sequence), at: 9)
    bind(Int64(location.checksum), at: 10)
    if let expiry = location.expiry {
      bind(Int64(clamping: expiry.millisecondsSince1970), at: 11)
    } else {
      bindNull(at: 11)
    }
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
