// A file that takes another's place when it is complete. Every system call of the export goes
// through this file, but SQLite's own.
//
// Invariant: until `publish` has renamed it, the file has a name of its own beside the target, and
// its owner's end removes it. Only a process that is killed leaves one behind.

internal import Glibc
internal import SystemPackage

/// A new file beside a target that it is to replace.
struct ReplacementFile: ~Copyable {
  /// What is replaced; links are followed.
  let target: FilePath
  /// Where the new file stands until then; never starts with "file:" or ":".
  let path: FilePath
  private let directory: FilePath
  private let descriptor: Int32
  private var isPublished = false

  /// Creates an empty file that only its owner may read, or whoever may read the target.
  ///
  /// - Throws: ``IndexExportError/notAnIndex(_:)`` where the target is neither empty nor what
  ///   `isReplaceable` takes; ``IndexExportError/inUse(journal:)``; and what the system says.
  init(for target: FilePath, isReplaceable: (RawSpan) -> Bool) throws(IndexExportError) {
    let target = Self.resolve(target)
    let permissions = try Self.check(target, isReplaceable)
    let directory =
      target.isRelative
      ? FilePath(".").pushing(target.removingLastComponent()) : target.removingLastComponent()
    let suffix = String(UInt64.random(in: 0 ... .max), radix: 16)
    let path = directory.appending(".fenceline-index-\(suffix).tmp")
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    descriptor = try Self.call("open", target) {
      unsafe path.withPlatformString { unsafe Glibc.open($0, flags, permissions ?? 0o600) }
    }
    self.target = target
    self.directory = directory
    self.path = path
    // The mode at creation went through the process's mask. A file system without modes says no.
    if let permissions { _ = Glibc.fchmod(descriptor, permissions) }
  }

  deinit {
    _ = Glibc.close(descriptor)
    if !isPublished { unsafe path.withPlatformString { unsafe _ = Glibc.unlink($0) } }
  }

  /// Takes the target's place in one step, which nobody sees halves of.
  ///
  /// - Durability: the file's bytes are durable before it has the name; the name is on return.
  mutating func publish() throws(IndexExportError) {
    try Self.call("fsync", target) { [descriptor] in Glibc.fsync(descriptor) }
    try Self.call("rename", target) { [path, target] in
      unsafe path.withPlatformString { old in
        unsafe target.withPlatformString { new in unsafe Glibc.rename(old, new) }
      }
    }
    isPublished = true
    let handle = try Self.open(directory, O_RDONLY | O_DIRECTORY)
    defer { _ = Glibc.close(handle) }
    try Self.call("fsync", directory) { Glibc.fsync(handle) }
  }

  // MARK: The target

  /// The corresponding C function is `realpath`; a path to nothing stays as it is.
  static func resolve(_ path: FilePath) -> FilePath {
    unsafe path.withPlatformString { path in
      guard let resolved = unsafe Glibc.realpath(path, nil) else {
        return unsafe FilePath(platformString: path)
      }
      defer { unsafe free(resolved) }
      return unsafe FilePath(platformString: resolved)
    }
  }

  /// Refuses a target that must not be replaced; gives its permissions, or nil for nothing there.
  private static func check(
    _ target: FilePath,
    _ isReplaceable: (RawSpan) -> Bool
  ) throws(IndexExportError) -> mode_t? {
    // SQLite would roll a rollback journal or a write-ahead log back into the new file.
    for suffix in ["-journal", "-wal"] {
      guard let name = target.lastComponent else { break }
      let journal = target.removingLastComponent().appending(name.string + suffix)
      let status = unsafe journal.withPlatformString { unsafe Glibc.access($0, F_OK) }
      guard status != 0 else { throw .inUse(journal: journal) }
    }
    guard let (bytes, permissions) = try start(ofFileAt: target) else { return nil }
    // SAFETY: a byte has no padding that reading its raw memory could show.
    guard bytes.isEmpty || isReplaceable(unsafe bytes.span.bytes) else {
      throw .notAnIndex(target)
    }
    return permissions
  }

  /// The first bytes of a file, as many as tell an index, and its permissions; nil where nothing
  /// stands there.
  static func start(
    ofFileAt target: FilePath
  ) throws(IndexExportError) -> (bytes: [UInt8], permissions: mode_t)? {
    let descriptor: Int32
    do throws(IndexExportError) {
      descriptor = try open(target, O_RDONLY | O_NONBLOCK)
    } catch {
      if case .system(_, _, .noSuchFileOrDirectory) = error { return nil }
      throw error
    }
    defer { _ = Glibc.close(descriptor) }
    var status = stat()
    try call("fstat", target) { unsafe Glibc.fstat(descriptor, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      if status.st_mode & S_IFMT == S_IFDIR {
        throw .system(operation: "open", path: target, cause: .isDirectory)
      }
      throw .notAnIndex(target)
    }
    let bytes = try start(of: descriptor, min(128, Int(status.st_size)), target)
    return (bytes, status.st_mode & 0o777)
  }

  /// The first `count` bytes of a file that has them: one that is only read in part must not pass for
  /// another one, or for an empty one.
  private static func start(
    of descriptor: Int32,
    _ count: Int,
    _ path: FilePath
  ) throws(IndexExportError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = try call("read", path) {
        unsafe bytes.withUnsafeMutableBytes {
          let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[done...])
          return unsafe Glibc.pread(descriptor, rest.baseAddress, rest.count, off_t(done))
        }
      }
      guard got > 0 else { throw .system(operation: "read", path: path, cause: .ioError) }
      done += got
    }
    return bytes
  }

  // MARK: Calls

  /// The corresponding C function is `open`.
  private static func open(_ path: FilePath, _ flags: Int32) throws(IndexExportError) -> Int32 {
    try call("open", path) {
      unsafe path.withPlatformString { unsafe Glibc.open($0, flags | O_CLOEXEC) }
    }
  }

  /// Runs `body` until it does not fail with EINTR; a negative result is `errno`.
  @discardableResult
  private static func call<Value: SignedInteger>(
    _ operation: String,
    _ path: FilePath,
    _ body: () -> Value
  ) throws(IndexExportError) -> Value {
    while true {
      let result = body()
      if result >= 0 { return result }
      let cause = Errno(rawValue: errno)
      if cause == .interrupted { continue }
      throw .system(operation: operation, path: path, cause: cause)
    }
  }
}
