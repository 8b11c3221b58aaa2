// The past of a store: what its journal still holds can be looked at, and what is gone is said to be.

import Fenceline
import Foundation
import JournalFormat
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

struct PastTests {
  private typealias Model = [[UInt8]: [UInt8]]

  private static func sequence(of store: Store) throws -> UInt64 {
    try store.statistics().newestSequence
  }

  @Test(arguments: TestMedium.allCases)
  func `Every state that is said to be readable is what it was`(medium: TestMedium) throws {
    var generator = SeededGenerator(label: "past")
    let scratch = try Scratch(medium)
    var store = try Store.open(at: scratch.store, options: .smallSegments)
    let keys = (0..<40).map { Array("key \($0)".utf8) }
    var model: Model = [:]
    var states: [UInt64: Model] = [0: [:]]
    var looks = 0
    for step in 0..<900 {
      let key = keys[Int.random(in: keys.indices, using: &generator)]
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<55:
        model[key] = generator.bytes(Int.random(in: 0..<200, using: &generator))
        try store.put(key, model[key] ?? [])
      case 55..<75:
        try store.delete(key)
        model[key] = nil
      case 75..<85:
        let others = (0..<4).map { _ in keys[Int.random(in: keys.indices, using: &generator)] }
        try store.transaction { (transaction) in
          for other in others { try transaction.put(other, key) }
          try transaction.delete(key)
        }
        for other in others { model[other] = key }
        model[key] = nil
      case 85..<87: _ = try store.compactSome {}
      case 87: try store.compact(sealingAlways: true)
      case 88..<90:
        try store.close()
        store = try Store.open(at: scratch.store, options: .smallSegments)
      default: break
      }
      states[try Self.sequence(of: store)] = model
      guard step.isMultiple(of: 60) || step == 899 else { continue }
      try store.sync()
      let statistics = try store.statistics()
      let (oldest, newest) = (statistics.oldestSequence, statistics.newestSequence)
      for number in 0..<5 {
        let wanted = number == 0 ? oldest : UInt64.random(in: oldest...newest, using: &generator)
        let past = try Store.openReadOnly(at: scratch.store, asOf: wanted)
        #expect(try past.dictionary() == states[wanted], "at \(wanted) of \(oldest)...\(newest)")
        #expect(try past.statistics().newestSequence == wanted)
        looks += 1
      }
      if oldest > 0 {
        #expect(throws: StoreError.pastIsGone(sequence: oldest - 1, oldest: oldest)) {
          try Store.openReadOnly(at: scratch.store, asOf: oldest - 1)
        }
      }
      #expect(throws: StoreError.notYetWritten(sequence: newest + 1, newest: newest)) {
        try Store.openReadOnly(at: scratch.store, asOf: newest + 1)
      }
    }
    #expect(looks == 80)
  }

  // What a compaction left out may have been superseded while it was looking, and the past begins behind
  // that.
  @Test func `A compaction beside a writer says rightly from where on the past is whole`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let keyCount: UInt64 = 64
    let isOver = Atomic<Bool>(false)
    let compactions = Atomic<Int>(0)
    let faults = Atomic<Int>(0)
    let threads = ThreadGroup()
    threads.run {
      while !isOver.load(ordering: .relaxed) {
        do { try store.compact(sealingAlways: true) } catch { faults.add(1, ordering: .relaxed) }
        compactions.add(1, ordering: .relaxed)
      }
    }
    // The transaction with the sequence s writes s to the key s modulo 64.
    var sequence: UInt64 = 0
    var looks = 0
    while looks < 40 {
      for _ in 0..<500 {
        sequence += 1
        try store.put("\(sequence % keyCount)", "\(sequence)")
      }
      let oldest = try store.statistics().oldestSequence
      // A compaction may take it away meanwhile.
      guard let past = try? Store.openReadOnly(at: scratch.store, asOf: oldest) else { continue }
      looks += 1
      for key in 0..<keyCount {
        let behind = (oldest + keyCount - key) % keyCount
        let expected = behind < oldest ? "\(oldest - behind)" : nil
        #expect(try past.get("\(key)") == expected, "key \(key) at \(oldest)")
      }
    }
    isOver.store(true, ordering: .relaxed)
    threads.wait()
    #expect(faults.load(ordering: .relaxed) == 0)
    #expect(compactions.load(ordering: .relaxed) > 3)
  }

  @Test func `The versions of a key are those that the journal holds`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let key = Array("key".utf8)
    func versions(of store: Store) throws -> [String] {
      var found: [String] = []
      try store.forEachVersion(of: unsafe key.span.bytes) { (version, value) in
        var text = "-"
        if let value { text = String(decoding: value.array, as: UTF8.self) }
        #expect((text == "-") == version.isDelete)
        found.append("\(version.sequence) \(text)")
        return .next
      }
      return found
    }
    try store.put("key", "one")
    try store.put("other", "value")
    try store.transaction { (transaction) in
      try transaction.put("other", "two")
      try transaction.put("key", "two")
    }
    try store.delete("key")
    try store.put("key", "three")
    #expect(try versions(of: store) == ["5 three", "4 -", "3 two", "1 one"])
    try store.sync()
    #expect(try versions(of: Store.openReadOnly(at: scratch.store)) == versions(of: store))
    let past = try Store.openReadOnly(at: scratch.store, asOf: 4)
    #expect(try versions(of: past) == ["4 -", "3 two", "1 one"])
    var first: UInt64 = 0
    try store.forEachVersion(of: unsafe key.span.bytes) { (version, _) in
      first = version.sequence
      return .stop
    }
    #expect(first == 5)
    for _ in 0..<300 { try store.put("filler", String(repeating: "f", count: 100)) }
    try store.compact(sealingAlways: true)
    #expect(try versions(of: store) == ["5 three"])
    #expect(try store.statistics().oldestSequence == 305)
    try store.close()
    #expect(throws: StoreError.closed) { try versions(of: store) }
  }

  // Where the newest segment was only created when the versions are asked for, it has no committed end yet.
  @Test func `The versions of a key are all there while segments are filled and compacted`() throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let reader = try Store.openReadOnly(at: scratch.store)
    let key = Array("key".utf8)
    try store.put("key", "first")
    try store.put("key", "second")
    let isOver = Atomic<Bool>(false)
    let faults = Atomic<Int>(0)
    let threads = ThreadGroup()
    threads.run {
      var number = 0
      while !isOver.load(ordering: .relaxed) {
        number += 1
        do {
          try store.put("other \(number % 50)", String(repeating: "f", count: 500))
          if number.isMultiple(of: 500) { try store.compact() }
        } catch { faults.add(1, ordering: .relaxed) }
      }
    }
    for _ in 0..<200 {
      for handle in [store, reader] {
        var newest: UInt64 = 0
        try handle.forEachVersion(of: unsafe key.span.bytes) { (version, value) in
          newest = max(newest, version.sequence)
          return .next
        }
        #expect(newest == 2)
      }
    }
    isOver.store(true, ordering: .relaxed)
    threads.wait()
    #expect(faults.load(ordering: .relaxed) == 0)
  }

  // Before, the whole past stayed unknown for good: what a source did not know no compaction could know.
  @Test func `A store whose compactions said nothing of the past has one again`() throws {
    let scratch = try Scratch()
    let golden = GoldenStoreTests.path(of: "format-1-compacted")
    try FileManager.default.copyItem(atPath: golden, toPath: scratch.store.string)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for _ in 0..<100 { try store.put("filler", String(repeating: "f", count: 1000)) }
    for _ in 0..<3 {
      for number in 0..<1500 { try store.put("\(number)", "anew") }
      try store.compact(sealingAlways: true)
    }
    let compacted = try Self.sequence(of: store)
    for _ in 0..<10 { try store.put("key", "value") }
    try store.close()
    let past = try Store.openReadOnly(at: scratch.store).statistics()
    #expect(past.newestSequence == compacted + 10)
    #expect(past.oldestSequence <= compacted)
    #expect(try Store.openReadOnly(at: scratch.store, asOf: compacted).get("key") == nil)
  }

  @Test func `A header whose first sequence is 0 ends no opening`() throws {
    let scratch = try Scratch()
    try Store.open(at: scratch.store, options: .smallSegments).close()
    try scratch.patch("00000001.segment") {
      for byte in 0..<8 { $0[SegmentField.firstSequence + byte] = 0 }
      $0.sealHeader()
    }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try store.statistics().oldestSequence == 0)
    #expect(try Store.openReadOnly(at: scratch.store, asOf: 0).count == 0)
  }

  @Test func `A store whose compactions said nothing of the past has none`() throws {
    let store = FilePath(GoldenStoreTests.path(of: "format-1-compacted"))
    let newest = try Store.openReadOnly(at: store).statistics()
    #expect(newest.oldestSequence == newest.newestSequence)
    #expect(
      throws: StoreError.pastIsGone(
        sequence: newest.newestSequence - 1,
        oldest: newest.newestSequence
      )
    ) {
      try Store.openReadOnly(at: store, asOf: newest.newestSequence - 1)
    }
    let past = try Store.openReadOnly(at: store, asOf: newest.newestSequence)
    #expect(try past.dictionary() == Store.openReadOnly(at: store).dictionary())
    // Without a compaction everything is there.
    let whole = FilePath(GoldenStoreTests.path(of: "format-1"))
    #expect(try Store.openReadOnly(at: whole).statistics().oldestSequence == 0)
    #expect(try Store.openReadOnly(at: whole, asOf: 0).count == 0)
    #expect(try Store.openReadOnly(at: whole, asOf: 1).count > 0)
  }
}
