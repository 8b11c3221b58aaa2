// A directory in memory, for the engine to live in. With a recorder it reports everything; without
// one it is as fast as memory, for opening the images that a crash left.
//
// Invariant: a file's memory lives as long as the directory, removed or not, and never moves.

package import PersistentMemory
internal import Synchronization
package import SystemPackage

/// A simulated directory of segment files.
package final class SimulatedDirectory: StoreDirectory {
  /// One name and what it stands for.
  package struct Entry: Sendable {
    package var name: String
    package var memory: FileMemory
    /// As the trace counts files; nothing depends on it without a recorder.
    var number = 0
    var path: FilePath
    /// The memory belongs to someone else, and is copied before anybody writes to it.
    var isShared = false

    package init(name: String, memory: FileMemory) {
      self.name = name
      self.memory = memory
      path = SimulatedDirectory.root.appending(name)
    }
  }

  private struct State {
    /// A handful, in no order.
    var entries: [Entry]
    var removed: [FileMemory] = []
    /// Bytes that are left; nil for any number.
    var room: Int?
    /// Bytes that a store keeps for a compaction; no crash makes them matter, so no event shows them.
    var reserve = 0
    var failingSyncs = 0
  }

  package let path = SimulatedDirectory.root
  package let medium: MediumDescription
  private let hardware: CrashHardware
  private let recorder: TraceRecorder?
  private let core: CopyCore
  private let stale: StaleContents
  private let state: Mutex<State>

  private static let root: FilePath = "/simulated"

  /// A directory whose files are reported to `recorder`.
  ///
  /// - Parameters:
  ///   - hardware: what lies below.
  ///   - recorder: gets every event.
  ///   - entries: what is there; files bear the numbers that the trace gave them.
  ///   - stale: what the blocks of new files hold.
  package init(
    _ hardware: CrashHardware,
    recorder: TraceRecorder,
    entries: [Entry] = [],
    stale: StaleContents = StaleContents()
  ) {
    self.hardware = hardware
    self.recorder = recorder
    self.stale = stale
    core = hardware == .disk ? .plain() : recorder.core
    medium = MediumDescription(kind: hardware.mediumKind, isForced: false, core: core)
    state = Mutex(State(entries: entries))
    for entry in entries { register(entry) }
  }

  /// A directory that reports nothing.
  ///
  /// - Parameters:
  ///   - hardware: what lies below.
  ///   - entries: what is there.
  ///   - stale: what the blocks of new files hold.
  ///   - sharesFiles: the files belong to someone else: one that is opened for writing is replaced
  ///     by a copy before.
  package init(
    _ hardware: CrashHardware = .streamsBypassCache,
    entries: [Entry],
    stale: StaleContents = StaleContents(),
    sharesFiles: Bool = false
  ) {
    self.hardware = hardware
    self.stale = stale
    recorder = nil
    core = .plain()
    medium = MediumDescription(kind: hardware.mediumKind, isForced: false, core: core)
    var entries = entries
    for index in entries.indices { entries[index].isShared = sharesFiles }
    state = Mutex(State(entries: entries))
  }

  /// A directory of persistent memory that reports nothing.
  package convenience init(files: [(name: String, memory: FileMemory)]) {
    self.init(entries: files.map { Entry(name: $0.name, memory: $0.memory) })
  }

  /// What has a name now, by name.
  package var entries: [Entry] {
    state.withLock { state in state.entries.sorted { $0.name < $1.name } }
  }

  /// The files that have a name now, by name.
  package var files: [(name: String, memory: FileMemory)] { entries.map { ($0.name, $0.memory) } }

  /// Whether there is room for a new file.
  func setFull(_ isFull: Bool) { state.withLock { $0.room = isFull ? 0 : nil } }

  /// Lets the next synchronisations of a file fail, as a disk does that lost a write.
  func failSyncs(_ count: Int) { state.withLock { $0.failingSyncs = count } }

  // MARK: StoreDirectory

  package func names() throws(MediumError) -> [String] {
    state.withLock { $0.entries.map(\.name) }
  }

  package func openSegment(
    named name: String,
    writable: Bool
  ) throws(MediumError) -> SegmentFile {
    let found = state.withLock { (state) -> Entry? in
      guard let index = state.entries.firstIndex(where: { $0.name == name }) else { return nil }
      if writable, state.entries[index].isShared {
        // Who reads the file already goes on reading what it was.
        state.removed.append(state.entries[index].memory)
        state.entries[index].memory = state.entries[index].memory.copy()
        state.entries[index].isShared = false
      }
      return state.entries[index]
    }
    guard let found else { throw missing(name, "openat") }
    guard found.memory.length > 0 else {
      throw MediumError(operation: "mmap", path: found.path, cause: .invalidArgument)
    }
    return segment(found)
  }

  package func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    let unpublished = name + FileSystemDirectory.unpublishedSuffix
    guard takeRoom(length) else {
      throw MediumError(
        operation: "posix_fallocate",
        path: Self.root.appending(name),
        cause: .noSpace
      )
    }
    if index(of: unpublished) != nil { try removeSegment(named: unpublished) }
    let contents = stale.contents(of: name, length: length)
    let memory = contents.map { FileMemory(contents: $0) } ?? FileMemory(length: length)
    var entry = Entry(name: unpublished, memory: memory)
    if let recorder {
      entry.number = recorder.appendCreation(of: unpublished, contents: memory.contents)
      register(entry)
    }
    let created = entry
    state.withLock { $0.entries.append(created) }
    return segment(created)
  }

  package func publishSegment(named name: String, replacing: Bool) throws(MediumError) {
    let unpublished = name + FileSystemDirectory.unpublishedSuffix
    guard let replacing = index(of: unpublished) else { throw missing(unpublished, "renameat") }
    let path = Self.root.appending(name)
    state.withLock { state in
      state.entries[replacing].name = name
      state.entries[replacing].path = path
      for (index, entry) in state.entries.enumerated().reversed()
      where entry.name == name && index != replacing {
        state.removed.append(state.entries.remove(at: index).memory)
      }
    }
    recorder?.append(.rename(name: unpublished, to: name))
  }

  package func synchronizeSegment(named name: String) throws(MediumError) {
    try openSegment(named: name, writable: false).device?.synchronizeData()
  }

  package func removeSegment(named name: String) throws(MediumError) {
    guard let index = index(of: name) else { throw missing(name, "unlinkat") }
    state.withLock { state in
      let memory = state.entries.remove(at: index).memory
      state.room = state.room.map { $0 + memory.length }
      state.removed.append(memory)
    }
    recorder?.append(.remove(name: name))
  }

  package func setReserve(_ length: Int) throws(MediumError) {
    let kept = state.withLock { state in
      defer { state.reserve = 0 }
      return state.reserve
    }
    giveRoom(kept)
    guard takeRoom(length) else {
      throw MediumError(operation: "posix_fallocate", path: path, cause: .noSpace)
    }
    state.withLock { $0.reserve = length }
  }

  package func allocatedBytes() throws(MediumError) -> Int {
    state.withLock { state in
      state.entries.reduce(state.reserve) { $0 + $1.memory.length }
    }
  }

  private func takeRoom(_ length: Int) -> Bool {
    state.withLock { state in
      guard let room = state.room else { return true }
      guard length <= room else { return false }
      state.room = room - length
      return true
    }
  }

  private func giveRoom(_ length: Int) {
    state.withLock { state in state.room = state.room.map { $0 + length } }
  }

  package func synchronize() throws(MediumError) { recorder?.append(.synchronizeDirectory) }

  package func synchronizeName() throws(MediumError) { recorder?.append(.synchronizeName) }

  package func unlock() {}

  // MARK: Files

  private func index(of name: String) -> Int? {
    state.withLock { $0.entries.firstIndex { $0.name == name } }
  }

  private func register(_ entry: Entry) {
    unsafe recorder?.register(
      entry.memory.address,
      length: entry.memory.length,
      as: entry.number
    )
  }

  private func segment(_ entry: Entry) -> SegmentFile {
    let device =
      hardware == .disk
      ? SimulatedFile(entry, recorder: recorder) { [weak self] in self?.takeFault() ?? false } : nil
    // SAFETY: the directory is the owner and keeps the memory.
    return unsafe SegmentFile(
      simulating: entry.path,
      memory: entry.memory.address,
      length: entry.memory.length,
      core: core,
      device: device,
      owner: self
    )
  }

  /// Whether this synchronisation is one that fails.
  private func takeFault() -> Bool {
    state.withLock { state in
      guard state.failingSyncs > 0 else { return false }
      state.failingSyncs -= 1
      return true
    }
  }

  private func missing(_ name: String, _ operation: String) -> MediumError {
    MediumError(
      operation: operation,
      path: Self.root.appending(name),
      cause: .noSuchFileOrDirectory
    )
  }
}
