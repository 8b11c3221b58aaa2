// A directory in memory, for the engine to live in. With a recorder it reports everything; without
// one it is as fast as memory, for opening the images that a crash left.
//
// Invariant: a file's memory lives as long as the directory, removed or not, and never moves.

internal import Glibc
package import PersistentMemory
internal import Synchronization
package import SystemPackage

/// The bytes of one simulated file, 64-byte aligned.
@safe
package final class FileMemory: @unchecked Sendable {
  // SAFETY: whoever writes holds the store's write lock, as for any segment.
  let address: UnsafeMutableRawPointer
  let length: Int

  /// A file of zeros.
  init(length: Int) {
    self.length = length
    unsafe address = .allocate(byteCount: length, alignment: 64)
    unsafe memset(address, 0, length)
  }

  /// A copy.
  convenience init(copying other: FileMemory) {
    self.init(length: other.length)
    unsafe address.copyMemory(from: other.address, byteCount: length)
  }

  /// A file of the given bytes.
  package convenience init(contents: [UInt8]) {
    self.init(length: contents.count)
    // SAFETY: the buffer is read during the call only, and both have `length` bytes.
    unsafe contents.withUnsafeBytes { bytes in
      unsafe UnsafeMutableRawBufferPointer(start: address, count: length).copyMemory(from: bytes)
    }
  }

  deinit { unsafe address.deallocate() }

  var contents: [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: address, count: length)) }

  /// Hands out the bytes.
  package func withBytes<R>(_ body: (RawSpan) -> R) -> R {
    // SAFETY: the memory lives as long as self, which lives until the call returns.
    body(unsafe UnsafeRawBufferPointer(start: address, count: length).bytes)
  }

  /// Puts other bytes in the place of those from `offset` on.
  package func overwrite(_ bytes: [UInt8], at offset: Int) {
    precondition(offset >= 0 && offset + bytes.count <= length, "bytes outside the file")
    // SAFETY: the range was checked, and the buffer is read during the call only.
    unsafe bytes.withUnsafeBytes { bytes in
      let target = unsafe UnsafeMutableRawBufferPointer(start: address + offset, count: bytes.count)
      unsafe target.copyMemory(from: bytes)
    }
  }

  /// The aligned word at `index`, as this machine reads it.
  func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && 8 * index + 8 <= length, "word outside the file")
    // SAFETY: the range was checked and the memory is aligned.
    return unsafe address.load(fromByteOffset: 8 * index, as: UInt64.self)
  }

  func setWord(at index: Int, to word: UInt64) {
    precondition(index >= 0 && 8 * index + 8 <= length, "word outside the file")
    // SAFETY: as in `word(at:)`.
    unsafe address.storeBytes(of: word, toByteOffset: 8 * index, as: UInt64.self)
  }
}

/// A simulated directory of segment files.
package final class SimulatedDirectory: StoreDirectory {
  private struct State {
    var files: [String: FileMemory] = [:]
    var removed: [FileMemory] = []
    var isFull = false
  }

  package let path = SimulatedDirectory.root
  package let medium: MediumDescription
  private let recorder: TraceRecorder?
  private let core: CopyCore
  private let state: Mutex<State>

  // Images are opened by the thousand: what is the same for all is made once.
  private static let root: FilePath = "/simulated"
  private static let plainMedium = MediumDescription(
    kind: .persistentMemory,
    isForced: false,
    core: .plain()
  )
  private static let paths = Mutex<[String: FilePath]>([:])

  private static func path(of name: String) -> FilePath {
    paths.withLock { paths in
      if let path = paths[name] { return path }
      let path = root.appending(name)
      paths[name] = path
      return path
    }
  }

  /// A directory whose files are reported to `recorder`; those that are there already bear the
  /// numbers that the trace gave them.
  package init(
    recorder: TraceRecorder,
    files: [(name: String, number: Int, memory: FileMemory)] = []
  ) {
    self.recorder = recorder
    core = recorder.core
    medium = MediumDescription(kind: .persistentMemory, isForced: false, core: core)
    state = Mutex(
      State(files: Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.memory) }))
    )
    for file in files {
      unsafe recorder.register(file.memory.address, length: file.memory.length, as: file.number)
    }
  }

  /// A directory that reports nothing.
  package init(files: [(name: String, memory: FileMemory)]) {
    recorder = nil
    core = .plain()
    medium = Self.plainMedium
    state = Mutex(
      State(files: Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.memory) }))
    )
  }

  /// The files that have a name now, by name.
  package var files: [(name: String, memory: FileMemory)] {
    state.withLock { state in state.files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
  }

  /// Whether there is room for a new file.
  func setFull(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }

  // MARK: StoreDirectory

  package func names() throws(MediumError) -> [String] {
    state.withLock { $0.files.keys.sorted() }
  }

  package func openSegment(
    named name: String,
    writable: Bool
  ) throws(MediumError) -> SegmentFile {
    guard let memory = state.withLock({ $0.files[name] }) else {
      throw missing(name, "openat")
    }
    return segment(name, memory)
  }

  package func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    let unpublished = name + FileSystemDirectory.unpublishedSuffix
    if state.withLock({ $0.isFull }) {
      throw MediumError(
        operation: "posix_fallocate",
        path: Self.path(of: name),
        cause: .noSpace
      )
    }
    if state.withLock({ $0.files[unpublished] != nil }) { try removeSegment(named: unpublished) }
    let memory = FileMemory(length: length)
    state.withLock { $0.files[unpublished] = memory }
    if let recorder {
      let number = recorder.appendCreation(of: unpublished, length: length)
      unsafe recorder.register(memory.address, length: length, as: number)
    }
    return segment(name, memory)
  }

  package func publishSegment(named name: String) throws(MediumError) {
    let unpublished = name + FileSystemDirectory.unpublishedSuffix
    let isThere = state.withLock { (state) -> Bool in
      guard let memory = state.files.removeValue(forKey: unpublished) else { return false }
      if let replaced = state.files.updateValue(memory, forKey: name) {
        state.removed.append(replaced)
      }
      return true
    }
    guard isThere else { throw missing(unpublished, "renameat") }
    recorder?.append(.rename(name: unpublished, to: name))
  }

  package func removeSegment(named name: String) throws(MediumError) {
    let isThere = state.withLock { (state) -> Bool in
      guard let memory = state.files.removeValue(forKey: name) else { return false }
      state.removed.append(memory)
      return true
    }
    guard isThere else { throw missing(name, "unlinkat") }
    recorder?.append(.remove(name: name))
  }

  package func synchronize() throws(MediumError) { recorder?.append(.synchronizeDirectory) }

  package func synchronizeName() {}

  package func unlock() {}

  private func segment(_ name: String, _ memory: FileMemory) -> SegmentFile {
    // SAFETY: the directory is the owner and keeps the memory.
    unsafe SegmentFile(
      simulating: Self.path(of: name),
      memory: memory.address,
      length: memory.length,
      core: core,
      owner: self
    )
  }

  private func missing(_ name: String, _ operation: String) -> MediumError {
    MediumError(
      operation: operation,
      path: Self.path(of: name),
      cause: .noSuchFileOrDirectory
    )
  }
}
