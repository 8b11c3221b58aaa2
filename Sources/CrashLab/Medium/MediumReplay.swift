// Plays a trace, event by event, and knows at every moment what is certain and what is not.
//
// Invariants:
//   a file's memory here holds what is certain, and only that
//   directory operations since the last synchronisation are kept in order; whether they happened is
//   open, but operations that concern one name happen in order

internal import PersistentMemory

/// The state of the simulated medium at one moment of a trace.
final class MediumReplay {
  struct BlockKey: Hashable, Comparable {
    let file: Int
    let block: Int

    static func < (left: BlockKey, right: BlockKey) -> Bool {
      (left.file, left.block) < (right.file, right.block)
    }
  }

  let trace: Trace
  let hardware: CrashHardware
  /// By file number; what is certain.
  private(set) var files: [ImageFile]
  private(set) var directory = DirectoryReplay()
  private var pendingBlocks: [BlockKey: PendingBlock] = [:]
  private var storeBuffer = StoreBuffer()
  /// Events that were played.
  private(set) var position = 0

  init(_ trace: Trace, on hardware: CrashHardware) {
    self.trace = trace
    self.hardware = hardware
    files = trace.initialFiles.map { ImageFile(FileMemory(contents: $0.contents)) }
    for (number, file) in trace.initialFiles.enumerated() {
      directory.add(file.name, number: number)
    }
    // Where there are files, there was a store before.
    if !trace.initialFiles.isEmpty { directory.synchronizeName() }
  }

  /// Lines that have both kinds of uncertain stores, which no copy should ever produce.
  var mixedLineCount: Int { pendingBlocks.values.count { $0.mixesKinds } }

  /// Whether a crash right before the next event is looked at: it makes something certain.
  var isTellingMoment: Bool {
    let event = trace.events[position]
    if case .store(_, _, _, _, let thread) = event { return storeBuffer.isEmptied(by: thread) }
    return event.isTellingMoment
  }

  // MARK: Playing

  /// Plays the next event.
  func step() {
    let event = trace.events[position]
    position += 1
    switch event {
    case .store(let file, let offset, let bytes, let kind, let thread):
      store(file, offset, trace.arena[bytes], isStreamed: kind == .streamed, thread)
    // What leaves a cache has not left the page cache.
    case .flush where hardware == .disk, .fence where hardware == .disk: break
    case .flush(let file, let line, let thread):
      pendingBlocks[BlockKey(file: file, block: line / 64)]?.flush(by: thread)
    case .fence(let thread):
      let bypass = hardware == .streamsBypassCache
      settle { $0.fence(by: thread, streamsBypassCache: bypass) }
      for (file, store) in storeBuffer.drain() { makeCertain(store, file, block: 0) }
    case .synchronizeFile(let file, let succeeded):
      directory.synchronizeFile(file, succeeded: succeeded)
      settle(in: file) { succeeded ? $0.synchronize() : $0.loseAll() }
    case .death:
      let bypass = hardware == .streamsBypassCache
      settle { $0.drain(streamsBypassCache: bypass) }
      for (file, store) in storeBuffer.drain() { makeCertain(store, file, block: 0) }
    case .eviction:
      settle { $0.dropLost() }
    case .create(let number, let name, let contents):
      precondition(number == files.count, "files are numbered in order")
      files.append(ImageFile(FileMemory(contents: Array(trace.arena[contents]))))
      directory.create(name, number: number, lengthIsCertain: hardware != .disk)
    case .rename(let name, let target): directory.rename(name, to: target)
    case .remove(let name): directory.remove(name)
    case .synchronizeDirectory: directory.synchronize()
    case .synchronizeName: directory.synchronizeName()
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
    let length = hardware.blockLength
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
      let inBuffer = hardware == .cachesArePersistent
      let piece = PendingStore(
        wordIndex: inBuffer ? offset / 8 : offset % length / 8,
        mask: mask,
        value: value,
        isStreamed: isStreamed,
        thread: thread
      )
      if inBuffer {
        for (file, store) in storeBuffer.append(piece, to: file) {
          makeCertain(store, file, block: 0)
        }
      } else {
        let key = BlockKey(file: file, block: offset / length)
        pendingBlocks[key, default: PendingBlock()].append(piece)
      }
      index += count
      offset += count
    }
  }

  private func settle(in file: Int? = nil, _ body: (inout PendingBlock) -> [PendingStore]) {
    for key in Array(pendingBlocks.keys) where file == nil || key.file == file {
      guard var block = pendingBlocks[key] else { continue }
      let certain = body(&block)
      pendingBlocks[key] = block.isEmpty ? nil : block
      for store in certain { makeCertain(store, key.file, block: key.block) }
    }
  }

  private func makeCertain(_ store: PendingStore, _ file: Int, block: Int) {
    let word = block * hardware.blockLength / 8 + store.wordIndex
    files[file].setWord(at: word, to: store.apply(to: files[file].word(at: word)))
  }

  // MARK: What may be

  /// Everything that is uncertain in files for which `isRelevant` holds, as chains that are
  /// independent of each other.
  func chains(tearsBlocks: Bool, isRelevant: (Int) -> Bool) -> [Chain] {
    if !storeBuffer.isEmpty {
      let stores = storeBuffer.stores.filter { isRelevant($0.file) }
      let chain = Chain(
        stores.map { (file: $0.file, word: $0.store.wordIndex, store: $0.store) },
        files,
        group: 0
      )
      return chain.steps.isEmpty ? [] : [chain]
    }
    let wordsPerBlock = hardware.blockLength / 8
    let keys = pendingBlocks.keys.filter { isRelevant($0.file) }.sorted()
    return keys.enumerated().flatMap { (group, key) -> [Chain] in
      let stores = pendingBlocks[key]?.stores ?? []
      let placed = stores.map {
        (file: key.file, word: key.block * wordsPerBlock + $0.wordIndex, store: $0)
      }
      let tears = tearsBlocks || stores.contains { $0.isStreamed }
      guard tears else { return [Chain(placed, files, group: group)] }
      return Set(placed.map(\.word)).sorted().map { word in
        Chain(placed.filter { $0.word == word }, files, group: group)
      }
    }.filter { !$0.steps.isEmpty }
  }

  /// What a process that goes on after another one died sees: everything that was stored.
  func visibleFiles() -> [SimulatedDirectory.Entry] {
    directory.visibleNames().sorted { $0.key < $1.key }.map { name, number in
      let memory = files[number].memory.copy()
      for (key, block) in pendingBlocks where key.file == number {
        for store in block.stores {
          let word = key.block * hardware.blockLength / 8 + store.wordIndex
          memory.setWord(at: word, to: store.apply(to: memory.word(at: word)))
        }
      }
      for (file, store) in storeBuffer.stores where file == number {
        let word = store.wordIndex
        memory.setWord(at: word, to: store.apply(to: memory.word(at: word)))
      }
      var entry = SimulatedDirectory.Entry(name: name, memory: memory)
      entry.number = number
      return entry
    }
  }
}

/// Things that happen one after the other or not at all: a crash leaves any number of them, from the
/// first on.
struct Chain {
  struct Step {
    let file: Int
    let word: Int
    let before: UInt64
    let after: UInt64
  }

  let steps: [Step]
  /// Chains of one block have one group.
  let group: Int

  /// - Parameters:
  ///   - stores: in order, with the word of its file that each goes to.
  ///   - files: what is certain.
  ///   - group: the block's.
  init(
    _ stores: [(file: Int, word: Int, store: PendingStore)],
    _ files: [ImageFile],
    group: Int
  ) {
    var steps: [Step] = []
    for (file, word, store) in stores {
      let last = steps.last { $0.file == file && $0.word == word }
      let before = last?.after ?? files[file].word(at: word)
      let after = store.apply(to: before)
      // The same again makes no difference.
      if after != before {
        steps.append(Step(file: file, word: word, before: before, after: after))
      }
    }
    self.steps = steps
    self.group = group
  }
}

/// What left a processor's store buffer in the order of its stores, where the caches are safe.
///
/// Handing the append right on takes a locked instruction, which empties the buffer: only the last
/// storing thread's stores are uncertain, and any thread's fence finds them gone or is its own.
struct StoreBuffer {
  private(set) var stores: [(file: Int, store: PendingStore)] = []

  var isEmpty: Bool { stores.isEmpty }

  /// Whether a store of `thread` shows that what is here has left.
  func isEmptied(by thread: UInt64) -> Bool {
    stores.last.map { $0.store.thread != thread } ?? false
  }

  /// Adds a store and returns what it makes certain.
  mutating func append(_ store: PendingStore, to file: Int) -> [(file: Int, store: PendingStore)] {
    let certain = isEmptied(by: store.thread) ? drain() : []
    stores.append((file, store))
    return certain
  }

  /// Takes out everything.
  mutating func drain() -> [(file: Int, store: PendingStore)] {
    defer { stores = [] }
    return stores
  }
}
