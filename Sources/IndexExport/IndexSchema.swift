// What stands in an index: its tables and views, told in comments that SQLite keeps, so that the
// database is its own documentation.
//
// Invariant: whoever changes a table or a column, in meaning or in name, raises `userVersion`.

internal import JournalFormat

/// The database's definition.
enum IndexSchema {
  /// "FNCL", as SQLite stores it: names the file as one of ours.
  static let applicationID: UInt32 = 0x464e_434c
  /// Version of the tables and views.
  static let userVersion = 3

  /// Whether a file that starts with these bytes is an index, of any version.
  static func isIndex(_ start: RawSpan) -> Bool { version(ofFileWith: start) != nil }

  /// The version of the index that starts with these bytes; nil where it is none.
  static func version(ofFileWith start: RawSpan) -> Int? {
    let magic = Array("SQLite format 3\0".utf8)
    let (versionOffset, applicationIDOffset) = (60, 68)
    guard start.byteCount >= applicationIDOffset + 4 else { return nil }
    for (offset, byte) in magic.enumerated()
    where start.littleEndian(at: offset, as: UInt8.self) != byte { return nil }
    func number(at offset: Int) -> UInt32 {
      start.littleEndian(at: offset, as: UInt32.self).byteSwapped
    }
    return number(at: applicationIDOffset) == applicationID
      ? Int(number(at: versionOffset)) : nil
  }

  /// Settings of the connection and of the file, before anything is in it.
  ///
  /// Nothing is rolled back and nothing is synced: a file that is not complete is thrown away.
  static let settings = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA application_id = \(applicationID);
    PRAGMA user_version = \(userVersion);
    """

  /// Settings of a connection that changes an index once.
  ///
  /// Durable with the commit, that the journal has gone included. Changed pages stay in memory until
  /// then, or readers would be locked out while they are being changed.
  static let updatingSettings = "PRAGMA synchronous = EXTRA; PRAGMA cache_spill = OFF;"

  /// Settings of a connection that follows: the log is synced when it is taken into the database.
  static let followingSettings = "PRAGMA synchronous = NORMAL;"

  /// Tables and views, in the order in which `.schema` prints them.
  static let definition = tables + views

  static let tables = """
    CREATE TABLE store (
      -- What the store says about itself, one property a row.
      name    TEXT PRIMARY KEY NOT NULL,
      value   NOT NULL,
      meaning TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE segments (
      -- The files of the journal. A later segment has a higher number.
      number          INTEGER PRIMARY KEY,
      file_name       TEXT NOT NULL,     -- in the store's directory
      capacity        INTEGER NOT NULL,  -- bytes of the file, holes included
      allocated       INTEGER NOT NULL,  -- bytes that the file system holds for it
      live_entries    INTEGER NOT NULL DEFAULT 0,  -- rows of "entries" that stand in it
      live_bytes      INTEGER NOT NULL DEFAULT 0,  -- sum of their record lengths
      -- What the file system would get back if the live records stood elsewhere: records of
      -- overwritten and removed keys, the records that removed them, padding, the 4,096 bytes before
      -- the first record, and in the newest segment also the room that is still to be written.
      dead_bytes      INTEGER AS (max(0, allocated - live_bytes)) VIRTUAL,
      incarnation     INTEGER NOT NULL,  -- grows with every recovery of the store
      first_sequence  INTEGER NOT NULL,  -- no record in it has a lower one
      created_at      INTEGER NOT NULL,  -- nanoseconds since 1970
      -- The journal segments in whose place it stands: itself, or those that a compaction has brought
      -- together in it.
      covers_from     INTEGER NOT NULL,
      covers_to       INTEGER NOT NULL
    );

    CREATE TABLE namespaces (
      -- The namespaces of the store, but for the default one.
      name              TEXT PRIMARY KEY NOT NULL,
      created_sequence  INTEGER NOT NULL  -- of the transaction that created it
    ) WITHOUT ROWID;

    CREATE TABLE entries (
      -- Every key that has a value, in the order of the keys' bytes, and where its newest record
      -- stands. Offsets count from the start of the segment's file. All rows show one moment of the
      -- store, which "change_token" of the table "store" names.
      key             BLOB NOT NULL,
      namespace       TEXT NOT NULL,     -- name; '' is the default one
      is_text         INTEGER NOT NULL,  -- 1: the key is valid UTF-8 and has no NUL in it
      key_text        TEXT AS (CASE WHEN is_text THEN CAST(key AS TEXT) END) VIRTUAL,  -- or NULL
      key_length      INTEGER AS (length(key)) VIRTUAL,  -- bytes
      value_length    INTEGER NOT NULL,  -- bytes
      segment         INTEGER NOT NULL REFERENCES segments (number),
      record_offset   INTEGER NOT NULL,  -- of the record's first byte
      record_length   INTEGER NOT NULL,  -- bytes of header, key, value, checksums and padding
      value_offset    INTEGER NOT NULL,  -- of the value's first byte; the key stands right before it,
                                         -- behind 8 bytes of its namespace where it has one
      sequence        INTEGER NOT NULL,  -- of the transaction that wrote it; higher is later
      checksum        INTEGER NOT NULL,  -- CRC32C, as it stands in the record's first four bytes
      expires         INTEGER,           -- when the value ends: milliseconds since 1970; NULL: it lasts
      PRIMARY KEY (key, namespace)
    ) WITHOUT ROWID;

    CREATE INDEX ending_entries ON entries (expires) WHERE expires IS NOT NULL;


    """

  static let views = """
    CREATE VIEW largest_values AS
      -- Entries by size of the value, largest first. Ask with a LIMIT.
      SELECT key_text, value_length, record_length, segment, value_offset, key, namespace
      FROM entries ORDER BY value_length DESC, key, namespace;

    CREATE VIEW recent_entries AS
      -- Entries by age, latest first; entries of one transaction share its sequence.
      SELECT sequence, key_text, value_length, segment, record_offset, key, namespace
      FROM entries ORDER BY sequence DESC, segment DESC, record_offset DESC;

    CREATE VIEW segment_usage AS
      -- What part of each segment is dead, most first. See dead_bytes of "segments"; the newest
      -- segment still has room, which counts as dead here.
      SELECT number, file_name, live_entries, live_bytes, dead_bytes,
        round(100.0 * dead_bytes / max(1, live_bytes + dead_bytes), 1) AS dead_percent,
        number = (SELECT number FROM segments ORDER BY first_sequence DESC, number DESC LIMIT 1)
          AS is_newest,
        datetime(created_at / 1000000000, 'unixepoch') AS created
      FROM segments ORDER BY dead_percent DESC, number;

    CREATE VIEW namespace_usage AS
      -- What the entries of each namespace take. '' is the default one.
      SELECT namespace, count(*) AS entries, sum(key_length) AS key_bytes,
        sum(value_length) AS value_bytes, sum(record_length) AS record_bytes
      FROM entries GROUP BY namespace ORDER BY record_bytes DESC, namespace;

    CREATE VIEW key_prefixes AS
      -- Entries by namespace and the part of the key up to its first '/' or ':'; NULL where it has neither.
      -- prefix_text is NULL also where the prefix is not text.
      WITH ends AS (
        SELECT *, instr(key, x'2f') AS slash, instr(key, x'3a') AS colon FROM entries
      ), prefixes AS (
        SELECT *, CASE
            WHEN slash > 0 AND (colon = 0 OR slash < colon) THEN substr(key, 1, slash)
            WHEN colon > 0 THEN substr(key, 1, colon)
          END AS prefix
        FROM ends
      )
      SELECT CASE WHEN max(is_text) THEN CAST(prefix AS TEXT) END AS prefix_text,
        count(*) AS entries, sum(key_length) AS key_bytes, sum(value_length) AS value_bytes,
        sum(record_length) AS record_bytes, prefix, namespace
      FROM prefixes GROUP BY prefix, namespace ORDER BY record_bytes DESC, prefix, namespace;

    CREATE VIEW value_sizes AS
      -- How many values have from_bytes to to_bytes bytes: 0, 1, 2-3, 4-7, 8-15 and so on.
      WITH RECURSIVE ranges (from_bytes, to_bytes) AS (
        VALUES (0, 0), (1, 1)
        UNION ALL
        SELECT 2 * from_bytes, 2 * to_bytes + 1 FROM ranges
        WHERE from_bytes BETWEEN 1 AND 2147483647
      ), lengths AS (
        SELECT value_length, count(*) AS entries FROM entries GROUP BY value_length
      )
      SELECT from_bytes, to_bytes, sum(entries) AS entries,
        sum(entries * value_length) AS value_bytes
      FROM ranges JOIN lengths ON value_length BETWEEN from_bytes AND to_bytes
      GROUP BY from_bytes ORDER BY from_bytes;


    """

  // MARK: Rows

  /// Key, namespace, is_text, value_length, segment, record_offset, record_length, value_offset, sequence,
  /// checksum and expires.
  static let insertEntry = "INSERT" + intoEntries

  /// The same parameters; takes the place of the key's row.
  static let replaceEntry = "REPLACE" + intoEntries

  private static let intoEntries = """
     INTO entries (key, namespace, is_text, value_length, segment, record_offset, record_length,
      value_offset, sequence, checksum, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    """

  /// Key and namespace; gives segment, record_offset, record_length and sequence.
  static let selectEntry = """
    SELECT segment, record_offset, record_length, sequence FROM entries
    WHERE key = ?1 AND namespace = ?2
    """

  /// Key and namespace.
  static let deleteEntry = "DELETE FROM entries WHERE key = ?1 AND namespace = ?2"

  /// Gives segment, number of entries, and bytes of their records, of a group of entries.
  static let (countEntries, bySegment) = (
    "SELECT segment, count(*), sum(record_length)", "GROUP BY segment"
  )

  /// Removes a group of entries.
  static let deleteEntries = "DELETE"

  /// Namespace, and the sequence that those which go are below.
  static let droppedEntries = "FROM entries WHERE namespace = ?1 AND sequence < ?2"

  /// The moment by which those which go have ended.
  static let endedEntries = "FROM entries WHERE expires <= ?1"

  /// Gives name and created_sequence.
  static let selectNamespaces = "SELECT name, created_sequence FROM namespaces"

  /// Name and created_sequence.
  static let insertNamespace = "INSERT INTO namespaces (name, created_sequence) VALUES (?1, ?2)"

  /// Name.
  static let deleteNamespace = "DELETE FROM namespaces WHERE name = ?1"

  /// Number, file_name, capacity, allocated, incarnation, first_sequence, created_at, covers_from,
  /// covers_to, and what comes to live_entries and live_bytes.
  static let insertSegment = """
    INSERT INTO segments
      (number, file_name, capacity, allocated, incarnation, first_sequence, created_at, covers_from,
       covers_to, live_entries, live_bytes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (number) DO UPDATE SET file_name = excluded.file_name,
      capacity = excluded.capacity, allocated = excluded.allocated,
      incarnation = excluded.incarnation, first_sequence = excluded.first_sequence,
      created_at = excluded.created_at, covers_from = excluded.covers_from,
      covers_to = excluded.covers_to, live_entries = live_entries + excluded.live_entries,
      live_bytes = live_bytes + excluded.live_bytes
    """

  /// Number, and what comes to live_entries and live_bytes.
  static let countSegment = """
    UPDATE segments SET live_entries = live_entries + ?2, live_bytes = live_bytes + ?3
    WHERE number = ?1
    """

  /// Gives number, covers_from and live_entries.
  static let selectSegments = "SELECT number, covers_from, live_entries FROM segments"

  /// Number.
  static let deleteSegment = "DELETE FROM segments WHERE number = ?1"

  /// Name, value and meaning.
  static let insertProperty = "REPLACE INTO store (name, value, meaning) VALUES (?1, ?2, ?3)"

  /// Name; gives value.
  static let selectProperty = "SELECT value FROM store WHERE name = ?1"

  /// The clock is read by SQLite, which also knows calendars.
  static let insertExportTime = """
    REPLACE INTO store (name, value, meaning)
    VALUES ('exported_at', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'end of the export, UTC')
    """

  /// Before everything is written anew in place.
  static let deleteAll = """
    DELETE FROM entries; DELETE FROM namespaces; DELETE FROM segments; DELETE FROM store;
    """
}
