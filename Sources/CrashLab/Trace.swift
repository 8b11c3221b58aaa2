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
  }

  /// What the program says of itself, in step numbers of a ``History``.
  package enum Mark: Sendable, Equatable {
    /// The step to this state has begun: from here on a crash may show it.
    case begun(Int)
    /// From here on a crash must show this state or a later one.
    case synced(Int)
  }

  /// One event.
  package enum Event: Sendable {
    /// `bytes` is a range of ``Trace/arena``.
    case store(file: Int, offset: Int, bytes: Range<Int>, kind: StoreKind, thread: UInt64)
    /// `line` is the offset of a line of 64 bytes.
    case flush(file: Int, line: Int, thread: UInt64)
    case fence(thread: UInt64)
    /// The process died and the machine lives on.
    case death
    case create(file: Int, name: String, length: Int)
    case rename(name: String, to: String)
    case remove(name: String)
    case synchronizeDirectory
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

  /// Adds the creation of a zeroed file and returns its number.
  package mutating func appendCreation(of name: String, length: Int) -> Int {
    defer { fileCount += 1 }
    events.append(.create(file: fileCount, name: name, length: length))
    return fileCount
  }
}
