// Transactions that commit only if what they read still holds, and swaps.

import Fenceline
import Testing

@testable import Fenceline

struct OptimisticTransactionTests {
  private static let key = Array("key".utf8)

  /// Ways in which somebody else is in the way of a transaction that has read `key`, or its absence.
  enum Interference: CaseIterable {
    case none, put, deletion, deletionAndPut, otherKey
  }

  @Test(arguments: Interference.allCases, [true, false])
  func `What was read and then written by others is a conflict`(
    interference: Interference,
    isThere: Bool
  ) throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    if isThere { try store.put(Self.key, [1]) }
    var failure: StoreError?
    var runs = 0
    do {
      try store.optimisticTransaction(attempts: 1) { (transaction) in
        runs += 1
        #expect(try transaction.get(Self.key) == (isThere ? [1] : nil))
        switch interference {
        case .none: break
        case .put: try store.put(Self.key, [2])
        case .deletion: try store.delete(Self.key)
        case .deletionAndPut:
          try store.put(Self.key, [2])
          try store.delete(Self.key)
          try store.put(Self.key, [1])
        case .otherKey: try store.put("blind", "written by another one")
        }
        // It goes on reading what it read.
        #expect(try transaction.get(Self.key) == (isThere ? [1] : nil))
        try transaction.put("blind", "mine")
      }
    } catch let error as StoreError {
      failure = error
    }
    let isInTheWay =
      switch interference {
      case .none, .otherKey: false
      case .put, .deletionAndPut: true
      case .deletion: isThere
      }
    #expect(failure == (isInTheWay ? .conflict(key: Self.key) : nil))
    #expect(runs == 1)
    #expect(try store.get("blind") == (isInTheWay ? nil : "mine"))
  }

  @Test func `A transaction runs again until nobody is in its way`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put(Self.key, [0])
    var runs = 0
    let result = try store.optimisticTransaction(attempts: 4, durability: .durable) {
      (transaction) -> [UInt8] in
      runs += 1
      let old = try transaction.get(Self.key) ?? []
      if runs < 4 { try store.put(Self.key, [UInt8(runs)]) }
      try transaction.put(Self.key, old + [9])
      #expect(try transaction.get(Self.key) == old + [9])
      return old
    }
    #expect(runs == 4 && result == [3])
    #expect(try store.get(Self.key) == [3, 9])
    #expect(throws: StoreError.conflict(key: Self.key)) {
      try store.optimisticTransaction(attempts: 3) { (transaction) in
        _ = try transaction.delete(Self.key)
        try store.put(Self.key, [1])
        try transaction.put("x", "y")
      }
    }
    #expect(try store.get("x") == nil)
  }

  @Test func `Its own writes are seen, and an error discards them`() throws {
    struct Refusal: Error {}
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("old", "value")
    #expect(throws: Refusal.self) {
      try store.optimisticTransaction { (transaction) in
        try transaction.put("new", "value")
        #expect(try transaction.delete("old"))
        #expect(try !transaction.delete("old"))
        #expect(try transaction.get("old") == nil)
        #expect(try transaction.delete("new"))
        #expect(try transaction.get("new") == nil)
        throw Refusal()
      }
    }
    #expect(try store.get("old") == "value" && store.count == 1)
    try store.optimisticTransaction { (transaction) in
      #expect(try transaction.delete("old"))
      try transaction.put("new", "value")
    }
    #expect(try store.get("old") == nil && store.get("new") == "value")
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(throws: StoreError.readOnly) {
      try reader.optimisticTransaction { (transaction) in try transaction.put("a", "b") }
    }
  }

  @Test func `A swap needs exactly the value that it expects`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let key = Self.key
    #expect(try !store.compareAndSwap(key, expected: [1], new: [2]))
    #expect(try !store.compareAndSwap(key, expected: [], new: [2]))
    #expect(try store.get(key) == nil)
    #expect(try store.compareAndSwap(key, expected: nil, new: [1], durability: .durable))
    #expect(try !store.compareAndSwap(key, expected: nil, new: [2]))
    #expect(try !store.compareAndSwap(key, expected: [1, 0], new: [2]))
    #expect(try store.compareAndSwap(key, expected: [1], new: []))
    #expect(try store.get(key) == [])
    #expect(try store.compareAndSwap(key, expected: [], new: nil))
    #expect(try !store.contains(key))
    #expect(try store.compareAndSwap(key, expected: nil, new: nil))
    #expect(throws: StoreError.keyTooLong(length: 65_536)) {
      try store.compareAndSwap(Array(repeating: 0, count: 65_536), expected: nil, new: [1])
    }
    try store.transaction { (_) -> Void in
      #expect(throws: StoreError.nestedWrite) {
        _ = try store.compareAndSwap(key, expected: nil, new: [1])
      }
    }
  }
}
