// A buffered writer over write(2): standard output, or a file.
//
// Invariant: after `flush()` returned, every byte was taken by the kernel; a failure is reported
// once, with the output's name, and ends the command.

internal import SystemPackage

/// Collects bytes and writes them in large pieces.
struct Output: ~Copyable {
  /// What messages call it.
  let name: String
  private let descriptor: FileDescriptor
  private var buffer: [UInt8] = []

  private static let pieceSize = 1 << 16

  init(_ descriptor: FileDescriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
    buffer.reserveCapacity(2 * Self.pieceSize)
  }

  /// What the command prints.
  static func standard() -> Output { Output(.standardOutput, name: "standard output") }

  /// Lets `body` add bytes to the buffer, and writes it when it is full.
  mutating func append(_ body: (inout [UInt8]) -> Void) throws(Failure) {
    body(&buffer)
    if buffer.count >= Self.pieceSize { try flush() }
  }

  /// Adds text.
  mutating func append(_ text: String) throws(Failure) {
    try append { $0.append(contentsOf: text.utf8) }
  }

  /// Writes bytes behind what was added so far, without another copy.
  mutating func write(_ bytes: [UInt8]) throws(Failure) {
    try flush()
    try writeAll(bytes)
  }

  /// Writes what was added so far.
  mutating func flush() throws(Failure) {
    // Emptied first: after a failure nothing is written twice.
    var bytes: [UInt8] = []
    swap(&bytes, &buffer)
    try writeAll(bytes)
    bytes.removeAll(keepingCapacity: true)
    swap(&bytes, &buffer)
  }

  private func writeAll(_ bytes: [UInt8]) throws(Failure) {
    var written = 0
    while written < bytes.count {
      do throws(Errno) {
        written += try typingErrno {
          try unsafe bytes.withUnsafeBytes {
            // SAFETY: the slice lies inside the array, which lives through the call.
            try unsafe descriptor.write(UnsafeRawBufferPointer(rebasing: $0[written...]))
          }
        }
      } catch .resourceTemporarilyUnavailable {
        SystemCalls.wait(for: descriptor, toWrite: true)
      } catch {
        throw Failure(error, on: name)
      }
    }
  }
}
