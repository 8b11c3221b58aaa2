// Entries from a file descriptor: lines, decoded, with the line number added to every error.
//
// A malformed line is consumed: the caller may stop there or read on.

package import SystemPackage

/// Reads entries from a file descriptor, which it neither owns nor closes.
package struct EntryReader: ~Copyable {
  private var lines: LineReader
  private let format: TextFormat

  /// The number of the line read last, from 1; 0 before the first.
  package var lineNumber: Int { lines.lineNumber }

  /// Creates a reader at the descriptor's current position; the buffer's size is as for a `LineReader`.
  package init(_ source: FileDescriptor, format: TextFormat, bufferSizeInBytes: Int = 1 << 18) {
    lines = LineReader(source, bufferSizeInBytes: bufferSizeInBytes)
    self.format = format
  }

  /// Reads the next line's entry; nil at the end of the input.
  ///
  /// Every line stands for an entry: an empty line is malformed.
  ///
  /// - Complexity: Amortised O(length of the line)
  package mutating func next() throws(EntryReaderError) -> Entry? {
    do throws(Errno) {
      guard try lines.advance() else { return nil }
    } catch {
      throw .unreadable(error)
    }
    do throws(TextFormatError) {
      return try lines.withLine { (line) throws(TextFormatError) in try format.decode(line) }
    } catch {
      throw .malformed(line: lines.lineNumber, error)
    }
  }
}

/// Why there is no next entry.
package enum EntryReaderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The input could not be read.
  case unreadable(Errno)
  /// A line is not an entry; lines count from 1.
  case malformed(line: Int, TextFormatError)

  /// One line for people, without the input's name.
  package var description: String {
    switch self {
    case .unreadable(let error): "cannot read: \(error)"
    case .malformed(let line, let error): "line \(line): \(error)"
    }
  }
}
