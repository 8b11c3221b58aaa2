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
  static let userVersion = 1

  /// Whether a file that starts with these bytes is an index, of any version.
  static func isIndex(_ start: RawSpan) -> Bool {
    let magic = Array("SQLite format 3\0".utf8)
    let applicationIDOffset = 68
    guard start.byteCount >= applicationIDOffset + 4 else { return false }
    for (offset, byte) in magic.enumerated()
    where start.littleEndian(at: offset, as: UInt8.self) != byte { return false }
    return start.littleEndian(at: applicationIDOffset, as: UInt32.self).byteSwapped == applicationID
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
      created_at      INTEGER NOT NULL   -- nanoseconds since 1970
    );

    CREATE TABLE entries (
      -- Every key that has a value, in the order of the keys' bytes, and where its newest record
      -- stands. Offsets count from the start of the segment's file. In a store that was written to
      -- during the export, different rows may show different moments.
      key             BLOB PRIMARY KEY NOT NULL,
      is_text         INTEGER NOT NULL,  -- 1: the key is valid UTF-8 and has no NUL in it
      key_text        TEXT AS (CASE WHEN is_text THEN CAST(key AS TEXT) END) VIRTUAL,  -- or NULL
      key_length      INTEGER AS (length(key)) VIRTUAL,  -- bytes
      value_length    INTEGER NOT NULL,  -- bytes
      segment         INTEGER NOT NULL REFERENCES segments (number),
      record_offset   INTEGER NOT NULL,  -- of the record's first byte
      record_length   INTEGER NOT NULL,  -- bytes of header, key, value, checksums and padding
      value_offset    INTEGER NOT NULL,  -- of the value's first byte; the key stands right before it
      sequence        INTEGER NOT NULL,  -- of the transaction that wrote it; higher is later
      checksum        INTEGER NOT NULL   -- CRC32C, as it stands in the record's first four bytes
    ) WITHOUT ROWID;


    """

  static let views = """
    CREATE VIEW largest_values AS
      -- Entries by size of the value, largest first. Ask with a LIMIT.
      SELECT key_text, value_length, record_length, segment, value_offset, key
      FROM entries ORDER BY value_length DESC, key;

    CREATE VIEW recent_entries AS
      -- Entries by age, latest first; entries of one transaction share its sequence.
      SELECT sequence, key_text, value_length, segment, record_offset, key
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

    CREATE VIEW key_prefixes AS
      -- Entries by the part of the key up to its first '/' or ':'; NULL where it has neither.
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
        sum(record_length) AS record_bytes, prefix
      FROM prefixes GROUP BY prefix ORDER BY record_bytes DESC, prefix;

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

  /// Key, is_text, value_length, segment, record_offset, record_length, value_offset, sequence and
  /// checksum; does nothing where the key has a row.
  static let insertEntry = """
    INSERT OR IGNORE INTO entries (key, is_text, value_length, segment, record_offset, record_length,
      value_offset, sequence, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    """

  /// The same parameters; does nothing where the row is as new.
  static let updateEntry = """
    UPDATE entries SET is_text = ?2, value_length = ?3, segment = ?4, record_offset = ?5,
      record_length = ?6, value_offset = ?7, sequence = ?8, checksum = ?9
    WHERE key = ?1 AND sequence < ?8
    """

  /// Number, file_name, capacity, allocated, incarnation, first_sequence and created_at.
  static let insertSegment = """
    INSERT OR REPLACE INTO segments
      (number, file_name, capacity, allocated, incarnation, first_sequence, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    """

  /// Once entries and segments are there.
  static let countLive = """
    UPDATE segments SET live_entries = live.entries, live_bytes = live.bytes
    FROM (
      SELECT segment, count(*) AS entries, sum(record_length) AS bytes FROM entries GROUP BY segment
    ) AS live
    WHERE number = live.segment
    """

  /// Name, value and meaning.
  static let insertProperty = "INSERT INTO store (name, value, meaning) VALUES (?1, ?2, ?3)"

  /// The clock is read by SQLite, which also knows calendars.
  static let insertExportTime = """
    INSERT INTO store (name, value, meaning)
    VALUES ('exported_at', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'end of the export, UTC')
    """
}
