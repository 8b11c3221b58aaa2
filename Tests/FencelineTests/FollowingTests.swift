// A handle that only reads keeps up with a writer, whatever the writer does.

import Fenceline
import Foundation
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

struct FollowingTests {
  private static let value = String(repeating: "v", count: 100)

  @Test(arguments: TestMedium.allCases)
  func `A reader sees what was synced since it was opened`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("a", "1")
    try store.sync()
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try reader.get("a") == "1")
    try store.put("a", "2")
    try store.put("b", "1")
    try store.sync()
    #expect(try reader.get("a") == "2")
    #expect(try reader.get("b") == "1")
    #expect(try reader.count == 2)
    try store.delete("a")
    try store.sync()
    #expect(try reader.get("a") == nil)
    #expect(try reader.get([Array("a".utf8), Array("b".utf8)]) == [nil, Array("1".utf8)])
    try store.transaction(durability: .durable) { transaction in
      try transaction.put("c", "1")
      try transaction.delete("b")
    }
    #expect(try reader.dictionary() == [Array("c".utf8): Array("1".utf8)])
    // Over many segments.
    for number in 0..<1000 { try store.put("key \(number)", Self.value) }
    try store.sync()
    #expect(try reader.count == 1001)
    #expect(try reader.get("key 999") == Self.value)
    #expect(throws: StoreError.readOnly) { try reader.put("x", "y") }
  }

  @Test(arguments: TestMedium.allCases)
  func `A reader goes on over closes, kills, recoveries and compactions`(
    medium: TestMedium
  ) throws {
    var generator = SeededGenerator(label: "following")
    let scratch = try Scratch(medium)
    var store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("first", "one")
    try store.sync()
    var model = ["first": "one"]
    let readers = try (0..<3).map { _ in try Store.openReadOnly(at: scratch.store) }
    for step in 0..<1500 {
      let key = "key \(Int.random(in: 0..<80, using: &generator))"
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<65:
        let length = Int.random(in: 0..<250, using: &generator)
        model[key] = "\(step)" + String(repeating: "x", count: length)
        try store.put(key, model[key] ?? "")
      case 65..<85:
        try store.delete(key)
        model[key] = nil
      case 85..<92:
        try store.transaction { transaction in
          try transaction.put("left", "\(step)")
          try transaction.put("right", "\(step)")
          try transaction.delete("first")
        }
        model["left"] = "\(step)"
        model["right"] = "\(step)"
        model["first"] = nil
      case 92..<95: try store.compact(sealingAlways: true)
      case 95..<98:
        try store.close()
        store = try Store.open(at: scratch.store, options: .smallSegments)
      default:
        // Another process recovers; twice, so that an empty segment is replaced.
        try store.sync()
        for _ in 0..<2 {
          store.directory.unlock()
          store = try Store.open(at: scratch.store, options: .smallSegments)
        }
      }
      // Some readers look often, others seldom.
      for (number, reader) in readers.enumerated()
      where step.isMultiple(of: [1, 17, 400][number]) {
        try store.sync()
        try expect(reader, toShow: model, step)
      }
    }
    try store.close()
    for reader in readers { try expect(reader, toShow: model, -1) }
    // What compactions have removed is let go.
    #expect(readers[0].map.segments.count <= store.map.segments.count + 8)
  }

  private func expect(_ reader: Store, toShow model: [String: String], _ step: Int) throws {
    let found = try reader.dictionary().reduce(into: [String: String]()) {
      $0[String(decoding: $1.key, as: UTF8.self)] = String(decoding: $1.value, as: UTF8.self)
    }
    var ordered: [[UInt8]] = []
    try reader.forEach(order: .ascending) { (key, _, _) in
      ordered.append(key.array)
      return .next
    }
    #expect(found == model, "step \(step)")
    #expect(try reader.count == model.count, "step \(step)")
    #expect(ordered == model.keysInOrder, "step \(step)")
  }

  /// The reader has the segment in view that is replaced, in which nothing will change any more.
  @Test(arguments: TestMedium.allCases)
  func `What comes behind an empty segment that was replaced is seen by the next read`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    var store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("key", "0", durability: .durable)
    // A process that was killed leaves a segment behind the end that it found.
    func reopen() throws {
      store.directory.unlock()
      store = try Store.open(at: scratch.store, options: .smallSegments)
    }
    for number in 1..<40 {
      try reopen()
      let reader = try Store.openReadOnly(at: scratch.store)
      for _ in 0..<number % 3 {
        #expect(try reader.get("key") == "\(number - 1)")
        try reopen()
      }
      #expect(try reader.get("key") == "\(number - 1)")
      try store.put("key", "\(number)", durability: .durable)
      #expect(try reader.get("key") == "\(number)")
    }
  }

  /// Its first word is there, and was looked at, long before it is whole.
  @Test func `A transaction whose records come in parts is seen as soon as it is whole`() throws {
    let scratch = try Scratch()
    let file = URL(filePath: scratch.store.appending("00000001.segment").string)
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1", durability: .durable)
    let old = try Data(contentsOf: file)
    try store.transaction(durability: .durable) { (transaction) in
      try transaction.put("a", Self.value)
      try transaction.put("b", Self.value)
    }
    let new = try Data(contentsOf: file)
    try store.close()
    let words = Set((4096..<old.count).filter { old[$0] != new[$0] }.map { $0 / 8 * 8 }).sorted()
    #expect(words.count > 20)
    var generator = SeededGenerator(label: "parts")
    for words in [words, words.reversed(), words.shuffled(using: &generator)] {
      try old.write(to: file)
      let reader = try Store.openReadOnly(at: scratch.store)
      #expect(try reader.get("a") == "1")
      for (number, word) in words.enumerated() {
        let handle = try FileHandle(forWritingTo: file)
        try handle.seek(toOffset: UInt64(word))
        try handle.write(contentsOf: new[word..<word + 8])
        try handle.close()
        let isWhole = number == words.count - 1
        #expect(try reader.get("a") == (isWhole ? Self.value : "1"), "word at \(word)")
        #expect(try reader.get("b") == (isWhole ? Self.value : nil), "word at \(word)")
      }
    }
  }

  /// What one thread applies, the others wait for.
  @Test(arguments: TestMedium.allCases)
  func `Many threads read a following handle while a writer writes and compacts`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let keys = 60
    for key in 0..<keys { try store.put("key \(key)", "0") }
    try store.sync()
    let reader = try Store.openReadOnly(at: scratch.store)
    let isDone = Atomic<Bool>(false)
    let reads = Atomic<Int>(0)
    let synced = Atomic<Int>(0)
    let failures = Mutex<[String]>([])
    let group = ThreadGroup()
    for start in 0..<3 {
      group.run {
        var newest = [Int](repeating: 0, count: keys)
        var key = start
        while !isDone.load(ordering: .relaxed) {
          key = (key + 7) % keys
          let oldest = max(newest[key], synced.load(ordering: .acquiring))
          let text = try? reader.get("key \(key)")
          guard let text, let round = Int(text), round >= oldest else {
            failures.withLock { $0.append("key \(key): \(text ?? "none") after \(oldest)") }
            return
          }
          newest[key] = round
          reads.add(1, ordering: .relaxed)
        }
      }
    }
    var round = 0
    while round < 300 || reads.load(ordering: .relaxed) < 1000, round < 100_000 {
      round += 1
      for key in 0..<keys { try store.put("key \(key)", "\(round)") }
      try store.sync()
      synced.store(round, ordering: .releasing)
      if round.isMultiple(of: 20) { try store.compact(sealingAlways: true) }
    }
    try store.sync()
    isDone.store(true, ordering: .relaxed)
    group.wait()
    #expect(failures.withLock { $0 } == [])
    for key in 0..<keys { #expect(try reader.get("key \(key)") == "\(round)") }
  }

  @Test func `A torn transaction is not seen, and what a recovery makes of it is`() throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try reader.get("a") == "1")
    // Half a record behind the end, as a killed writer leaves it.
    try scratch.patch("00000001.segment") { (data) in
      let end = 4096 + 64
      data.replaceSubrange(end..<end + 24, with: Data(repeating: 0x41, count: 24))
    }
    #expect(try reader.get("a") == "1")
    #expect(try reader.count == 1)
    let store = try Store.open(at: scratch.store)
    try store.put("b", "2", durability: .durable)
    #expect(try reader.get("b") == "2")
    #expect(try reader.get("a") == "1")
  }

  @Test func `A reader leaves nothing behind and writes nothing`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1", durability: .durable)
    let before = try scratch.contents()
    do {
      let reader = try Store.openReadOnly(at: scratch.store)
      #expect(try reader.get("a") == "1")
    }
    #expect(try scratch.contents() == before)
  }
}

extension [String: String] {
  fileprivate var keysInOrder: [[UInt8]] {
    keys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
