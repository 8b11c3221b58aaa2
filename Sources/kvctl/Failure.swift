// The one error of the program: a status, and one line for people.
//
// Invariant: a message is one line that begins with the name of the file it is about, where there
// is one, and ends with what helps, where that is known.

internal import Fenceline
internal import IndexExport
internal import SystemPackage

/// Why a command ends with a status other than 0.
struct Failure: Error {
  /// What the program ends with.
  let status: ExitStatus
  /// The line to print after "kvctl: ", or nil to end quietly.
  let message: String?

  init(_ status: ExitStatus, _ message: String?) {
    self.status = status
    self.message = message
  }

  /// There is no such key: scripts ask for the status, a line would be noise.
  static let notFound = Failure(.notFound, nil)

  /// What the store reports.
  ///
  /// - Parameters:
  ///   - error: what it reports.
  ///   - isCreating: the command creates a missing store.
  init(_ error: StoreError, isCreating: Bool = false) {
    self.init(
      ExitStatus(error, isCreating: isCreating),
      error.description + Self.advice(error)
    )
  }

  /// What keeps an enumeration from being complete.
  ///
  /// - Parameters:
  ///   - damage: what the store reports.
  ///   - remainder: what became of the entries that are sound.
  init(_ damage: StoreError, remainder: String) {
    self.init(ExitStatus(damage, isCreating: false), "\(damage); \(remainder)")
  }

  /// What the export to SQLite reports.
  init(_ error: IndexExportError) {
    self.init(ExitStatus(error), error.description)
  }

  /// A failed system call on a file other than the store's.
  init(_ error: Errno, on file: String, isCreating: Bool = false) {
    self.init(ExitStatus(error, isCreating: isCreating), "\(file): \(error)")
  }

  /// What helps, for errors whose description does not say so already.
  private static func advice(_ error: StoreError) -> String {
    switch error {
    case .noStore: "; 'kvctl put' and 'kvctl import' create one"
    case .locked: "; try again when that has ended"
    case .isBackup: " ('kvctl restore')"
    case .noBackup: "; 'kvctl backup' makes one"
    case .corrupt(_, _, .recordHeader), .corrupt(_, _, .recordBody), .corrupt(_, _, .recordOrder),
      .corrupt(_, _, .journalEndsEarly):
      "; 'kvctl verify' lists all damage, 'kvctl export' saves what is sound"
    default: ""
    }
  }
}

/// Runs `body` and gives its failure a status.
func reportingStoreErrors<R>(
  isCreating: Bool = false,
  _ body: () throws(StoreError) -> R
) throws(Failure) -> R {
  do throws(StoreError) { return try body() } catch {
    throw Failure(error, isCreating: isCreating)
  }
}
