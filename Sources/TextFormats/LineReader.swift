// Lines from a file descriptor, one at a time, of any length.
//
// A line ends at a newline byte, which is not part of it, or at the end of the input. Nothing else
// is interpreted: a carriage return before the newline is data, a zero byte too.
// Invariant: lineStart <= lineEnd <= scanned <= filled <= buffer.count, and bytes
// lineEnd..<filled are read but not yet handed out.

internal import CPlatform
package import SystemPackage

/// Reads lines from a file descriptor, which it neither owns nor closes.
package struct LineReader: ~Copyable {
  private let source: FileDescriptor
  private var buffer: [UInt8]
  private var line: Range<Int> = 0..<0
  /// Where the next line starts, behind the current one's newline.
  private var next = 0
  private var filled = 0
  private var isAtEnd = false

  /// The current line's number, from 1; 0 before the first.
  package private(set) var lineNumber = 0

  /// Creates a reader at the descriptor's current position.
  ///
  /// - Parameters:
  ///   - source: An open descriptor; a pipe or terminal will do.
  ///   - bufferSizeInBytes: How much to ask for at once; the buffer grows with the longest line.
  package init(_ source: FileDescriptor, bufferSizeInBytes: Int = 1 << 18) {
    precondition(bufferSizeInBytes > 0, "a reader needs a buffer")
    self.source = source
    buffer = [UInt8](repeating: 0, count: bufferSizeInBytes)
  }

  /// Steps to the next line.
  ///
  /// - Returns: False at the end of the input; there is no current line then.
  /// - Throws: The failure of `read(2)`; interrupted reads are repeated.
  /// - Complexity: Amortised O(length of the line)
  package mutating func advance() throws(Errno) -> Bool {
    var scanned = next
    while true {
      if let newline = buffer.firstIndex(of: UInt8(ascii: "\n"), in: scanned..<filled) {
        return step(toLineEndingAt: newline, next: newline + 1)
      }
      scanned = filled
      if isAtEnd {
        guard next < filled else {
          line = next..<next
          return false
        }
        return step(toLineEndingAt: filled, next: filled)
      }
      scanned -= try makeRoom()
      try fill()
    }
  }

  /// Gives the current line, without its newline.
  package func withLine<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(buffer.span.extracting(line))
  }

  /// Makes `next..<end` the current line.
  private mutating func step(toLineEndingAt end: Int, next newNext: Int) -> Bool {
    line = next..<end
    next = newNext
    lineNumber += 1
    return true
  }

  /// Makes sure that there is space behind `filled`; returns by how much the bytes moved down.
  ///
  /// - Throws: `noMemory` where the line is longer than what there is memory for.
  private mutating func makeRoom() throws(Errno) -> Int {
    let moved = next
    if moved > 0 {
      buffer.moveToFront(next..<filled)
      filled -= moved
      next = 0
      line = 0..<0
    }
    if filled == buffer.count {
      // Three times: what is decoded from a line is as long as the line.
      guard cp_has_memory(3 * buffer.count) else { throw .noMemory }
      buffer.append(contentsOf: repeatElement(0, count: buffer.count))
    }
    return moved
  }

  /// Reads once into the free space.
  private mutating func fill() throws(Errno) {
    let start = filled
    let descriptor = source
    do {
      // SAFETY: the slice lies inside the array, and `read` writes at most its length.
      let count = try unsafe buffer.withUnsafeMutableBytes { bytes in
        try unsafe descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
      }
      filled += count
      isAtEnd = count == 0
    } catch {
      // Untyped in its declaration; it throws nothing else.
      throw (error as? Errno) ?? .ioError
    }
  }
}
