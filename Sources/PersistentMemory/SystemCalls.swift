// Every system call of the library goes through this file. Each wrapper names its C function, makes
// the cause a typed error and retries nothing but EINTR.

internal import CPlatform
internal import Glibc
internal import SystemPackage

/// Thin wrappers over the C library, with typed errors.
enum SystemCalls {
  /// Runs `body` until it does not fail with EINTR; a negative result is `errno`.
  @discardableResult
  private static func check<Value: SignedInteger>(
    _ operation: String,
    _ path: FilePath,
    _ body: () -> Value
  ) throws(MediumError) -> Value {
    while true {
      let result = body()
      if result >= 0 { return result }
      let cause = Errno(rawValue: errno)
      if cause == .interrupted { continue }
      throw MediumError(operation: operation, path: path, cause: cause)
    }
  }

  /// The corresponding C function is `open`.
  static func open(
    _ path: FilePath,
    _ flags: Int32,
    mode: mode_t = 0o600
  ) throws(MediumError) -> OwnedDescriptor {
    let descriptor = try check("open", path) {
      unsafe path.withPlatformString { unsafe Glibc.open($0, flags | O_CLOEXEC, mode) }
    }
    return OwnedDescriptor(rawValue: descriptor)
  }

  /// The corresponding C function is `mkdir`.
  static func makeDirectory(_ path: FilePath) throws(MediumError) {
    try check("mkdir", path) { unsafe path.withPlatformString { unsafe Glibc.mkdir($0, 0o700) } }
  }

  /// The corresponding C function is `rmdir`.
  static func removeDirectory(_ path: FilePath) throws(MediumError) {
    try check("rmdir", path) { unsafe path.withPlatformString { unsafe Glibc.rmdir($0) } }
  }

  /// The corresponding C function is `rename`.
  static func rename(_ path: FilePath, to new: FilePath) throws(MediumError) {
    try check("rename", new) {
      unsafe path.withPlatformString { (path) in
        unsafe new.withPlatformString { unsafe Glibc.rename(path, $0) }
      }
    }
  }

  /// The corresponding C function is `mkdirat`.
  static func makeDirectory(
    _ name: String,
    in directory: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = directory.rawValue
    try check("mkdir", path) { unsafe Glibc.mkdirat(raw, name, 0o700) }
  }

  /// The corresponding C function is `unlinkat` with `AT_REMOVEDIR`.
  static func removeDirectory(
    _ name: String,
    in directory: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = directory.rawValue
    try check("rmdir", path) { unsafe Glibc.unlinkat(raw, name, AT_REMOVEDIR) }
  }

  /// The corresponding C function is `openat`.
  static func open(
    _ name: String,
    in directory: borrowing OwnedDescriptor,
    _ flags: Int32,
    _ path: FilePath
  ) throws(MediumError) -> OwnedDescriptor {
    let raw = directory.rawValue
    let descriptor = try check("open", path) {
      unsafe Glibc.openat(raw, name, flags | O_CLOEXEC, 0o600)
    }
    return OwnedDescriptor(rawValue: descriptor)
  }

  /// The corresponding C function is `unlinkat`.
  static func unlink(
    _ name: String,
    in directory: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = directory.rawValue
    try check("unlink", path) { unsafe Glibc.unlinkat(raw, name, 0) }
  }

  /// The corresponding C function is `renameat2`, with `RENAME_NOREPLACE` unless a file may be replaced.
  static func rename(
    _ old: String,
    to new: String,
    in directory: borrowing OwnedDescriptor,
    _ path: FilePath,
    replacing: Bool
  ) throws(MediumError) {
    let raw = directory.rawValue
    try check("rename", path) {
      replacing
        ? unsafe Glibc.renameat(raw, old, raw, new) : unsafe cp_rename_exclusively(raw, old, new)
    }
  }

  /// The corresponding C function is `flock` with `LOCK_EX | LOCK_NB`.
  static func lockExclusively(
    _ descriptor: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = descriptor.rawValue
    try check("flock", path) { cp_lock_exclusively(raw) }
  }

  /// The corresponding C function is `fstat`; gives the file's length and whether it is regular.
  static func status(
    _ descriptor: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) -> FileStatus {
    let raw = descriptor.rawValue
    var buffer = stat()
    try check("fstat", path) { unsafe Glibc.fstat(raw, &buffer) }
    return FileStatus(
      length: Int(buffer.st_size),
      allocatedBytes: Int(buffer.st_blocks) * 512,
      isRegular: buffer.st_mode & S_IFMT == S_IFREG
    )
  }

  /// The corresponding C function is `fstatat`; gives the blocks of what bears a name, in bytes.
  static func allocatedBytes(
    of name: String,
    in directory: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) -> Int {
    let raw = directory.rawValue
    var buffer = stat()
    try check("fstatat", path) {
      unsafe Glibc.fstatat(raw, name, &buffer, AT_SYMLINK_NOFOLLOW)
    }
    return Int(buffer.st_blocks) * 512
  }

  /// The corresponding C function is `ftruncate`.
  static func truncate(
    _ descriptor: borrowing OwnedDescriptor,
    length: Int,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = descriptor.rawValue
    try check("ftruncate", path) { Glibc.ftruncate(raw, off_t(length)) }
  }

  /// The corresponding C function is `fstatfs`; gives the file system's magic number.
  static func fileSystemType(
    _ descriptor: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) -> Int {
    let raw = descriptor.rawValue
    return try check("fstatfs", path) { cp_file_system_type(raw) }
  }

  /// The corresponding C function is `posix_fallocate`: `length` bytes from 0 exist afterwards.
  static func allocate(
    _ descriptor: borrowing OwnedDescriptor,
    length: Int,
    _ path: FilePath
  ) throws(MediumError) {
    while true {
      let cause = Glibc.posix_fallocate(descriptor.rawValue, 0, off_t(length))
      if cause == 0 { return }
      if cause == EINTR { continue }
      throw MediumError(operation: "posix_fallocate", path: path, cause: Errno(rawValue: cause))
    }
  }

  /// The corresponding C function is `fallocate` with `FALLOC_FL_PUNCH_HOLE`: gives blocks back,
  /// keeps the length.
  ///
  /// Best effort: a file system that can't keeps the blocks.
  static func punchHole(_ descriptor: borrowing OwnedDescriptor, _ range: Range<Int>) {
    _ = cp_punch_hole(descriptor.rawValue, Int64(range.lowerBound), Int64(range.count))
  }

  /// The corresponding C function is `pwrite`, repeated until everything is written.
  static func write(
    _ bytes: UnsafeRawBufferPointer,
    to descriptor: borrowing OwnedDescriptor,
    at offset: Int,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = descriptor.rawValue
    var done = 0
    while done < bytes.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = try check("pwrite", path) {
        unsafe Glibc.pwrite(raw, rest.baseAddress, rest.count, off_t(offset + done))
      }
      // A device that takes nothing and gives no reason would be asked for ever.
      guard count > 0 else { throw MediumError(operation: "pwrite", path: path, cause: .ioError) }
      done += count
    }
  }

  /// The corresponding C function is `fdatasync`.
  static func synchronizeData(
    _ descriptor: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = descriptor.rawValue
    try check("fdatasync", path) { Glibc.fdatasync(raw) }
  }

  /// The corresponding C function is `fsync`.
  static func synchronize(
    _ descriptor: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) {
    let raw = descriptor.rawValue
    try check("fsync", path) { Glibc.fsync(raw) }
  }

  /// The corresponding C function is `mmap`.
  static func map(
    _ descriptor: borrowing OwnedDescriptor,
    length: Int,
    protection: Int32,
    flags: Int32,
    _ path: FilePath
  ) throws(MediumError) -> UnsafeMutableRawPointer {
    unsafe try leavingMemory(
      Glibc.mmap(nil, length, protection, flags, descriptor.rawValue, 0),
      length: length,
      path
    )
  }

  /// What `mmap` has returned, given back where nothing is left beside it: allocations of Swift's
  /// that come next would end the process.
  private static func leavingMemory(
    _ address: UnsafeMutableRawPointer?,
    length: Int,
    _ path: FilePath
  ) throws(MediumError) -> UnsafeMutableRawPointer {
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw MediumError(operation: "mmap", path: path, cause: Errno(rawValue: errno))
    }
    guard cp_leaves_memory() else {
      unsafe unmap(address, length: length)
      throw MediumError(operation: "mmap", path: path, cause: .noMemory)
    }
    return unsafe address
  }

  /// The corresponding C function is `mmap` with `MAP_ANONYMOUS`.
  static func mapAnonymous(
    length: Int,
    for path: FilePath
  ) throws(MediumError) -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    return unsafe try leavingMemory(
      Glibc.mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0),
      length: length,
      path
    )
  }

  /// The corresponding C function is `munmap`; fails only on misuse.
  static func unmap(_ address: UnsafeMutableRawPointer, length: Int) {
    let result = unsafe Glibc.munmap(address, length)
    precondition(result == 0, "munmap of a range that was not mapped")
  }

  /// The corresponding C function is `madvise` with `MADV_POPULATE_WRITE`: faults in every page
  /// before the first append does.
  ///
  /// Best effort: older kernels fault on demand.
  static func prefault(_ address: UnsafeMutableRawPointer, length: Int) {
    let populateForWriting: Int32 = 23
    _ = unsafe Glibc.madvise(address, length, populateForWriting)
  }

  /// The same for reading: maps what is in memory.
  static func prefaultToRead(_ address: UnsafeMutableRawPointer, length: Int) {
    let populateForReading: Int32 = 22
    _ = unsafe Glibc.madvise(address, length, populateForReading)
  }

  /// The corresponding C functions are `fdopendir` and `readdir`: the names in a directory.
  ///
  /// Without "." and "..", in no particular order.
  static func names(
    in descriptor: borrowing OwnedDescriptor,
    _ path: FilePath
  ) throws(MediumError) -> [String] {
    // A descriptor of its own: the stream keeps a position and closes it.
    let raw = try open(".", in: descriptor, O_RDONLY | O_DIRECTORY, path).release()
    guard let directory = unsafe Glibc.fdopendir(raw) else {
      let cause = Errno(rawValue: errno)
      _ = Glibc.close(raw)
      throw MediumError(operation: "fdopendir", path: path, cause: cause)
    }
    defer { unsafe _ = Glibc.closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe Glibc.readdir(directory) else {
        if errno == EINTR { continue }
        break
      }
      // SAFETY: d_name is a NUL-terminated string inside the entry, valid until the next call.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      if name != "." && name != ".." { names.append(name) }
    }
    guard errno == 0 else {
      throw MediumError(operation: "readdir", path: path, cause: Errno(rawValue: errno))
    }
    return names
  }

  /// The corresponding C function is `getenv`.
  static func environment(_ name: String) -> String? {
    unsafe Glibc.getenv(name).map { unsafe String(cString: $0) }
  }
}

/// What `fstat` tells of a file.
struct FileStatus {
  let length: Int
  let allocatedBytes: Int
  let isRegular: Bool
}

/// A file descriptor that is closed with its owner.
struct OwnedDescriptor: ~Copyable {
  let rawValue: Int32

  init(rawValue: Int32) { self.rawValue = rawValue }

  /// The descriptor of what is no file.
  static var none: OwnedDescriptor { OwnedDescriptor(rawValue: -1) }

  /// Gives the descriptor to another owner.
  consuming func release() -> Int32 {
    let rawValue = rawValue
    discard self
    return rawValue
  }

  /// Whether there is a file.
  var isFile: Bool { rawValue >= 0 }

  deinit { if isFile { _ = Glibc.close(rawValue) } }
}
