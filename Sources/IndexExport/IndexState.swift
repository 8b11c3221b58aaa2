// What an index says of itself, as far as an update goes by it. Nothing of it is believed that is not
// plausible: anybody may have written to the database.

internal import Fenceline
internal import SystemPackage

/// What stands in an index beside its entries.
struct IndexState {
  /// A segment that entries' rows name.
  struct Segment {
    /// The oldest journal segment in whose place it stands.
    let coversFrom: UInt32
    let liveEntries: Int
  }

  let storeIdentifier: String
  /// The moment that the index shows; nil where it does not say.
  let token: ChangeToken?
  /// Rows of entries.
  let entryCount: Int
  /// By number.
  let segments: [UInt32: Segment]

  /// Reads the state, in a transaction of the database.
  ///
  /// - Throws: ``IndexExportError/damagedIndex(_:finding:)``, or what SQLite says.
  init(of database: borrowing SQLiteConnection, _ path: FilePath) throws(IndexExportError) {
    let select = try Self.readable(path) { () throws(SQLiteError) in
      try database.prepare(IndexSchema.selectProperty)
    }
    func property(_ name: String) throws(IndexExportError) -> String? {
      try Self.readable(path) { () throws(SQLiteError) in
        try select.bind(name, at: 1)
        guard try select.step() else { return nil }
        defer { select.reset() }
        return select.text(0)
      }
    }
    func require(_ name: String) throws(IndexExportError) -> String {
      guard let value = try property(name) else {
        throw .damagedIndex(path, finding: "it has no \"\(name)\"")
      }
      return value
    }
    storeIdentifier = try require(StoreProperty.identifierName)
    let count = try require(StoreProperty.countName)
    let token = try property(StoreProperty.tokenName)
    self.token = token.flatMap { ChangeToken($0) }
    guard let entryCount = Int(count), entryCount >= 0, (token == nil) == (self.token == nil) else {
      throw .damagedIndex(path, finding: "its count or its token is none")
    }
    self.entryCount = entryCount
    segments = try Self.readable(path) { () throws(SQLiteError) in
      let rows = try database.prepare(IndexSchema.selectSegments)
      var segments: [UInt32: Segment] = [:]
      while try rows.step() {
        segments[UInt32(truncatingIfNeeded: rows.number(0))] = Segment(
          coversFrom: UInt32(truncatingIfNeeded: rows.number(1)),
          liveEntries: Int(rows.number(2))
        )
      }
      return segments
    }
  }

  /// Takes tables that are not as they should be for damage.
  private static func readable<R: ~Copyable>(
    _ path: FilePath,
    _ body: () throws(SQLiteError) -> R
  ) throws(IndexExportError) -> R {
    do throws(SQLiteError) { return try body() } catch {
      // SQLITE_ERROR: no such table or column.
      if error.code == 1 { throw .damagedIndex(path, finding: error.message) }
      throw IndexExportError(error, path: path)
    }
  }
}
