// What a store does with keys and values while nothing goes wrong.

import Fenceline
import Foundation
import SystemPackage
import Testing

struct StoreTests {
  @Test(arguments: TestMedium.allCases)
  func `What was put is there, until it is overwritten or deleted`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store)
    #expect(try store.get("colour") == nil)
    try store.put("colour", "red")
    #expect(try store.get("colour") == "red")
    try store.put("colour", "blue", durability: .durable)
    #expect(try store.get("colour") == "blue")
    #expect(try store.count == 1)
    #expect(try store.delete("colour"))
    #expect(try !store.delete("colour"))
    #expect(try store.get("colour") == nil)
    #expect(try !store.contains("colour"))
    #expect(try store.count == 0)
  }

  @Test(arguments: [0, 1, 7, 8, 63, 64, 65, 4095, 65_535, 65_536, 65_537, 131_072, 3_000_001])
  func `A value of any length comes back byte for byte, also after reopening`(length: Int) throws {
    let scratch = try Scratch()
    let value = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }
    do {
      let store = try Store.open(at: scratch.store)
      try store.put(Array("before".utf8), value, durability: .buffered)
      try store.put(Array("key".utf8), value, durability: .durable)
      try store.put("after", "x")
      #expect(try store.get(Array("key".utf8)) == value)
      try store.close()
    }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try store.get(Array("before".utf8)) == value)
    #expect(try store.get(Array("key".utf8)) == value)
    #expect(try store.get("after") == "x")
  }

  @Test func `Keys may be empty, binary and up to 65,535 bytes`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let longest = [UInt8](repeating: 9, count: 65_535)
    try store.put([], [1])
    try store.put([0], [2])
    try store.put([0, 0], [])
    try store.put(longest, [3])
    #expect(try store.get([]) == [1])
    #expect(try store.get([0]) == [2])
    #expect(try store.get([0, 0]) == [])
    #expect(try store.get(longest) == [3])
    #expect(throws: StoreError.keyTooLong(length: 65_536)) { try store.put(longest + [9], []) }
    #expect(throws: StoreError.keyTooLong(length: 65_536)) { try store.delete(longest + [9]) }
    #expect(try store.get(longest + [9]) == nil)
    #expect(try store.count == 4)
  }

  @Test func `A value over 4 GiB - 1 is refused before anything is read of it`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let length = 4_294_967_296
    // Address space without memory: the store must look at the length only.
    let address = unsafe mmap(
      nil,
      length,
      PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
      -1,
      0
    )
    defer { unsafe _ = munmap(address, length) }
    let key: [UInt8] = [1]
    #expect(throws: StoreError.valueTooLong(length: length)) {
      try store.put(
        unsafe key.span.bytes,
        unsafe UnsafeRawBufferPointer(start: address, count: length).bytes
      )
    }
  }

  @Test(arguments: TestMedium.allCases)
  func `Many keys survive growth of table and journal, a close and a crash`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let count = 20_000
    var expected: [[UInt8]: [UInt8]] = [:]
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<count {
      let key = Array("key \(number % (count * 3 / 4))".utf8)
      let value = Array("value \(number)".utf8)
      try store.put(key, value)
      expected[key] = value
    }
    for number in stride(from: 0, to: count / 2, by: 7) {
      let key = Array("key \(number)".utf8)
      #expect(try store.delete(key))
      expected[key] = nil
    }
    #expect(try store.count == expected.count)
    #expect(try store.dictionary() == expected)
    try store.sync()
    let killed = try scratch.copyOfFiles()
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).dictionary() == expected)
    let reopened = try Store.open(at: killed)
    #expect(try reopened.dictionary() == expected)
    #expect(try reopened.segments().count > 10)
  }

  @Test func `A value is read in place, without a copy`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let value = [UInt8](repeating: 5, count: 1000)
    try store.put(Array("key".utf8), value, durability: .durable)
    let key = Array("key".utf8)
    let sum = try store.withValue(forKey: unsafe key.span.bytes) { (bytes) in
      unsafe bytes.withUnsafeBytes { unsafe $0.reduce(0) { $0 + Int($1) } }
    }
    #expect(sum == 5000)
  }

  @Test func `Entries come in key order when that is asked for, with prefix and stop`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let keys = ["b", "a", "aa", "", "ab", "abcdefgh1", "abcdefgh0", "abcdefgh", "é", "\u{0}"]
    for key in keys { try store.put(key, key + "!") }
    var visited: [String] = []
    try store.forEach(order: .byKey) { (key, value, _) in
      visited.append(String(decoding: key.array, as: UTF8.self))
      #expect(value.array == key.array + Array("!".utf8))
      return .next
    }
    #expect(visited == keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    visited = []
    try store.forEach(prefix: Array("ab".utf8), order: .byKey) { (key, _, _) in
      visited.append(String(decoding: key.array, as: UTF8.self))
      return visited.count == 2 ? .stop : .next
    }
    #expect(visited == ["ab", "abcdefgh"])
  }

  @Test func `An entry's location names the record's place in the file`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("one", "first", durability: .durable)
    try store.put("two", "second", durability: .durable)
    var locations: [EntryLocation] = []
    try store.forEach(order: .byKey) { (_, _, location) in
      locations.append(location)
      return .next
    }
    #expect(locations.map(\.segment) == [1, 1])
    #expect(locations.map(\.offset) == [4096, 4160])
    #expect(locations.map(\.sequence) == [1, 2])
    let file = try Data(contentsOf: scratch.url("00000001.segment"))
    let start = locations[1].valueOffset
    #expect(file[start..<start + 6] == Data("second".utf8))
  }

  @Test func `A commit says what it survives`() throws {
    let (isForced, isPersistent) = (TestMedium.areForced, TestMedium.arePersistent)
    let onTemporary = try Scratch(.temporaryFileSystem)
    let volatile = try Store.open(at: onTemporary.store)
    let most: Survival = isPersistent ? .powerFailure : .processCrash
    #expect(try volatile.put("a", "b") == .processCrash)
    #expect(try volatile.put("a", "b", durability: .durable) == most)
    #expect(try volatile.sync() == most)
    let onDisk = try Scratch(.disk)
    let file = try Store.open(at: onDisk.store)
    #expect(try file.put("a", "b") == (isForced || isPersistent ? .processCrash : .nothing))
    #expect(
      try file.put("a", "b", durability: .durable) == (isForced ? .processCrash : .powerFailure)
    )
    #expect(try file.sync(.medium) == (isForced ? .processCrash : .powerFailure))
    let statistics = try file.statistics()
    #expect(statistics.medium == (isForced || isPersistent ? "persistentMemory" : "file"))
    #expect(statistics.isForced == isForced)
  }

  @Test(.enabled(if: !TestMedium.arePersistent))
  func `A medium that survives less than required is refused`() throws {
    let scratch = try Scratch(.temporaryFileSystem)
    var options = StoreOptions()
    options.requiredSurvival = .powerFailure
    #expect(
      throws: StoreError.insufficientDurability(required: .powerFailure, offered: .processCrash)
    ) {
      try Store.open(at: scratch.store, options: options)
    }
  }

  @Test func `An empty store is small, and statistics add up`() throws {
    let scratch = try Scratch(.disk)
    let store = try Store.open(at: scratch.store)
    let statistics = try store.statistics()
    #expect(statistics.allocatedBytes < 1 << 20)
    #expect(statistics.segmentCount == 1)
    #expect(statistics.keyCount == 0)
    #expect(store.identifier.count == 32)
    let segments = try store.segments()
    #expect(segments.map(\.capacityInBytes).reduce(0, +) == statistics.journalCapacityInBytes)
    #expect(segments.map(\.allocatedBytes).reduce(0, +) == statistics.allocatedBytes)
  }
}
