import Fenceline
import Foundation
import Glibc
import JournalFormat
import PersistentMemory
import Synchronization
import Testing

/// Many tasks commit durably with few ordering points.
@Suite struct GroupCommitTests {
  @Test(
    "What gathers while a group is under way is made durable at once",
    .timeLimit(.minutes(2)),
    arguments: TestMedium.allCases
  )
  func oneOrderingPoint(medium: TestMedium) async throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store)
    let gate = Gate()
    try await withThrowingTaskGroup(of: Void.self) { (group) in
      group.addTask {
        try await store.groupTransaction { (transaction) in
          try transaction.put("first", "1")
          gate.isHeld.store(true, ordering: .releasing)
          while !gate.isReleased.load(ordering: .acquiring) { usleep(100) }
        }
      }
      while !gate.isHeld.load(ordering: .acquiring) { try await Task.sleep(for: .milliseconds(1)) }
      for number in 0..<60 {
        group.addTask { try await store.groupPut(Array("k\(number)".utf8), [UInt8(number)]) }
      }
      // Two threads run the tasks, and none of them waits: all have handed in long before.
      try await Task.sleep(for: .milliseconds(500))
      gate.isReleased.store(true, ordering: .releasing)
      try await group.waitForAll()
    }
    var feed = store.changeFeed(after: store.firstChangeToken)
    var count = 0
    while try feed.next() != nil { count += 1 }
    #expect(count == 61)
    for number in 0..<60 { #expect(try store.get(Array("k\(number)".utf8)) == [UInt8(number)]) }
    try store.close()
    // One of the transaction, one of the puts, and what a late task may add.
    let points = try orderingPoints(in: scratch)
    #expect(points >= 2)
    #expect(points <= 6)
  }

  @Test("Each task gets its own result: a value, its body's error, or that the store is closed")
  func results() async throws {
    struct Refusal: Error {}
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    #expect(
      try await store.groupTransaction {
        try $0.put("a", "1"); return 7
      } == 7
    )
    await #expect(throws: Refusal.self) {
      try await store.groupTransaction { (transaction) in
        try transaction.put("a", "2")
        throw Refusal()
      }
    }
    await #expect(throws: StoreError.keyTooLong(length: 70_000)) {
      try await store.groupPut([UInt8](repeating: 1, count: 70_000), [])
    }
    #expect(try await store.groupDelete(Array("none".utf8)) == false)
    #expect(try store.get("a") == "1")
    #expect(try await store.groupDelete(Array("a".utf8)))
    #expect(try await store.groupSync(.medium) == store.statistics().durableSurvival)
    try store.close()
    await #expect(throws: StoreError.closed) { try await store.groupPut([1], [2]) }
    await #expect(throws: StoreError.closed) { try await store.groupSync() }
  }

  @Test("A store that is let go behind a group gives its lock up soon")
  func release() async throws {
    let scratch = try Scratch()
    do {
      let store = try Store.open(at: scratch.store)
      try await store.groupPut([1], [2])
    }
    for _ in 0..<100 {
      if let again = try? Store.open(at: scratch.store) {
        #expect(try again.get([1]) == [2])
        return
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("the lock is held")
  }

  /// Batches in the store's only segment.
  private func orderingPoints(in scratch: Scratch) throws -> Int {
    let bytes = [UInt8](try Data(contentsOf: scratch.url("00000001.segment")))
    let span = unsafe bytes.span.bytes
    let decoded = SegmentHeader(decoding: span)
    let header = try #require(decoded)
    var count = 0
    let scan = TransactionScan(span, binding: SegmentBinding(header), limit: bytes.count) {
      if $0.header.flags.contains(.batchStart) { count += 1 }
    }
    #expect(scan.endsWithClose)
    return count
  }
}

/// What a transaction waits for.
private final class Gate: Sendable {
  let isHeld = Atomic<Bool>(false)
  let isReleased = Atomic<Bool>(false)
}
