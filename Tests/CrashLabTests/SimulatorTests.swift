// The simulator itself: traces made by hand, and exactly the images that they may leave.

import CrashLab
import Fenceline
import PersistentMemory
import Testing

@Suite("What a crash can leave of a trace")
struct SimulatorTests {
  /// One file of two lines, and threads 1 and 2.
  struct Script {
    var trace = Trace(initialFiles: [.init(name: "f", contents: Array(repeating: 0, count: 128))])

    mutating func store(
      _ byte: UInt8,
      at offset: Int,
      _ kind: Trace.StoreKind = .cached,
      count: Int = 8,
      thread: UInt64 = 1
    ) {
      trace.appendStore(
        file: 0,
        offset: offset,
        bytes: Array(repeating: byte, count: count),
        kind: kind,
        thread: thread
      )
    }

    mutating func flush(_ line: Int = 0, thread: UInt64 = 1) {
      trace.append(.flush(file: 0, line: line, thread: thread))
    }

    mutating func fence(thread: UInt64 = 1) { trace.append(.fence(thread: thread)) }

    /// The images at the end, each as the bytes at the given offsets.
    func images(
      at offsets: [Int] = [0, 8],
      _ hardware: CrashHardware = .streamsBypassCache,
      tearsBlocks: Bool = false
    ) -> Set<[UInt8]> {
      var model = CrashModel(hardware)
      model.tearsBlocks = tearsBlocks
      let last = CrashImages.all(of: trace, model: model).last ?? []
      return Set(last.map { image in offsets.map { image["f"]?[$0] ?? 0xff } })
    }
  }

  @Test("A file of somebody else is copied once, and who reads it keeps what it was")
  func sharedFiles() throws {
    let memory = FileMemory(contents: Array(repeating: 7, count: 64))
    let directory = SimulatedDirectory(
      entries: [SimulatedDirectory.Entry(name: "f", memory: memory)],
      sharesFiles: true
    )
    let reader = try directory.openSegment(named: "f", writable: false)
    let writer = try directory.openSegment(named: "f", writable: true)
    let copy = try #require(directory.files.first?.memory)
    #expect(copy !== memory)
    _ = try directory.openSegment(named: "f", writable: true)
    #expect(directory.files.first?.memory === copy)
    copy.overwrite([8], at: 0)
    let bytes = try [reader, writer].map { file in
      try file.withGuardedBytes(0..<64) { unsafe $0.unsafeLoad(as: UInt8.self) }
    }
    #expect(bytes == [7, 8])
  }

  @Test("Cached stores to one line arrive in order, or not at all")
  func cachedPrefixes() {
    var script = Script()
    script.store(1, at: 0)
    script.store(2, at: 8)
    #expect(script.images() == [[0, 0], [1, 0], [1, 2]])
    #expect(script.images(tearsBlocks: true) == [[0, 0], [1, 0], [0, 2], [1, 2]])
  }

  @Test("A store longer than a word may arrive in part")
  func longStores() {
    var script = Script()
    script.store(1, at: 4, count: 8)
    #expect(script.images(at: [3, 4, 7, 8, 11, 12]).count == 3)
    #expect(script.images(at: [4, 8]) == [[0, 0], [1, 0], [1, 1]])
  }

  @Test("Lines are independent of each other")
  func lines() {
    var script = Script()
    script.store(1, at: 0)
    script.store(2, at: 64)
    #expect(script.images(at: [0, 64]) == [[0, 0], [1, 0], [0, 2], [1, 2]])
  }

  @Test("Streamed words are independent of each other")
  func streamedWords() {
    var script = Script()
    script.store(1, at: 0, .streamed, count: 16)
    #expect(script.images() == [[0, 0], [1, 0], [0, 1], [1, 1]])
  }

  @Test("A fence without a flush completes nothing cached")
  func fenceAlone() {
    var script = Script()
    script.store(1, at: 0)
    script.fence()
    #expect(script.images(at: [0]) == [[0], [1]])
  }

  @Test("A flush without a fence completes nothing")
  func flushAlone() {
    var script = Script()
    script.store(1, at: 0)
    script.flush()
    #expect(script.images(at: [0]) == [[0], [1]])
  }

  @Test("A flush and a fence complete what was stored before the flush, and only that")
  func flushAndFence() {
    var script = Script()
    script.store(1, at: 0)
    script.flush()
    script.store(2, at: 8)
    script.fence()
    #expect(script.images() == [[1, 0], [1, 2]])
  }

  @Test("A fence completes only its own thread's flushes")
  func flushOfAnotherThread() {
    var script = Script()
    script.store(1, at: 0)
    script.flush(thread: 1)
    script.fence(thread: 2)
    #expect(script.images(at: [0]) == [[0], [1]])
    script.fence(thread: 1)
    #expect(script.images(at: [0]) == [[1]])
  }

  @Test("A flush reaches a line that another thread stored through the cache")
  func flushForAnotherThread() {
    var script = Script()
    script.store(1, at: 0, thread: 1)
    script.flush(thread: 2)
    script.fence(thread: 2)
    #expect(script.images(at: [0]) == [[1]])
  }

  @Test("A fence completes only its own thread's streamed stores")
  func streamsOfAnotherThread() {
    var script = Script()
    script.store(1, at: 0, .streamed, thread: 1)
    script.flush(thread: 2)
    script.fence(thread: 2)
    #expect(script.images(at: [0]) == [[0], [1]])
    script.fence(thread: 1)
    #expect(script.images(at: [0]) == [[1]])
  }

  @Test("Where streams stay in the cache, they need a flush, by anyone once they are drained")
  func streamsInTheCache() {
    var script = Script()
    script.store(1, at: 0, .streamed)
    script.fence()
    #expect(script.images(at: [0], .streamsStayInCache) == [[0], [1]])
    var flushedByAnother = script
    flushedByAnother.flush(thread: 2)
    flushedByAnother.fence(thread: 2)
    #expect(flushedByAnother.images(at: [0], .streamsStayInCache) == [[1]])
    script.flush()
    script.fence()
    #expect(script.images(at: [0], .streamsStayInCache) == [[1]])
  }

  @Test("The death of a process drains what its threads streamed")
  func death() {
    var script = Script()
    script.store(1, at: 0, .streamed)
    script.store(2, at: 64)
    script.flush(64)
    script.trace.append(.death)
    #expect(script.images(at: [0, 64]) == [[1, 0], [1, 2]])
    // Another process's fence completes no flush of the one that died.
    script.fence()
    #expect(script.images(at: [0, 64]) == [[1, 0], [1, 2]])
    script.flush(thread: 2)
    #expect(script.images(at: [0], .streamsStayInCache) == [[0], [1]])
    script.fence(thread: 2)
    #expect(script.images(at: [0], .streamsStayInCache) == [[1]])
  }

  @Test("A word stored twice shows any of its values; a certain one ends those before it")
  func superseding() {
    var script = Script()
    script.store(1, at: 0, .streamed)
    script.store(2, at: 0, .streamed)
    #expect(script.images(at: [0]) == [[0], [1], [2]])
    script.fence()
    #expect(script.images(at: [0]) == [[2]])
  }

  @Test("Names arrive per name and in order; a synchronisation makes them certain")
  func directory() {
    var trace = Trace()
    let zeros = [UInt8](repeating: 0, count: 64)
    var model = CrashModel(.streamsStayInCache)
    model.prunes = false
    trace.append(.synchronizeName)
    func names() -> Set<Set<String>> {
      Set((CrashImages.all(of: trace, model: model).last ?? []).map { Set($0.keys) })
    }
    _ = trace.appendCreation(of: "a.new", contents: zeros)
    #expect(names() == [[], ["a.new"]])
    trace.append(.rename(name: "a.new", to: "a"))
    #expect(names() == [[], ["a.new"], ["a"]])
    _ = trace.appendCreation(of: "b.new", contents: zeros)
    #expect(names().count == 6)
    trace.append(.synchronizeDirectory)
    #expect(names() == [["a", "b.new"]])
    trace.append(.remove(name: "a"))
    #expect(names() == [["a", "b.new"], ["b.new"]])
  }

  @Test("The directory may be gone with all that is in it until its own name is certain")
  func directoryName() {
    var trace = Trace()
    _ = trace.appendCreation(of: "a", contents: Array(repeating: 0, count: 64))
    trace.append(.synchronizeDirectory)
    func names() -> [Set<String>] {
      let last = CrashImages.all(of: trace, model: CrashModel(.streamsStayInCache)).last ?? []
      return last.map { Set($0.keys) }.sorted { $0.count < $1.count }
    }
    #expect(names() == [[], ["a"]])
    trace.append(.synchronizeName)
    #expect(names() == [["a"]])
  }

  @Test("A new file holds zeros where nothing is certain")
  func newFiles() {
    var trace = Trace()
    let file = trace.appendCreation(of: "a", contents: Array(repeating: 0, count: 64))
    trace.appendStore(
      file: file,
      offset: 0,
      bytes: Array(repeating: 7, count: 8),
      kind: .cached,
      thread: 1
    )
    trace.append(.synchronizeDirectory)
    trace.append(.synchronizeName)
    let images = CrashImages.all(of: trace, model: CrashModel(.streamsStayInCache))
    #expect(images.map(\.count) == [3, 3, 2])
    #expect(Set(images[2].map { $0["a"]?[0] }) == [0, 7])
  }

  @Test("Too many combinations are sampled, with none and all among the samples")
  func sampling() {
    var script = Script()
    for word in 0..<16 { script.store(1, at: 8 * word, .streamed) }
    script.trace.append(.fence(thread: 9))
    var model = CrashModel(.streamsBypassCache)
    model.exhaustiveLimit = 1 << 10
    let images = CrashImages.all(of: script.trace, model: model)[0]
    #expect(images.count > 64 && images.count < 1 << 16)
    for byte in [UInt8(0), 1] {
      #expect(images.contains(["f": Array(repeating: byte, count: 128)]))
    }
  }
}
