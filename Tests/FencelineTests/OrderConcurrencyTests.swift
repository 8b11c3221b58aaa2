// Scans beside writers and compactions: each shows one moment.

import Fenceline
import Foundation
import Synchronization
import Testing

@testable import Fenceline

struct OrderConcurrencyTests {
  /// What the threads of a test share.
  final class Counters: Sendable {
    let isOver = Atomic<Bool>(false)
    let scans = Atomic<Int>(0)
    let faults = Atomic<Int>(0)
    let moves = Atomic<Int>(0)
    let discards = Atomic<Int>(0)
  }

  // One key of many holds the token; a transaction takes it from one and gives it to another. A scan that
  // mixes two moments sees none or two. Trees are given up all the time, so that they are built, caught
  // up with and relocated beside the writer.
  @Test(arguments: TestMedium.allCases)
  func `Each scan sees exactly one token, which a writer moves from key to key`(
    medium: TestMedium
  ) throws {
    var generator = SeededGenerator(label: "token")
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let keys = (0..<600).map { Array("key \($0)".utf8) }
    for number in keys.indices.dropFirst().filter({ $0.isMultiple(of: 2) }) {
      try store.put(keys[number], [])
    }
    try store.put(keys[0], [1])
    let counters = Counters()
    let threads = ThreadGroup()
    for reader in 0..<3 {
      threads.run {
        while !counters.isOver.load(ordering: .relaxed) {
          var tokens = 0
          var seen = 0
          do {
            try store.forEach(order: reader == 0 ? .ascending : .descending) { (_, value, _) in
              tokens += value.byteCount
              seen += 1
              return .next
            }
          } catch {
            tokens = -1
          }
          if tokens != 1 || seen < 200 { counters.faults.add(1, ordering: .relaxed) }
          counters.scans.add(1, ordering: .relaxed)
          if reader == 2 { store.order.discard() }
        }
      }
    }
    threads.run {
      while !counters.isOver.load(ordering: .relaxed) {
        do { try store.compact(sealingAlways: true) } catch {
          counters.faults.add(1, ordering: .relaxed)
        }
      }
    }
    var holder = 0
    let end = ContinuousClock.now.advanced(by: .seconds(3))
    while ContinuousClock.now < end || counters.scans.load(ordering: .relaxed) < 50 {
      let next = Int.random(in: keys.indices, using: &generator)
      guard next != holder else { continue }
      let isDeleted = Bool.random(using: &generator)
      try store.transaction { (transaction) in
        if isDeleted {
          try transaction.delete(keys[holder])
        } else {
          try transaction.put(keys[holder], [])
        }
        try transaction.put(keys[next], [1])
      }
      if isDeleted {
        try store.put(
          keys[(holder + 1) % keys.count == next ? holder : (holder + 1) % keys.count],
          []
        )
      }
      holder = next
      counters.moves.add(1, ordering: .relaxed)
    }
    counters.isOver.store(true, ordering: .relaxed)
    threads.wait()
    #expect(counters.faults.load(ordering: .relaxed) == 0)
    #expect(counters.moves.load(ordering: .relaxed) > 100)
    try store.order.checkInvariants()
    #expect(try store.get(keys[holder]) == [1])
  }

  // A commit that returned is in every scan that starts behind it.
  @Test func `A scan shows what its own thread has written`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let counters = Counters()
    let threads = ThreadGroup()
    for thread in 0..<3 {
      threads.run {
        do {
          for number in 0..<1500 {
            let key = Array("\(thread)/\(number)".utf8)
            try store.put(key, key)
            var isThere = false
            try store.forEach(from: key, order: .ascending, limit: 1) { (found, _, _) in
              isThere = found.array == key
              return .stop
            }
            if !isThere { counters.faults.add(1, ordering: .relaxed) }
            guard number.isMultiple(of: 3) else { continue }
            try store.delete(key)
            try store.forEach(from: key, order: .ascending, limit: 1) { (found, _, _) in
              if found.array == key { counters.faults.add(1, ordering: .relaxed) }
              return .stop
            }
          }
        } catch {
          counters.faults.add(1, ordering: .relaxed)
        }
      }
    }
    threads.wait()
    #expect(counters.faults.load(ordering: .relaxed) == 0)
    try store.order.checkInvariants()
  }

  @Test func `A scan inside a transaction shows the state before it, and waits for nobody`() throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1")
    try store.transaction { (transaction) in
      try transaction.put("b", "2")
      var count = 0
      try store.forEach(order: .ascending) { (_, _, _) in
        count += 1
        return .next
      }
      #expect(count == 1)
    }
    let isThere = try store.withCursor { (cursor) in try cursor.seek(to: "b") }
    #expect(isThere)
  }
}
