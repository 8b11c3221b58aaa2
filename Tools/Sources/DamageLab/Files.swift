// Small files as byte strings. The one file here that calls the system.

internal import Glibc
internal import PersistentMemory
package import SystemPackage

/// A file of a sample store.
package struct SampleFile: Sendable, Equatable {
  package let name: String
  package var contents: ByteString

  package init(name: String, contents: ByteString) {
    (self.name, self.contents) = (name, contents)
  }
}

package enum Files {
  /// All bytes of a file, or nil where there is none.
  package static func read(_ path: FilePath) throws -> ByteString? {
    let file: FileDescriptor
    do { file = try FileDescriptor.open(path, .readOnly) } catch Errno.noSuchFileOrDirectory {
      return nil
    }
    return try file.closeAfter {
      let length = Int(try file.seek(offset: 0, from: .end))
      return unsafe try ByteString(unsafeUninitializedCapacity: length) { (buffer, count) in
        while count < length {
          let whole = UnsafeMutableRawBufferPointer(buffer)
          let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[count...])
          let done = unsafe try file.read(fromAbsoluteOffset: Int64(count), into: rest)
          if done == 0 { break }
          count += done
        }
      }
    }
  }

  /// Writes `bytes` at `offset` of an existing file.
  static func write(_ bytes: ByteString, at offset: Int, to path: FilePath) throws {
    let file = try FileDescriptor.open(path, .writeOnly)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: Int64(offset), bytes) }
  }

  /// Gives a file, new or not, the length and contents of `bytes`.
  package static func replace(_ path: FilePath, with bytes: ByteString) throws {
    let file = try FileDescriptor.open(
      path,
      .writeOnly,
      options: [.create],
      permissions: .ownerReadWrite
    )
    try file.closeAfter {
      if try file.seek(offset: 0, from: .end) != bytes.count {
        try file.resize(to: Int64(bytes.count))
      }
      _ = try file.writeAll(toAbsoluteOffset: 0, bytes)
    }
  }

  /// Gives an existing file another length.
  static func resize(_ path: FilePath, to length: Int) throws {
    let file = try FileDescriptor.open(path, .writeOnly)
    try file.closeAfter { try file.resize(to: Int64(length)) }
  }

  /// Removes a name, which may be gone already.
  package static func remove(_ path: FilePath) { unsafe _ = path.withPlatformString(unlink) }

  /// Names in a directory, sorted.
  package static func names(in path: FilePath) throws -> [String] {
    try FileSystemDirectory.names(in: path).sorted()
  }

  /// Makes a directory, which may be there already.
  package static func makeDirectory(_ path: FilePath) throws {
    let status = unsafe path.withPlatformString { unsafe mkdir($0, 0o700) }
    if status != 0, errno != EEXIST { throw Errno(rawValue: errno) }
  }

  /// Removes a directory and the files in it.
  package static func removeDirectory(_ path: FilePath) {
    for name in (try? names(in: path)) ?? [] { remove(path.appending(name)) }
    unsafe _ = path.withPlatformString(rmdir)
  }

  /// Whether two pieces of memory hold the same.
  package static func areEqual(_ left: RawSpan, _ right: ByteString) -> Bool {
    guard left.byteCount == right.count else { return false }
    // SAFETY: both have as many bytes as are compared, and are read during the call only.
    return unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
        return unsafe memcmp(first, second, left.count) == 0
      }
    }
  }

  /// The segments of a store, by name.
  static func segments(in path: FilePath) throws -> [SampleFile] {
    try names(in: path).filter { $0.hasSuffix(".segment") }.map {
      SampleFile(name: $0, contents: try read(path.appending($0)) ?? [])
    }
  }
}
