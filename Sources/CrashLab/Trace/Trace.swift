// What a program did to a medium, in order: every store with its bytes, every flush, every fence,
// every change of the directory, and the program's own marks. A trace alone says everything that a
// crash can leave behind.
//
// Invariant: file numbers are given in order of first appearance, initial files first; an event
// only names files that came before it.

/// A recorded run.
package struct Trace: Sendable {
  /// A file that was there, durably, before the first event.
  package struct InitialFile: Sendable {
    package var name: String
    package var contents: [UInt8]

    package init(name: String, contents: [UInt8]) {
      self.name = name
      self.contents = contents
    }
  }

  /// How bytes left the thread.
  package enum StoreKind: Sendable {
    /// Through the cache: a line reaches the medium as a prefix of its stores.
    case cached
    /// Non-temporal: every aligned 8-byte word is on its own.
    case streamed
    /// Like `cached`, but the bytes stood there already, and are only written again.
    case rewritten
  }

  /// What the program says of itself, in step numbers of a ``History``.
  package enum Mark: Sendable, Equatable {
    /// The step to this state has begun: from here on a crash may show it.
    case begun(Int)
    /// The call for this step has returned: the death of the process must not undo it where memory
    /// outlives a process.
    case returned(Int)
    /// From here on a crash must show this state or a later one.
    case synced(Int)
    /// The store was closed with this state: from here on damage is always recognised.
    case closed(Int)
    /// What a program said of itself, by number.
    case promise(Int)
  }

  /// One event.
  package enum Event: Sendable {
    /// `bytes` is a range of ``Trace/arena``. On a disk: a `pwrite`.
    case store(file: Int, offset: Int, bytes: Range<Int>, kind: StoreKind, thread: UInt64)
    /// `line` is the offset of a line of 64 bytes.
    case flush(file: Int, line: Int, thread: UInt64)
    case fence(thread: UInt64)
    /// `fsync` of one file, on a disk. Where it failed, the pages are clean and may be lost.
    case synchronizeFile(file: Int, succeeded: Bool)
    /// The process died and the machine lives on.
    case death
    /// Pages whose write-back failed left the page cache, and were read again as the disk has them.
    case eviction
    /// `contents` is a range of ``Trace/arena``: what the blocks held before.
    case create(file: Int, name: String, contents: Range<Int>)
    case rename(name: String, to: String)
    case remove(name: String)
    case synchronizeDirectory
    /// The directory that holds the store's was synchronised.
    case synchronizeName
    case mark(Mark)
  }

  package var initialFiles: [InitialFile]
  package private(set) var events: [Event] = []
  /// The bytes of all stores, one after the other.
  package private(set) var arena: [UInt8] = []
  /// Files that were ever there.
  package private(set) var fileCount: Int

  package init(initialFiles: [InitialFile] = []) {
    self.initialFiles = initialFiles
    fileCount = initialFiles.count
  }

  /// The first `count` events.
  package func prefix(_ count: Int) -> Trace {
    var result = self
    result.events = Array(events.prefix(count))
    result.fileCount = initialFiles.count
    for case .create in result.events { result.fileCount += 1 }
    return result
  }

  package mutating func append(_ event: Event) { events.append(event) }

  /// Adds a store and its bytes.
  package mutating func appendStore(
    file: Int,
    offset: Int,
    bytes: some Collection<UInt8>,
    kind: StoreKind,
    thread: UInt64
  ) {
    let start = arena.count
    arena.append(contentsOf: bytes)
    events.append(
      .store(file: file, offset: offset, bytes: start..<arena.count, kind: kind, thread: thread)
    )
  }

  /// Adds the creation of a file that holds `contents` and returns its number.
  package mutating func appendCreation(of name: String, contents: [UInt8]) -> Int {
    let start = arena.count
    arena.append(contentsOf: contents)
    events.append(.create(file: fileCount, name: name, contents: start..<arena.count))
    fileCount += 1
    return fileCount - 1
  }
}
