// What can go wrong below the journal: one system call on one file. The store adds meaning.

package import SystemPackage

/// A failed operation on a store's files.
package struct MediumError: Error, Sendable, Equatable {
  /// The system call or library function that failed, by its C name.
  package let operation: String
  /// The file or directory that it was applied to.
  package let path: FilePath
  /// Where in the file, for a read.
  package let offset: Int
  /// The operating system's reason.
  package let cause: Errno

  package init(operation: String, path: FilePath, cause: Errno, offset: Int = 0) {
    self.offset = offset
    self.operation = operation
    self.path = path
    self.cause = cause
  }

  /// Whether the medium has no room left (disk, quota or size limit).
  package var isFull: Bool {
    cause == .noSpace || cause == Errno(rawValue: 122 /* EDQUOT */) || cause == .fileTooLarge
  }
}
