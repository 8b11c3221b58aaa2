// Snapshots that begin while others write: each is of one moment.

import Fenceline
import Foundation
import JournalFormat
import Synchronization
import Testing

@testable import Fenceline

struct SnapshotConcurrencyTests {
  /// What the threads of a test share.
  private final class Counters: Sendable {
    let isOver = Atomic<Bool>(false)
    let snapshots = Atomic<Int>(0)
    let faults = Atomic<Int>(0)
  }

  // A transaction gives all keys one value, and takes its time to change the index: a snapshot that begins
  // meanwhile must show all of it or nothing. Some of the keys are removed and come back.
  @Test(arguments: TestMedium.allCases)
  func `Each snapshot sees whole transactions, looked up and in order`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let keys = (0..<120).map { Array("key \($0)".utf8) }
    let number = { (round: Int) in Array("\(round)".utf8) }
    let write = { (round: Int) in
      try store.transaction { (transaction) in
        for key in keys.indices {
          if key.isMultiple(of: 3), round.isMultiple(of: 2) {
            try transaction.delete(keys[key])
          } else {
            try transaction.put(keys[key], number(round))
          }
        }
      }
    }
    try write(1)
    let counters = Counters()
    let threads = ThreadGroup()
    for reader in 0..<3 {
      threads.run {
        while !counters.isOver.load(ordering: .relaxed) {
          do {
            let snapshot = try store.snapshot()
            let last = try snapshot.get(keys[1]) ?? []
            let round = Int(String(decoding: last, as: UTF8.self)) ?? 0
            let expected = keys.indices.map { (key) in
              key.isMultiple(of: 3) && round.isMultiple(of: 2) ? nil : last
            }
            for _ in 0..<2 {
              var isWhole = true
              if reader != 1 { isWhole = try keys.map { try snapshot.get($0) } == expected }
              if reader != 0 {
                var found: [[UInt8]: [UInt8]] = [:]
                try snapshot.forEach(order: .ascending) { (key, value, _) in
                  found[key.array] = value.array
                  return .next
                }
                isWhole = isWhole && keys.map { found[$0] } == expected
              }
              if !isWhole { counters.faults.add(1, ordering: .relaxed) }
            }
            counters.snapshots.add(1, ordering: .relaxed)
          } catch {
            counters.faults.add(1, ordering: .relaxed)
          }
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
    var round = 1
    let end = ContinuousClock.now.advanced(by: .seconds(2))
    while ContinuousClock.now < end || counters.snapshots.load(ordering: .relaxed) < 100 {
      round += 1
      try write(round)
    }
    counters.isOver.store(true, ordering: .relaxed)
    threads.wait()
    #expect(counters.faults.load(ordering: .relaxed) == 0)
    #expect(round > 20)
    #expect(store.snapshots.versions.count == 0)
  }

  // Every transaction writes the next number, so a snapshot's sequence says which one it has to show.
  @Test func `A snapshot shows the transaction of its sequence, and no other`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let key = Array("key".utf8)
    try store.put(key, [UInt8](repeating: 0, count: 8))
    let first = try store.snapshot().sequence
    let counters = Counters()
    let threads = ThreadGroup()
    for _ in 0..<2 {
      threads.run {
        while !counters.isOver.load(ordering: .relaxed) {
          do {
            let snapshot = try store.snapshot()
            let number = try snapshot.withValue(forKey: unsafe key.span.bytes) {
              $0.littleEndian(at: 0, as: UInt64.self)
            }
            if number != snapshot.sequence - first { counters.faults.add(1, ordering: .relaxed) }
            counters.snapshots.add(1, ordering: .relaxed)
          } catch {
            counters.faults.add(1, ordering: .relaxed)
          }
        }
      }
    }
    var number: UInt64 = 0
    let end = ContinuousClock.now.advanced(by: .seconds(1))
    while ContinuousClock.now < end || counters.snapshots.load(ordering: .relaxed) < 1000 {
      for _ in 0..<100 {
        number += 1
        try store.put(key, unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) })
      }
    }
    counters.isOver.store(true, ordering: .relaxed)
    threads.wait()
    #expect(counters.faults.load(ordering: .relaxed) == 0)
  }

  @Test func `Increments are lost neither by optimistic transactions nor by swaps`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("optimistic", "0")
    try store.put("swapped", "0")
    let counters = Counters()
    let threads = ThreadGroup()
    for _ in 0..<3 {
      threads.run {
        do {
          for _ in 0..<300 {
            try store.optimisticTransaction(attempts: .max) { (transaction) in
              let old = try transaction.get("optimistic").flatMap { Int($0) } ?? -1
              try transaction.put("optimistic", "\(old + 1)")
            }
            let key = Array("swapped".utf8)
            var isSwapped = false
            while !isSwapped {
              let old = try store.get(key) ?? []
              let number = Int(String(decoding: old, as: UTF8.self)) ?? -1
              let new = Array("\(number + 1)".utf8)
              isSwapped = try store.compareAndSwap(key, expected: old, new: new)
            }
          }
        } catch {
          counters.faults.add(1, ordering: .relaxed)
        }
      }
    }
    threads.wait()
    #expect(counters.faults.load(ordering: .relaxed) == 0)
    #expect(try store.get("optimistic") == "900")
    #expect(try store.get("swapped") == "900")
  }
}
