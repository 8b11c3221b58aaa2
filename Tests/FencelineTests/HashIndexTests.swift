// The table against a dictionary, and readers against a writer that makes it grow.

import Foundation
import Synchronization
import Testing

@testable import Fenceline

struct HashIndexTests {
  /// A stand-in for records: unit n has key n.
  private func set(_ index: HashIndex, _ hash: UInt64, _ unit: UInt64, key: [UInt64: UInt64]) {
    index.growIfNeeded()
    let place = unsafe index.locate(hash) { key[$0] == key[unit] }
    unsafe index.set(place, hash, to: unit)
  }

  private func find(_ index: HashIndex, _ hash: UInt64, where matches: (UInt64) -> Bool) -> UInt64?
  {
    var found: UInt64?
    _ = index.search(hash) {
      guard matches($0) else { return false }
      found = $0
      return true
    }
    return found
  }

  // A compaction points a key to its record's copy while writers overwrite it.
  @Test func `A key is moved only from where it stands`() {
    let index = HashIndex()
    set(index, 77, 1, key: [1: 5, 2: 5])
    #expect(index.move(77, from: 1, to: 3))
    #expect(find(index, 77) { $0 == 3 } == 3)
    set(index, 77, 2, key: [2: 5, 3: 5])
    #expect(!index.move(77, from: 3, to: 4))
    #expect(find(index, 77) { _ in true } == 2 && index.count == 1)
  }

  @Test func `The table agrees with a dictionary through growth, overwrites and removals`() {
    var generator = SeededGenerator(label: "HashIndexTests")
    let index = HashIndex()
    // Few hashes with the same low bits, so that buckets overflow and tags collide.
    func hash(_ key: UInt64) -> UInt64 {
      let spread = key &* 0x9e37_79b9_7f4a_7c15
      return key % 5 == 0 ? spread & ~0xffff : spread
    }
    var keyOfUnit: [UInt64: UInt64] = [:]
    var model: [UInt64: UInt64] = [:]
    var nextUnit: UInt64 = 1
    for _ in 0..<60_000 {
      let key = UInt64.random(in: 0..<20_000, using: &generator)
      let place = unsafe index.locate(hash(key)) { keyOfUnit[$0] == key }
      #expect(unsafe place.isFound == (model[key] != nil))
      if Int.random(in: 0..<4, using: &generator) == 0 {
        unsafe index.remove(place, hash(key))
        model[key] = nil
      } else {
        keyOfUnit[nextUnit] = key
        unsafe index.set(place, hash(key), to: nextUnit)
        model[key] = nextUnit
        nextUnit += 1
      }
    }
    #expect(index.count == model.count)
    for (key, unit) in model {
      #expect(find(index, hash(key)) { keyOfUnit[$0] == key } == unit)
    }
    for key in 20_000..<21_000 as Range<UInt64> {
      #expect(find(index, hash(key)) { keyOfUnit[$0] == key } == nil)
    }
    var visited: [UInt64] = []
    index.forEachUnit { visited.append($0) }
    #expect(visited.sorted() == model.values.sorted())
  }

  @Test func `Keys whose hashes are all the same are all found`() {
    let index = HashIndex()
    for key in 1...200 as ClosedRange<UInt64> {
      let place = unsafe index.locate(42) { $0 == key }
      unsafe index.set(place, 42, to: key)
    }
    for key in 1...200 as ClosedRange<UInt64> {
      #expect(find(index, 42) { $0 == key } == key)
    }
    #expect(find(index, 42) { $0 == 201 } == nil)
    #expect(index.count == 200)
  }

  @Test func `A reader never misses a key that is there while the table grows`() throws {
    let index = HashIndex()
    @Sendable func hash(_ key: UInt64) -> UInt64 { key &* 0x9e37_79b9_7f4a_7c15 }
    let stable = 1...2000 as ClosedRange<UInt64>
    for key in stable {
      unsafe index.set(index.locate(hash(key)) { $0 == key }, hash(key), to: key)
    }
    let isDone = Atomic<Bool>(false)
    let misses = Atomic<Int>(0)
    let reads = Atomic<Int>(0)
    let group = ThreadGroup()
    for seed in 0..<2 {
      group.run {
        var key = UInt64(seed)
        while !isDone.load(ordering: .acquiring) {
          key = key &* 6_364_136_223_846_793_005 &+ 1
          let wanted = 1 + (key >> 33) % 2000
          if find(index, hash(wanted), where: { $0 == wanted }) != wanted {
            misses.add(1, ordering: .relaxed)
          }
          reads.add(1, ordering: .relaxed)
        }
      }
    }
    for key in 10_000..<300_000 as Range<UInt64> {
      unsafe index.set(index.locate(hash(key)) { $0 == key }, hash(key), to: key)
      if key % 3 == 0 {
        unsafe index.remove(index.locate(hash(key - 1)) { $0 == key - 1 }, hash(key - 1))
      }
      if key % 20_000 == 0 {
        var seen = 0
        index.forEachUnit { if $0 <= 2000 { seen += 1 } }
        #expect(seen == 2000)
      }
    }
    isDone.store(true, ordering: .releasing)
    group.wait()
    #expect(misses.load(ordering: .relaxed) == 0)
    #expect(reads.load(ordering: .relaxed) > 1000)
  }
}

struct ReaderEpochTests {
  private final class Flag {
    var isReleased = false
  }

  @Test func `What was retired is released only after every earlier reader has left`() {
    let epochs = ReaderEpochs()
    let flag = Flag()
    let early = epochs.enter()
    epochs.retire { flag.isReleased = true }
    for _ in 0..<10 { epochs.reclaim() }
    #expect(!flag.isReleased)
    let late = epochs.enter()
    epochs.leave(early)
    for _ in 0..<10 { epochs.reclaim() }
    epochs.leave(late)
    for _ in 0..<3 { epochs.reclaim() }
    #expect(flag.isReleased)
  }

  @Test func `Without readers it is released at once, and with the owner at the latest`() {
    let flag = Flag()
    var epochs: ReaderEpochs? = ReaderEpochs()
    epochs?.retire { flag.isReleased = true }
    #expect(flag.isReleased)
    let second = Flag()
    _ = epochs?.enter()
    epochs?.retire { second.isReleased = true }
    #expect(!second.isReleased)
    epochs = nil
    #expect(second.isReleased)
  }
}
