// Opening: who may, what it finds, and what it leaves alone.

import Fenceline
import Foundation
import SystemPackage
import Testing

struct OpeningTests {
  @Test func `A second writer is refused at once, readers are not`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1", durability: .durable)
    #expect(throws: StoreError.locked(scratch.store)) { try Store.open(at: scratch.store) }
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try reader.get("a") == "1")
    try store.close()
    let next = try Store.open(at: scratch.store)
    #expect(try next.get("a") == "1")
  }

  @Test func `A handle that is let go gives its lock up and loses nothing that was synced`() throws
  {
    let scratch = try Scratch()
    do {
      let store = try Store.open(at: scratch.store)
      try store.put("a", "1", durability: .durable)
    }
    #expect(try Store.open(at: scratch.store).get("a") == "1")
  }

  @Test func `A closed store says so`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.close()
    try store.close()
    #expect(throws: StoreError.closed) { try store.put("a", "b") }
    #expect(throws: StoreError.closed) { try store.get("a") }
    #expect(throws: StoreError.closed) { try store.delete("a") }
    #expect(throws: StoreError.closed) { try store.sync() }
    #expect(throws: StoreError.closed) { try store.count }
    #expect(throws: StoreError.closed) { try store.statistics() }
    #expect(throws: StoreError.closed) { try store.transaction { _ in } }
  }

  /// Segments with enough records that threads share them, in a table that is made large at once.
  @Test func `An opening that reads everything takes the last of a key's records`() throws {
    let scratch = try Scratch()
    var options = StoreOptions()
    options.segmentOptions.smallest = 512 << 10
    options.segmentOptions.largest = 512 << 10
    options.compactsInBackground = false
    options.writesIndexImages = false
    var generator = SeededGenerator(label: "opening")
    var expected: [String: String] = [:]
    var liveBytes = 0
    do {
      let store = try Store.open(at: scratch.store, options: options)
      for number in 0..<60_000 {
        let key = "key \(Int.random(in: 0..<25_000, using: &generator))"
        if number % 7 == 0 {
          #expect(try store.delete(key) == (expected.removeValue(forKey: key) != nil))
        } else {
          try store.put(key, "value \(number)")
          expected[key] = "value \(number)"
        }
      }
      #expect(try store.segments().count > 4)
      liveBytes = try store.statistics().space.liveBytes
      try store.close()
    }
    for isWriter in [false, true] {
      let store =
        isWriter
        ? try Store.open(at: scratch.store, options: options)
        : try Store.openReadOnly(at: scratch.store)
      #expect(try store.count == expected.count)
      for number in 0..<25_000 {
        let key = "key \(number)"
        #expect(try store.get(key) == expected[key])
      }
      #expect(try store.statistics().space.liveBytes == liveBytes)
    }
  }

  @Test func `Nothing is created where no store is asked for`() throws {
    let scratch = try Scratch()
    var options = StoreOptions()
    options.createsIfMissing = false
    #expect(throws: StoreError.noStore(scratch.store)) {
      try Store.open(at: scratch.store, options: options)
    }
    #expect(throws: StoreError.noStore(scratch.store)) { try Store.openReadOnly(at: scratch.store) }
    #expect(throws: StoreError.noStore(scratch.store)) { try Store.verify(at: scratch.store) }
    #expect(!FileManager.default.fileExists(atPath: scratch.store.string))
    #expect(throws: StoreError.noStore(scratch.root)) { try Store.openReadOnly(at: scratch.root) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.root.string).isEmpty)
  }

  @Test func `A directory with other files is not turned into a store`() throws {
    let scratch = try Scratch()
    try Data("mine".utf8).write(to: URL(filePath: scratch.root.appending("notes.txt").string))
    #expect(throws: StoreError.notAStore(scratch.root)) { try Store.open(at: scratch.root) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.root.string) == ["notes.txt"]
    )
  }

  @Test func `A file in place of a store is an error with its name`() throws {
    let scratch = try Scratch()
    let file = scratch.root.appending("file")
    try Data().write(to: URL(filePath: file.string))
    let expected = StoreError.system(operation: "open", path: file, cause: .notDirectory)
    #expect(throws: expected) { try Store.open(at: file) }
    #expect(throws: expected) { try Store.openReadOnly(at: file) }
  }

  @Test func `Reading changes no byte, of a closed store or of a killed one`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for number in 0..<100 { try store.put("key \(number)", "value", durability: .durable) }
    let killed = try scratch.contents()
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(throws: StoreError.readOnly) { try reader.put("a", "b") }
    #expect(throws: StoreError.readOnly) { try reader.delete("key 1") }
    #expect(throws: StoreError.readOnly) { try reader.sync() }
    #expect(try reader.count == 100)
    #expect(try Store.verify(at: scratch.store).isSound)
    try reader.close()
    #expect(try scratch.contents() == killed)
    try store.close()
    let closed = try scratch.contents()
    #expect(try Store.openReadOnly(at: scratch.store).count == 100)
    #expect(try scratch.contents() == closed)
  }

  @Test(arguments: TestMedium.allCases)
  func `Opening and closing over and over takes no space`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    for round in 0..<40 {
      let store = try Store.open(at: scratch.store)
      #expect(try store.count == round)
      try store.put("key \(round)", "value", durability: .durable)
      try store.close()
    }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try store.segments().count == 1)
    #expect(try store.statistics().wasClosed)
    for _ in 0..<5 { try Store.open(at: scratch.store).close() }
    #expect(try Store.openReadOnly(at: scratch.store).count == 40)
  }

  @Test func `A store that is killed over and over without a write takes no space`() throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    for _ in 0..<20 { _ = try Store.open(at: scratch.store) }
    let segments = try Store.openReadOnly(at: scratch.store).segments()
    #expect(segments.count == 2)
    #expect(try Store.openReadOnly(at: scratch.store).get("a") == "1")
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.store.string)
    #expect(Set(names).subtracting(["lock", "reserve"]).count == 2, "\(names)")
  }

  @Test func `After a crash a new incarnation begins and sequences jump`() throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    do { try Store.open(at: scratch.store).put("b", "2", durability: .durable) }
    let store = try Store.openReadOnly(at: scratch.store)
    let segments = try store.segments()
    #expect(segments.map(\.incarnation) == [1, 2])
    // More than every record that could have stood behind the one that was found.
    #expect(segments[1].firstSequence > 2 + UInt64(segments[0].capacityInBytes - 8192) / 24)
    #expect(try store.dictionary().count == 2)
  }

  @Test func `An unfinished creation is completed by the next writer`() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.store.string,
      withIntermediateDirectories: false
    )
    try Data(count: 100).write(to: scratch.url("00000001.segment.new"))
    try Data().write(to: scratch.url("lock"))
    #expect(throws: StoreError.noStore(scratch.store)) { try Store.openReadOnly(at: scratch.store) }
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1", durability: .durable)
    #expect(try Set(scratch.contents().keys) == ["lock", "reserve", "00000001.segment"])
  }

  @Test func `Files are the owner's alone`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.close()
    func mode(_ path: FilePath) throws -> Int {
      let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
      return try #require(attributes[.posixPermissions] as? Int)
    }
    #expect(try mode(scratch.store) == 0o700)
    for name in try scratch.contents().keys {
      #expect(try mode(scratch.store.appending(name)) == 0o600)
    }
  }
}
