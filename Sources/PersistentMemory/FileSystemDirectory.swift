// A store's directory on a real file system: lock, probing, creation and mapping of segments.
//
// Everything goes by the directory's descriptor, never by its path: the directory may be moved, and the
// process may change its own, while a store is open.
//
// Invariant: while an instance that was opened for writing lives, its lock is held; the kernel
// gives it up when the process ends, however it ends.

internal import CFlush
internal import CPlatform
internal import Glibc
package import SystemPackage

/// A directory on a real file system.
package final class FileSystemDirectory: StoreDirectory {
  package let path: FilePath
  package let medium: MediumDescription
  private let core: CopyCore
  private let guardsReads: Bool
  private let directory: OwnedDescriptor
  private let lock: ForkSafeMutex<DirectoryLock?>
  /// The failure of `synchronize()`, behind which it never succeeds again.
  private let failedSync = ForkSafeMutex<MediumError?>(nil)
  private let generation = cp_fork_generation()

  /// Name of the file that a writer locks.
  package static let lockName = "lock"
  /// Name of the file that keeps room for a compaction.
  package static let reserveName = "reserve"
  /// Ending of a segment's name before it is published.
  package static let unpublishedSuffix = ".new"

  /// Opens the directory; for writing, takes its lock at once or fails with `EWOULDBLOCK`.
  ///
  /// - Parameters:
  ///   - path: where the directory is; it must exist.
  ///   - writable: takes the lock; otherwise nothing in the directory is touched.
  ///   - guardsReads: memory errors under mappings become typed errors by a process-wide handler.
  /// - Throws: ``MediumError``; of operation "fl_core_select" where the environment forces a copy
  ///   core that this CPU lacks.
  package init(path: FilePath, writable: Bool, guardsReads: Bool) throws(MediumError) {
    cp_fork_watch()
    self.path = path
    self.guardsReads = guardsReads
    directory = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
    if writable {
      let lockPath = path.appending(Self.lockName)
      let file = try SystemCalls.open(
        Self.lockName,
        in: directory,
        O_RDWR | O_CREAT | O_NOFOLLOW,
        lockPath
      )
      lock = ForkSafeMutex(try DirectoryLock(locking: consume file, lockPath))
    } else {
      lock = ForkSafeMutex(nil)
    }
    let found = try Self.probe(directory, path, writable: writable)
    switch found.kind {
    case .persistentMemory:
      guard let core = CopyCore.forPersistentMemory() else {
        throw MediumError(operation: "fl_core_select", path: path, cause: .invalidArgument)
      }
      self.core = core
    case .persistentMemoryWithFlushOnFailure, .file, .volatile:
      core = .plain()
    }
    medium = MediumDescription(kind: found.kind, isForced: found.isForced, core: core)
  }

  /// A handle that is let go gives its lock up at once, whoever was forked meanwhile.
  deinit { unlock() }

  /// Creates a directory that only its owner may enter.
  ///
  /// - Durability: its name is durable after `synchronizeName()`, as far as its parent may be read.
  package static func create(_ path: FilePath) throws(MediumError) {
    try SystemCalls.makeDirectory(path)
  }

  /// Decides by trying, never by the path's name.
  private static func probe(
    _ directory: borrowing OwnedDescriptor,
    _ path: FilePath,
    writable: Bool
  ) throws(MediumError) -> (kind: MediumKind, isForced: Bool) {
    if PersistentMemoryLibrary.isAvailable, supportsMapSync(directory, path, writable: writable) {
      let persistsCaches = PersistentMemoryLibrary.cachesArePersistent
      return (persistsCaches ? .persistentMemoryWithFlushOnFailure : .persistentMemory, false)
    }
    if PersistentMemoryLibrary.isForced { return (.persistentMemory, true) }
    let temporaryFileSystem = 0x0102_1994
    let ramFileSystem = 0x8584_58f6
    let type = try SystemCalls.fileSystemType(directory, path)
    return (type == temporaryFileSystem || type == ramFileSystem ? .volatile : .file, false)
  }

  /// Tries MAP_SYNC on a file without a name, or, where nothing may be written, on a file that is
  /// there.
  private static func supportsMapSync(
    _ directory: borrowing OwnedDescriptor,
    _ path: FilePath,
    writable: Bool
  ) -> Bool {
    if writable {
      let raw = cp_open_unnamed(directory.rawValue)
      if raw >= 0 {
        let unnamed = OwnedDescriptor(rawValue: raw)
        return cp_supports_map_sync(unnamed.rawValue, true)
      }
    }
    guard let names = try? SystemCalls.names(in: directory, path),
      let name = names.first(where: { $0 != lockName }),
      let file = try? SystemCalls.open(
        name,
        in: directory,
        O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
        path
      )
    else { return false }
    return cp_supports_map_sync(file.rawValue, false)
  }

  /// Whether there is a directory at `path`; an error where there is something else, or one that
  /// may not be read.
  package static func exists(_ path: FilePath) throws(MediumError) -> Bool {
    do throws(MediumError) {
      _ = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
      return true
    } catch {
      if error.cause == .noSuchFileOrDirectory { return false }
      throw error
    }
  }

  /// Gives a directory another name beside it; an empty directory of that name goes.
  ///
  /// - Durability: the name is durable after `synchronizeName()`.
  package static func rename(_ path: FilePath, to new: FilePath) throws(MediumError) {
    try SystemCalls.rename(path, to: new)
  }

  /// Removes a directory in which nothing is left but its lock; others stay.
  package static func removeEmptied(_ path: FilePath) throws(MediumError) {
    let lock = path.appending(lockName)
    guard try names(in: path).allSatisfy({ $0 == lockName }) else { return }
    try SystemCalls.unlink(lockName, in: try SystemCalls.open(path, O_RDONLY | O_DIRECTORY), lock)
    try SystemCalls.removeDirectory(path)
  }

  /// Names of everything in a directory.
  package static func names(in path: FilePath) throws(MediumError) -> [String] {
    try SystemCalls.names(in: try SystemCalls.open(path, O_RDONLY | O_DIRECTORY), path)
  }

  // MARK: StoreDirectory

  package func unlock() {
    // In a child another thread of its parent may have held the mutex for ever.
    guard generation == cp_fork_generation() else { return }
    lock.withLock { $0 = nil }
  }

  package func names() throws(MediumError) -> [String] {
    try SystemCalls.names(in: directory, path)
  }

  package func openSegment(
    named name: String,
    writable: Bool
  ) throws(MediumError) -> SegmentFile {
    let file = path.appending(name)
    let access = writable ? O_RDWR : O_RDONLY
    let descriptor = try SystemCalls.open(
      name,
      in: directory,
      access | O_NOFOLLOW | O_NONBLOCK,
      file
    )
    let status = try SystemCalls.status(descriptor, file)
    guard status.isRegular else {
      throw MediumError(operation: "open", path: file, cause: .tooManySymbolicLinkLevels)
    }
    guard status.length > 0 else {
      throw MediumError(operation: "mmap", path: file, cause: .invalidArgument)
    }
    return try map(consume descriptor, length: status.length, file, writable: writable)
  }

  package func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    let file = path.appending(name)
    let unpublished = name + Self.unpublishedSuffix
    // One left over from a crash has no contents that anyone was told of.
    try removeIfThere(unpublished, file)
    let descriptor = try SystemCalls.open(
      unpublished,
      in: directory,
      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
      file
    )
    do {
      try SystemCalls.allocate(descriptor, length: length, file)
      return try map(consume descriptor, length: length, file, writable: true)
    } catch {
      try? SystemCalls.unlink(unpublished, in: directory, file)
      throw error
    }
  }

  package func publishSegment(named name: String, replacing: Bool) throws(MediumError) {
    try SystemCalls.rename(
      name + Self.unpublishedSuffix,
      to: name,
      in: directory,
      path.appending(name),
      replacing: replacing
    )
  }

  private func map(
    _ descriptor: consuming OwnedDescriptor,
    length: Int,
    _ file: FilePath,
    writable: Bool
  ) throws(MediumError) -> SegmentFile {
    let allocated = try SystemCalls.status(descriptor, file).allocatedBytes
    let address: UnsafeMutableRawPointer
    let owner: MappedRegion.Owner
    switch medium.kind {
    case .persistentMemory, .persistentMemoryWithFlushOnFailure:
      if writable {
        unsafe address = try PersistentMemoryLibrary.map(descriptor, length: length, file)
        owner = .persistentMemoryLibrary
        break
      }
      fallthrough
    case .file, .volatile:
      let writes = writable && medium.kind != .file
      unsafe address = try SystemCalls.map(
        descriptor,
        length: length,
        protection: writes ? PROT_READ | PROT_WRITE : PROT_READ,
        flags: MAP_SHARED,
        file
      )
      owner = .memoryMap
    }
    return SegmentFile(
      path: file,
      mapping: unsafe MappedRegion(
        taking: address,
        length: length,
        owner: owner,
        isGuarded: guardsReads
      ),
      descriptor: writable ? consume descriptor : .none,
      allocatedBytes: allocated,
      core: core,
      isStaged: medium.kind == .file
    )
  }

  package func synchronizeSegment(named name: String) throws(MediumError) {
    let file = path.appending(name)
    let access = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
    let descriptor = try SystemCalls.open(name, in: directory, access, file)
    try keepingFailure { () throws(MediumError) in
      try SystemCalls.synchronizeData(descriptor, file)
    }
  }

  package func removeSegment(named name: String) throws(MediumError) {
    try SystemCalls.unlink(name, in: directory, path.appending(name))
  }

  package func setReserve(_ length: Int) throws(MediumError) {
    let file = path.appending(Self.reserveName)
    guard length > 0 else { return try removeIfThere(Self.reserveName, file) }
    let descriptor = try SystemCalls.open(
      Self.reserveName,
      in: directory,
      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
      file
    )
    if try SystemCalls.status(descriptor, file).length == length { return }
    do {
      try SystemCalls.truncate(descriptor, length: length, file)
      try SystemCalls.allocate(descriptor, length: length, file)
    } catch {
      try? SystemCalls.unlink(Self.reserveName, in: directory, file)
      throw error
    }
  }

  private func removeIfThere(_ name: String, _ file: FilePath) throws(MediumError) {
    do throws(MediumError) { try SystemCalls.unlink(name, in: directory, file) } catch {
      guard error.cause == .noSuchFileOrDirectory else { throw error }
    }
  }

  package func allocatedBytes() throws(MediumError) -> Int {
    var sum = try SystemCalls.status(directory, path).allocatedBytes
    for name in try names() {
      // One may go at any moment.
      sum += (try? SystemCalls.allocatedBytes(of: name, in: directory, path)) ?? 0
    }
    return sum
  }

  package func synchronize() throws(MediumError) {
    try keepingFailure { () throws(MediumError) in try SystemCalls.synchronize(directory, path) }
  }

  /// Runs a sync, unless one has failed before.
  ///
  /// The kernel tells of a failure once, to whoever asks first, and then takes what was to be written for
  /// written: nobody may be told that it is.
  private func keepingFailure(_ sync: () throws(MediumError) -> Void) throws(MediumError) {
    try failedSync.withLock { (failure) throws(MediumError) in
      if let failure { throw failure }
      do throws(MediumError) { try sync() } catch {
        failure = error
        throw error
      }
    }
  }

  package func synchronizeName() throws(MediumError) {
    // A parent that may be entered and not read can't be opened, and so not synchronised.
    guard let parent = try? SystemCalls.open("..", in: directory, O_RDONLY | O_DIRECTORY, path)
    else { return }
    try SystemCalls.synchronize(parent, path)
  }
}
