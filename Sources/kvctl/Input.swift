// What a command reads: a file by its path, or standard input.

internal import Fenceline
internal import SystemPackage

/// An open input.
struct Input: ~Copyable {
  /// What messages call it.
  let name: String
  let descriptor: FileDescriptor

  /// What is piped into the command.
  static func standard() -> Input {
    Input(name: "standard input", descriptor: .standardInput)
  }

  /// Opens a file; "-" stands for standard input.
  static func open(_ path: FilePath) throws(Failure) -> Input {
    if path == "-" { return standard() }
    do throws(Errno) {
      let descriptor = try typingErrno { try FileDescriptor.open(path, .readOnly) }
      // A directory can be opened, and fails only when it is read.
      if try descriptor.stat().type == .directory { throw Errno.isDirectory }
      return Input(name: path.string, descriptor: descriptor)
    } catch {
      throw Failure(error, on: path.string)
    }
  }

  /// Everything up to the end, or up to one byte more than `limit`.
  func readAll(limit: Int) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var filled = 0
    while filled <= limit {
      if filled == bytes.count {
        guard Memory.isThere(2 * bytes.count) else { throw Failure(.noMemory, on: name) }
        bytes.append(contentsOf: repeatElement(0, count: max(1 << 16, bytes.count)))
      }
      do throws(Errno) {
        let count = try typingErrno {
          try unsafe bytes.withUnsafeMutableBytes {
            // SAFETY: the slice lies inside the array, and `read` writes at most its length.
            try unsafe descriptor.read(
              into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...])
            )
          }
        }
        if count == 0 { break }
        filled += count
      } catch .resourceTemporarilyUnavailable {
        SystemCalls.wait(for: descriptor, toWrite: false)
      } catch {
        throw Failure(error, on: name)
      }
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }
}
