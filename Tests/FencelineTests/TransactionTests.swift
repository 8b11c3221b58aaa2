// Transactions: all or nothing, one after the other, and they see what they wrote.

import Fenceline
import Foundation
import SystemPackage
import Testing

struct TransactionTests {
  struct Refusal: Error, Equatable {}

  @Test(arguments: [Durability.buffered, .durable])
  func `A transaction commits everything or nothing`(durability: Durability) throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("kept", "old")
    let result = try store.transaction(durability: durability) { (transaction) in
      try transaction.put("a", "1")
      try transaction.put("b", "2")
      try transaction.delete("kept")
      return 7
    }
    #expect(result == 7)
    #expect(try store.get("a") == "1")
    #expect(try store.get("kept") == nil)
    #expect(throws: Refusal()) {
      try store.transaction { (transaction) in
        try transaction.put("a", "changed")
        try transaction.put("c", "new")
        try transaction.delete("b")
        throw Refusal()
      }
    }
    #expect(
      try store.dictionary() == [
        Array("a".utf8): Array("1".utf8), Array("b".utf8): Array("2".utf8),
      ]
    )
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).count == 2)
  }

  @Test func `A transaction reads its own writes, others do not`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "stored")
    try store.transaction { (transaction) in
      #expect(try transaction.get("a") == "stored")
      try transaction.put("a", "mine")
      #expect(try transaction.get("a") == "mine")
      #expect(try store.get("a") == "stored")
      #expect(try transaction.delete("a"))
      #expect(try transaction.get("a") == nil)
      #expect(try !transaction.delete("a"))
      try transaction.put("a", "again")
      try transaction.put("fresh", "x")
      #expect(try transaction.delete("fresh"))
      #expect(try !transaction.delete("never there"))
    }
    #expect(try store.get("a") == "again")
    #expect(try store.get("fresh") == nil)
    #expect(try store.count == 1)
  }

  @Test func `A key that is written often in one transaction is journaled once`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.transaction(durability: .durable) { (transaction) in
      for number in 0..<1000 { try transaction.put("k", "\(number)") }
    }
    try store.close()
    let reopened = try Store.openReadOnly(at: scratch.store)
    #expect(try reopened.get("k") == "999")
    #expect(try reopened.statistics().recordCountAtOpening == 1)
  }

  @Test func `Many operations on the same keys in one transaction end as if done one by one`()
    throws
  {
    var generator = SeededGenerator(label: "long transactions")
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    var model: [String: String] = [:]
    for round in 0..<40 {
      try store.transaction { (transaction) in
        for number in 0..<Int.random(in: 0..<120, using: &generator) {
          let key = "key \(Int.random(in: 0..<30, using: &generator))"
          switch Int.random(in: 0..<3, using: &generator) {
          case 0:
            #expect(try transaction.delete(key) == (model.removeValue(forKey: key) != nil))
          default:
            model[key] = "\(round).\(number)"
            try transaction.put(key, "\(round).\(number)")
          }
          let asked = "key \(Int.random(in: 0..<30, using: &generator))"
          #expect(try transaction.get(asked) == model[asked])
        }
      }
      var entries: [String: String] = [:]
      for (key, value) in try store.dictionary() {
        entries[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
      }
      #expect(entries == model)
    }
  }

  @Test func `What a transaction borrows and what it copies stand side by side`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let names = (0..<40).map { Array("key \($0 % 15)".utf8) }
    let values = (0..<40).map { [UInt8](repeating: UInt8($0), count: $0 * 7) }
    var expected: [[UInt8]: [UInt8]] = [:]
    try store.commit(durability: .durable) { (transaction) throws(StoreError) in
      for number in names.indices {
        let (name, value) = (names[number], values[number])
        if number % 11 == 10 {
          try transaction.delete(name)
          expected[name] = nil
          continue
        }
        if number.isMultiple(of: 3) {
          try transaction.put(name, value)
        } else {
          // `names` and `values` keep the bytes.
          unsafe try transaction.put(borrowing: name.span.bytes, value.span.bytes)
        }
        expected[name] = value
        #expect(try transaction.get(name) == value)
      }
    }
    #expect(try store.dictionary() == expected)
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).dictionary() == expected)
  }

  @Test func `An empty transaction writes nothing`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.transaction(durability: .durable) { _ in }
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).statistics().recordCountAtOpening == 0)
  }

  @Test func `A transaction larger than a segment gets a segment of its own size`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("first", "x")
    try store.transaction(durability: .durable) { (transaction) in
      for number in 0..<3000 { try transaction.put("key \(number)", "value \(number)") }
    }
    try store.put("last", "y", durability: .durable)
    let killed = try scratch.copyOfFiles()
    let reopened = try Store.open(at: killed, options: .smallSegments)
    #expect(try reopened.count == 3002)
    #expect(try reopened.get("key 2999") == "value 2999")
    #expect(try reopened.segments().contains { $0.capacityInBytes > 16 << 10 })
  }

  @Test func `Writing to the store inside a transaction is refused, not a deadlock`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.transaction { (transaction) in
      try transaction.put("a", "1")
      #expect(throws: StoreError.nestedWrite) { try store.put("b", "2") }
      #expect(throws: StoreError.nestedWrite) { try store.delete("b") }
      #expect(throws: StoreError.nestedWrite) { try store.sync() }
      #expect(throws: StoreError.nestedWrite) { try store.close() }
      #expect(throws: StoreError.nestedWrite) { try store.transaction { _ in } }
    }
    #expect(try store.dictionary().count == 1)
  }

  @Test func `Increments from several threads are all counted`() async throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("n", "0")
    let threads = 4
    let rounds = 250
    try await withThrowingTaskGroup(of: Void.self) { (group) in
      for _ in 0..<threads {
        group.addTask {
          for _ in 0..<rounds {
            try store.transaction { (transaction) in
              let old = Int(try transaction.get("n") ?? "") ?? -1_000_000
              try transaction.put("n", "\(old + 1)")
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try store.get("n") == "\(threads * rounds)")
  }
}
