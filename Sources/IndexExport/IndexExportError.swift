// Every way in which an export or an update can fail. Whichever it is, what stood at the target before
// stands there still; the one exception is named at the case.

public import Fenceline
public import SystemPackage

/// Why no index was written, or brought up to date.
public enum IndexExportError: Error, Sendable, Equatable {
  /// The store could not be read. Damage anywhere in it counts: an index is complete or not there.
  case store(StoreError)
  /// SQLite could not write the database that was to become `path`, or could not change the one there. `code` is SQLite's extended
  /// result code: its low byte is 13 where the medium is full.
  case sqlite(code: Int32, message: String, path: FilePath)
  /// At the path stands something that no export has written; it is not overwritten.
  case notAnIndex(FilePath)
  /// A program has the index open for writing or died over it: SQLite would take this journal of
  /// its for the new index's.
  case inUse(journal: FilePath)
  /// The index is of an older or newer version of the tables, so it can't be brought up to date.
  case otherVersion(FilePath, version: Int)
  /// The index is of another store.
  case otherStore(FilePath)
  /// The index contradicts itself.
  case damagedIndex(FilePath, finding: String)
  /// The index that is followed was removed, or another file has its name.
  case replaced(FilePath)
  /// The progress function asked for an end.
  case stopped(FilePath)
  /// A system call failed for a reason of its own. Where `operation` is "fsync" and `path` is a
  /// directory, the new index is in place and may be gone after a power failure.
  case system(operation: String, path: FilePath, cause: Errno)
}

extension IndexExportError: CustomStringConvertible {
  /// One line for people: what happened, to which file, and what helps where that is known.
  public var description: String {
    switch self {
    case .store(let error): error.description
    case .sqlite(let code, let message, let path): "\(path): SQLite error \(code): \(message)"
    case .notAnIndex(let path):
      "\(path): not an index written by Fenceline, so not overwritten; choose another path"
    case .inUse(let journal):
      "\(journal): a program is writing to the index or died over it; close or delete the index"
    case .otherVersion(let path, let version):
      "\(path): an index of version \(version), and version \(IndexSchema.userVersion) can be "
        + "updated; write it anew"
    case .otherStore(let path): "\(path): the index of another store; choose another path"
    case .damagedIndex(let path, let finding):
      "\(path): the index is damaged: \(finding); write it anew"
    case .replaced(let path): "\(path): the index was removed or replaced while it was followed"
    case .stopped(let path): "\(path): stopped; nothing was written"
    case .system(let operation, let path, let cause): "\(path): \(operation): \(cause)"
    }
  }
}

extension IndexExportError {
  /// SQLite's failure on the way to `path`, with the first line of the statement.
  init(_ error: SQLiteError, path: FilePath) {
    let statement = error.sql.prefix { !$0.isNewline }
    let message = statement.isEmpty ? error.message : "\(error.message) (\(statement))"
    self = .sqlite(code: error.code, message: message, path: path)
  }
}
