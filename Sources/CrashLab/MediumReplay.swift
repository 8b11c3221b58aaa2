// Plays a trace, event by event, and knows at every moment what is certain and what is not.
//
// Invariants:
//   a file's memory here holds what is certain, and only that
//   directory operations since the last synchronisation are kept in order; whether they happened is
//   open, but operations that concern one name happen in order

internal import PersistentMemory

/// The state of the simulated medium at one moment of a trace.
final class MediumReplay {
  struct LineKey: Hashable, Comparable {
    let file: Int
    let line: Int

    static func < (left: LineKey, right: LineKey) -> Bool {
      (left.file, left.line) < (right.file, right.line)
    }
  }

  enum DirectoryOperation {
    case create(name: String, file: Int)
    case rename(name: String, to: String)
    case remove(name: String)

    /// Operations whose subject is equal concern one name, published or not.
    var subject: String {
      switch self {
      case .create(let name, _), .rename(let name, _), .remove(let name):
        let suffix = FileSystemDirectory.unpublishedSuffix
        return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      }
    }
  }

  let trace: Trace
  /// By file number; what is certain.
  private(set) var files: [ImageFile]
  private(set) var names: [String: Int] = [:]
  private(set) var pendingLines: [LineKey: PendingLine] = [:]
  private(set) var pendingOperations: [DirectoryOperation] = []
  /// Events that were played.
  private(set) var position = 0
  private let streamsBypassCache: Bool

  init(_ trace: Trace, streamsBypassCache: Bool) {
    self.trace = trace
    self.streamsBypassCache = streamsBypassCache
    files = trace.initialFiles.enumerated().map { number, file in
      ImageFile(number: number, memory: FileMemory(contents: file.contents))
    }
    for (number, file) in trace.initialFiles.enumerated() { names[file.name] = number }
  }

  /// Lines that have both kinds of uncertain stores, which no copy should ever produce.
  var mixedLineCount: Int { pendingLines.values.count { $0.mixesKinds } }

  /// Plays the next event.
  func step() {
    let event = trace.events[position]
    position += 1
    switch event {
    case .store(let file, let offset, let bytes, let kind, let thread):
      store(file, offset, trace.arena[bytes], isStreamed: kind == .streamed, thread)
    case .flush(let file, let line, let thread):
      pendingLines[LineKey(file: file, line: line / 64)]?.flush(by: thread)
    case .fence(let thread):
      let bypass = streamsBypassCache
      settle { $0.fence(by: thread, streamsBypassCache: bypass) }
    case .death:
      let bypass = streamsBypassCache
      settle { $0.drain(streamsBypassCache: bypass) }
    case .create(let number, let name, let length):
      precondition(number == files.count, "files are numbered in order")
      files.append(ImageFile(number: number, memory: FileMemory(length: length)))
      pendingOperations.append(.create(name: name, file: number))
    case .rename(let name, let target):
      pendingOperations.append(.rename(name: name, to: target))
    case .remove(let name): pendingOperations.append(.remove(name: name))
    case .synchronizeDirectory:
      Self.apply(pendingOperations, to: &names)
      pendingOperations = []
    case .mark: break
    }
  }

  private func store(
    _ file: Int,
    _ offset: Int,
    _ bytes: ArraySlice<UInt8>,
    isStreamed: Bool,
    _ thread: UInt64
  ) {
    var index = bytes.startIndex
    var offset = offset
    while index < bytes.endIndex {
      let count = min(8 - offset % 8, bytes.endIndex - index)
      var value: UInt64 = 0
      var mask: UInt64 = 0
      for byte in 0..<count {
        let shift = UInt64(8 * (offset % 8 + byte))
        value |= UInt64(bytes[index + byte]) << shift
        mask |= 0xff << shift
      }
      pendingLines[LineKey(file: file, line: offset / 64), default: PendingLine()].append(
        PendingStore(
          wordIndex: offset % 64 / 8,
          mask: mask,
          value: value,
          isStreamed: isStreamed,
          thread: thread
        )
      )
      index += count
      offset += count
    }
  }

  private func settle(_ body: (inout PendingLine) -> [PendingStore]) {
    for key in Array(pendingLines.keys) {
      guard var line = pendingLines[key] else { continue }
      let certain = body(&line)
      pendingLines[key] = line.isEmpty ? nil : line
      for store in certain {
        let word = 8 * key.line + store.wordIndex
        files[key.file].setWord(at: word, to: store.apply(to: files[key.file].word(at: word)))
      }
    }
  }

  /// What the names are after some operations; one whose subject is not there does nothing.
  static func apply(_ operations: some Sequence<DirectoryOperation>, to names: inout [String: Int])
  {
    for operation in operations {
      switch operation {
      case .create(let name, let file): names[name] = file
      case .rename(let name, let target):
        if let file = names.removeValue(forKey: name) { names[target] = file }
      case .remove(let name): names[name] = nil
      }
    }
  }

  /// Every set of names that a crash can leave now: per subject, any number of its operations from
  /// the first on; subjects independently.
  func possibleNames() -> [[String: Int]] {
    var subjects: [String] = []
    for operation in pendingOperations where !subjects.contains(operation.subject) {
      subjects.append(operation.subject)
    }
    var results = [names]
    for subject in subjects {
      let chain = pendingOperations.filter { $0.subject == subject }
      results = results.flatMap { names in
        (0...chain.count).map { count in
          var names = names
          Self.apply(chain.prefix(count), to: &names)
          return names
        }
      }
    }
    return results
  }

  /// What a process that goes on after another one died sees: everything that was stored.
  func visibleFiles() -> [(name: String, number: Int, memory: FileMemory)] {
    var names = names
    Self.apply(pendingOperations, to: &names)
    return names.sorted { $0.key < $1.key }.map { name, number in
      let memory = FileMemory(copying: files[number].memory)
      for (key, line) in pendingLines where key.file == number {
        for store in line.stores {
          let word = 8 * key.line + store.wordIndex
          memory.setWord(at: word, to: store.apply(to: memory.word(at: word)))
        }
      }
      return (name, number, memory)
    }
  }
}
