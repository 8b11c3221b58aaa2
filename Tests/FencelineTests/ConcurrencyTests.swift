// Readers beside writers: every value that is read is one that was written, whole.

import Fenceline
import Foundation
import Synchronization
import SystemPackage
import Testing

struct ConcurrencyTests {
  /// A value that shows which key and round it belongs to in every byte.
  private func value(_ key: Int, _ round: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: key &* 7 &+ round), count: 40 + key % 300)
  }

  @Test(arguments: TestMedium.allCases)
  func `Readers see whole values while writers overwrite, sync and rotate`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let keys = 50
    for key in 0..<keys { try store.put([UInt8(key)], value(key, 0)) }
    let isDone = Atomic<Bool>(false)
    let reads = Atomic<Int>(0)
    let wrong = Mutex<[String]>([])
    let group = ThreadGroup()
    for start in 0..<2 {
      group.run {
        var key = start
        while !isDone.load(ordering: .acquiring) {
          key = (key + 7) % keys
          do {
            let found = try store.get([UInt8(key)]) ?? []
            if Set(found).count != 1 || found.count != 40 + key % 300 {
              wrong.withLock { $0.append("key \(key): \(found.prefix(4))") }
            }
          } catch {
            wrong.withLock { $0.append("key \(key): \(error)") }
          }
          reads.add(1, ordering: .relaxed)
        }
      }
    }
    for thread in 0..<2 {
      group.run {
        var round = 0
        // On a busy machine the readers may start late.
        while round < 400 || reads.load(ordering: .relaxed) <= 100 {
          round += 1
          let key = (round * 13 + thread) % keys
          do {
            try store.put(
              [UInt8(key)],
              value(key, round),
              durability: round % 16 == 0 ? .durable : .buffered
            )
            if round % 37 == 0 { try store.sync() }
          } catch {
            wrong.withLock { $0.append("writer: \(error)") }
          }
        }
        if thread == 0 { isDone.store(true, ordering: .releasing) }
      }
    }
    group.wait()
    #expect(wrong.withLock { $0 }.isEmpty)
    #expect(reads.load(ordering: .relaxed) > 100)
    let expected = try store.dictionary()
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).dictionary() == expected)
  }

  @Test func `A reader opens beside a writer and sees a prefix`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let isDone = Atomic<Bool>(false)
    let failures = Mutex<[String]>([])
    let group = ThreadGroup()
    group.run {
      var number = 0
      while !isDone.load(ordering: .acquiring), number < 4000 {
        do { try store.put("\(number)", "value \(number)", durability: .durable) } catch {
          failures.withLock { $0.append("writer: \(error)") }
          return
        }
        number += 1
      }
    }
    for _ in 0..<10 {
      let reader = try Store.openReadOnly(at: scratch.store)
      let count = try reader.count
      let contents = try reader.dictionary()
      // The writer goes on, and the reader follows.
      #expect(contents.count >= count)
      for number in 0..<contents.count where contents[Array("\(number)".utf8)] == nil {
        Issue.record("\(number) of \(count) is missing")
      }
    }
    isDone.store(true, ordering: .releasing)
    group.wait()
    #expect(failures.withLock { $0 }.isEmpty)
  }
}
