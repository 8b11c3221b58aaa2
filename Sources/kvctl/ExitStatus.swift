// What the program's exit status says, and the one mapping from errors to it.
//
// The numbers are those of <sysexits.h>, which scripts know; 1 is "not found", as in grep.
// Invariant: a status means the same in every command.

internal import Fenceline
internal import IndexExport
internal import SystemPackage

/// How a run ended.
enum ExitStatus: Int32 {
  /// Done.
  case done = 0
  /// There is no such key, of which nothing is printed, or no such namespace.
  case notFound = 1
  /// The command line makes no sense. The argument parser ends with the same number.
  case usage = 64
  /// A store or an index is damaged or of another format, or a line to import is malformed.
  case badData = 65
  /// There is no such store or input file.
  case noInput = 66
  /// This build or this machine can't do it.
  case unavailable = 69
  /// The program contradicts itself.
  case internalError = 70
  /// The store or the output file can't be created.
  case cannotCreate = 73
  /// Reading or writing failed, or there is no room.
  case ioError = 74
  /// Somebody else has the store open for writing; trying again may work.
  case locked = 75
  /// The user may not do this.
  case noPermission = 77
}

extension ExitStatus {
  /// The status for an error of the store.
  ///
  /// - Parameters:
  ///   - error: what the store reports.
  ///   - isCreating: the command creates what is missing, so what is in its way keeps it from
  ///     creating.
  init(_ error: StoreError, isCreating: Bool) {
    switch error {
    case .noStore, .pastIsGone, .notYetWritten, .changesAreGone, .unknownToken: self = .noInput
    case .noNamespace: self = .notFound
    case .notAStore, .namespaceExists, .notABackup, .otherBackup, .notEmpty: self = .cannotCreate
    case .noBackup: self = .noInput
    case .isBackup: self = isCreating ? .cannotCreate : .noInput
    case .locked, .conflict: self = .locked
    case .corrupt, .newerFormat: self = .badData
    case .mediaError, .full, .poisoned, .addressSpaceExhausted, .namespacesExhausted:
      self = .ioError
    case .system(let operation, _, let cause):
      self.init(cause, isCreating: isCreating || operation == "mkdir")
    case .keyTooLong, .valueTooLong, .invalidNamespaceName: self = .usage
    case .insufficientDurability, .copyCoreUnavailable: self = .unavailable
    case .readOnly, .closed, .nestedWrite, .forked: self = .internalError
    }
  }

  /// The status for an error of the export to SQLite.
  init(_ error: IndexExportError) {
    switch error {
    case .store(let error): self.init(error, isCreating: false)
    case .sqlite(let code, _, _):
      // The low byte is SQLite's primary result code.
      switch code & 0xff {
      case 3, 8: self = .noPermission  // SQLITE_PERM, SQLITE_READONLY
      case 5, 6: self = .locked  // SQLITE_BUSY, SQLITE_LOCKED
      case 11, 26: self = .badData  // SQLITE_CORRUPT, SQLITE_NOTADB
      case 14: self = .cannotCreate  // SQLITE_CANTOPEN
      default: self = .ioError
      }
    case .notAnIndex, .otherStore: self = .cannotCreate
    case .otherVersion, .damagedIndex: self = .badData
    case .replaced: self = .ioError
    case .stopped: self = .internalError
    case .inUse: self = .locked
    case .system(_, _, let cause): self.init(cause, isCreating: true)
    }
  }

  /// The status for an error of the operating system.
  init(_ error: Errno, isCreating: Bool) {
    switch error {
    case .permissionDenied, .notPermitted, .readOnlyFileSystem: self = .noPermission
    case .noSuchFileOrDirectory, .notDirectory, .isDirectory, .tooManySymbolicLinkLevels,
      .fileNameTooLong:
      self = isCreating ? .cannotCreate : .noInput
    case .fileExists: self = .cannotCreate
    default: self = .ioError
    }
  }
}
