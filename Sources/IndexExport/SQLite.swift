// Every call of SQLite's C library goes through this file: an owner for a connection, an owner for a
// prepared statement, one typed error.
//
// Invariants: a connection and its statements are used by one thread at a time (SQLite's own locks
// are off); no pointer that SQLite was lent is read after the call that lent it.

internal import CSQLite
internal import SystemPackage

/// What SQLite refused, with the statement that it was doing.
struct SQLiteError: Error, Equatable {
  /// SQLite's extended result code.
  let code: Int32
  /// SQLite's own words.
  let message: String
  /// The statement, or "" where there was none.
  let sql: String
}

/// One open database file.
@safe
struct SQLiteConnection: ~Copyable {
  // SAFETY: the handle is valid from a successful `init` to `close` or deinit and never leaves.
  private let handle: OpaquePointer

  /// Opens an existing file for reading and writing.
  ///
  /// The corresponding C function is `sqlite3_open_v2`.
  ///
  /// - Parameter path: a name that does not start with "file:" or ":".
  /// - Throws: what SQLite says, with no statement.
  init(opening path: FilePath) throws(SQLiteError) {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let code = unsafe path.withPlatformString { unsafe sqlite3_open_v2($0, &opened, flags, nil) }
    guard code == SQLITE_OK, let handle = unsafe opened else {
      // A handle may come with a failure, and holds its message.
      let error = unsafe SQLiteError(code: code, of: opened, sql: "")
      unsafe _ = sqlite3_close_v2(opened)
      throw error
    }
    unsafe self.handle = handle
  }

  deinit { unsafe _ = sqlite3_close_v2(handle) }

  /// Closes the file and says whether that worked; all statements must be gone.
  ///
  /// The corresponding C function is `sqlite3_close`.
  consuming func close() throws(SQLiteError) {
    let code = unsafe sqlite3_close(handle)
    guard code == SQLITE_OK else {
      let error = unsafe SQLiteError(code: code, of: handle, sql: "")
      _ = consume self
      throw error
    }
    discard self
  }

  /// Runs statements, separated by semicolons, and ignores what they return.
  ///
  /// The corresponding C function is `sqlite3_exec`.
  func execute(_ sql: String) throws(SQLiteError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw unsafe SQLiteError(code: code, of: handle, sql: sql) }
  }

  /// Lets statements wait for the locks of others instead of giving up at once.
  ///
  /// The corresponding C function is `sqlite3_busy_timeout`.
  func waitForLocks(milliseconds: Int32) { unsafe _ = sqlite3_busy_timeout(handle, milliseconds) }

  /// Whether the file was removed or has another name since it was opened.
  ///
  /// The corresponding C function is `sqlite3_file_control` with `SQLITE_FCNTL_HAS_MOVED`.
  var hasMoved: Bool {
    var result: Int32 = 0
    let code = unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &result)
    return code == SQLITE_OK && result != 0
  }

  /// Compiles one statement, which must go before the connection is closed.
  ///
  /// The corresponding C function is `sqlite3_prepare_v2`.
  func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
    var prepared: OpaquePointer?
    let code = unsafe sqlite3_prepare_v2(handle, sql, -1, &prepared, nil)
    guard code == SQLITE_OK, let statement = unsafe prepared else {
      throw unsafe SQLiteError(code: code, of: handle, sql: sql)
    }
    return unsafe SQLiteStatement(taking: statement, sql: sql)
  }
}

/// One prepared statement.
///
/// Parameters count from 1 and keep their values until they are bound again.
@safe
struct SQLiteStatement: ~Copyable {
  // SAFETY: the handle is valid from `init` to deinit and never leaves.
  private let handle: OpaquePointer
  private let sql: String

  @unsafe
  fileprivate init(taking handle: OpaquePointer, sql: String) {
    unsafe self.handle = handle
    self.sql = sql
  }

  deinit { unsafe _ = sqlite3_finalize(handle) }

  /// The corresponding C function is `sqlite3_bind_int64`.
  func bind(_ value: Int64, at parameter: Int32) {
    let code = unsafe sqlite3_bind_int64(handle, parameter, value)
    precondition(code == SQLITE_OK, "no such parameter")
  }

  /// The corresponding C function is `sqlite3_bind_null`.
  func bindNull(at parameter: Int32) {
    let code = unsafe sqlite3_bind_null(handle, parameter)
    precondition(code == SQLITE_OK, "no such parameter")
  }

  /// Binds a copy of the text.
  ///
  /// The corresponding C function is `sqlite3_bind_text`.
  func bind(_ text: String, at parameter: Int32) throws(SQLiteError) {
    // SAFETY: this is the C header's SQLITE_TRANSIENT, which Swift does not import: the text is
    // copied during the call.
    let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    let length = Int32(text.utf8.count)
    try check(unsafe sqlite3_bind_text(handle, parameter, text, length, transient))
  }

  /// Runs the statement and returns the number of rows that it changed.
  ///
  /// The corresponding C functions are `sqlite3_step`, `sqlite3_reset` and `sqlite3_changes`.
  @discardableResult
  func run() throws(SQLiteError) -> Int {
    // A failure keeps its message until the reset, and the reset repeats its code.
    let code = unsafe sqlite3_step(handle)
    guard code == SQLITE_DONE else {
      defer { unsafe _ = sqlite3_reset(handle) }
      throw unsafe SQLiteError(code: code, of: sqlite3_db_handle(handle), sql: sql)
    }
    unsafe _ = sqlite3_reset(handle)
    return Int(unsafe sqlite3_changes(sqlite3_db_handle(handle)))
  }

  /// Runs the statement with `bytes` as one parameter's value, read in place, and returns the number
  /// of rows that it changed.
  @discardableResult
  func run(blob bytes: RawSpan, at parameter: Int32) throws(SQLiteError) -> Int {
    try withBlob(bytes, at: parameter) { () throws(SQLiteError) in try run() }
  }

  /// Lends the statement `bytes` as one parameter's value while `body` runs it.
  ///
  /// The corresponding C function is `sqlite3_bind_blob` with `SQLITE_STATIC`.
  func withBlob<R>(
    _ bytes: RawSpan,
    at parameter: Int32,
    _ body: () throws(SQLiteError) -> R
  ) throws(SQLiteError) -> R {
    let result: Result<R, SQLiteError> = unsafe bytes.withUnsafeBytes { (bytes) in
      do throws(SQLiteError) {
        // No bytes have no address, and a null pointer would mean NULL.
        if unsafe bytes.isEmpty {
          try check(unsafe sqlite3_bind_zeroblob(handle, parameter, 0))
        } else {
          // SAFETY: SQLite reads the bytes in `body` only; before this call returns, and with it
          // the right to read them, the parameter is NULL again.
          try check(
            unsafe sqlite3_bind_blob64(
              handle,
              parameter,
              bytes.baseAddress,
              UInt64(bytes.count),
              nil
            )
          )
        }
        defer { unsafe _ = sqlite3_bind_null(handle, parameter) }
        return .success(try body())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  // MARK: Rows

  /// Goes on to the next row; behind the last one the statement is as before the first.
  ///
  /// The corresponding C functions are `sqlite3_step` and `sqlite3_reset`.
  ///
  /// - Returns: whether there is one.
  func step() throws(SQLiteError) -> Bool {
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    defer { reset() }
    guard code == SQLITE_DONE else {
      throw unsafe SQLiteError(code: code, of: sqlite3_db_handle(handle), sql: sql)
    }
    return false
  }

  /// Leaves the rows that are not read yet.
  ///
  /// The corresponding C function is `sqlite3_reset`.
  func reset() { unsafe _ = sqlite3_reset(handle) }

  /// A column of the row, from 0; 0 where it is no number.
  ///
  /// The corresponding C function is `sqlite3_column_int64`.
  func number(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  /// A column of the row as text; "" for NULL.
  ///
  /// The corresponding C functions are `sqlite3_column_text` and `sqlite3_column_bytes`.
  func text(_ column: Int32) -> String {
    // SAFETY: the text has so many bytes, and stays until the next call on the statement.
    guard let text = unsafe sqlite3_column_text(handle, column) else { return "" }
    let length = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self)
  }

  private func check(_ code: Int32) throws(SQLiteError) {
    guard code == SQLITE_OK else {
      throw unsafe SQLiteError(code: code, of: sqlite3_db_handle(handle), sql: sql)
    }
  }
}

extension SQLiteError {
  /// The corresponding C functions are `sqlite3_errmsg` and, without a handle, `sqlite3_errstr`.
  @unsafe
  fileprivate init(code: Int32, of handle: OpaquePointer?, sql: String) {
    // SAFETY: both give a NUL-terminated string that is valid until the handle's next call.
    let words = unsafe handle == nil ? sqlite3_errstr(code) : sqlite3_errmsg(handle)
    let message = unsafe words.map { unsafe String(cString: $0) }
    self.init(code: code, message: message ?? "unknown error", sql: sql)
  }
}
