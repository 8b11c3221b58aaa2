// The one place where a store's errors get their numbers, and where their text is kept.

internal import CFenceline
internal import Fenceline
internal import SystemPackage

// C's enumeration constants arrive as Int.
extension CInt {
  static var done: CInt { CInt(truncatingIfNeeded: FENCELINE_DONE) }
  static var notFound: CInt { CInt(truncatingIfNeeded: FENCELINE_NOT_FOUND) }
  static var different: CInt { CInt(truncatingIfNeeded: FENCELINE_DIFFERENT) }
}

extension StoreError {
  /// The error's number in fenceline.h.
  var number: CInt {
    let number =
      switch self {
      case .noStore: FENCELINE_ERROR_NO_STORE
      case .notAStore, .isBackup: FENCELINE_ERROR_NOT_A_STORE
      case .locked: FENCELINE_ERROR_LOCKED
      case .corrupt: FENCELINE_ERROR_CORRUPT
      case .newerFormat: FENCELINE_ERROR_NEWER_FORMAT
      case .mediaError: FENCELINE_ERROR_MEDIA
      case .full: FENCELINE_ERROR_FULL
      case .system(_, _, .permissionDenied), .system(_, _, .notPermitted),
        .system(_, _, .readOnlyFileSystem):
        FENCELINE_ERROR_PERMISSION
      case .system: FENCELINE_ERROR_SYSTEM
      case .keyTooLong: FENCELINE_ERROR_KEY_TOO_LONG
      case .valueTooLong: FENCELINE_ERROR_VALUE_TOO_LONG
      case .readOnly: FENCELINE_ERROR_READ_ONLY
      case .poisoned: FENCELINE_ERROR_POISONED
      case .insufficientDurability: FENCELINE_ERROR_SURVIVAL
      case .copyCoreUnavailable: FENCELINE_ERROR_UNAVAILABLE
      case .forked: FENCELINE_ERROR_FORKED
      case .addressSpaceExhausted, .namespacesExhausted: FENCELINE_ERROR_ADDRESS_SPACE
      case .noNamespace: FENCELINE_ERROR_NO_NAMESPACE
      case .namespaceExists: FENCELINE_ERROR_NAMESPACE_EXISTS
      case .conflict: FENCELINE_ERROR_CONFLICT
      // A closed store has no handle any more, and no visitor runs inside a transaction.
      case .closed, .nestedWrite, .pastIsGone, .notYetWritten, .invalidNamespaceName:
        FENCELINE_ERROR_INVALID_ARGUMENT
      // Backups are made and restored elsewhere.
      case .noBackup, .notABackup, .otherBackup, .notEmpty: FENCELINE_ERROR_INVALID_ARGUMENT
      case .changesAreGone: FENCELINE_ERROR_CHANGES_GONE
      case .unknownToken: FENCELINE_ERROR_UNKNOWN_TOKEN
      }
    return CInt(truncatingIfNeeded: number)
  }
}

/// Keeps an error's text for this thread.
///
/// - Returns: the error's number.
@inline(never)
func failure(_ error: StoreError) -> CInt {
  keep(error.description)
  return error.number
}

/// Keeps a text that says what is wrong with an argument.
///
/// - Returns: the number of an invalid argument.
@inline(never)
func invalidArgument(_ text: StaticString) -> CInt {
  keep(text.description)
  return CInt(FENCELINE_ERROR_INVALID_ARGUMENT)
}

/// Keeps the text of a buffer that is too small.
///
/// - Returns: its number.
@inline(never)
func bufferTooSmall(_ capacity: Int, needed: Int) -> CInt {
  keep("a value of \(needed) bytes does not fit into a buffer of \(capacity)")
  return CInt(FENCELINE_ERROR_BUFFER_TOO_SMALL)
}

private func keep(_ text: String) {
  var text = text
  text.withUTF8 { (bytes) in
    // SAFETY: the bytes are copied during the call.
    unsafe bytes.withMemoryRebound(to: CChar.self) { (bytes) in
      guard let start = bytes.baseAddress else { return }
      unsafe fenceline_keep_last_error(start, bytes.count)
    }
  }
}
