// What a commit costs in fences and flushes: the contract says one ordering point, whatever its size.

import CrashLab
import Fenceline
import Testing

@Suite("The cost of a durable commit")
struct OrderingCostTests {
  /// Runs `body` on a store with a few keys and returns the events that it caused.
  private func events(
    _ policy: CopyPolicy,
    _ body: (Store) throws -> Void
  ) throws -> [Trace.Event] {
    let recorder = TraceRecorder(policy: policy)
    let directory = SimulatedDirectory(.streamsBypassCache, recorder: recorder)
    let store = try Store(writingIn: directory, options: StoreOptions())
    try store.put("before", "value", durability: .durable)
    let first = recorder.trace.events.count
    try body(store)
    return Array(recorder.trace.events[first...])
  }

  private static let flushingPolicies = [CopyPolicy.strict, .trusting]

  private func fences(_ events: [Trace.Event]) -> Int {
    events.filter { if case .fence = $0 { true } else { false } }.count
  }

  private func flushedLines(_ events: [Trace.Event]) -> [Int] {
    events.compactMap { if case .flush(_, let line, _) = $0 { line } else { nil } }
  }

  @Test(
    "One fence for a put, a delete and a transaction of any size",
    arguments: flushingPolicies
  )
  func oneFence(policy: CopyPolicy) throws {
    #expect(
      fences(try events(policy) { try $0.put("key", "value", durability: Durability.durable) }) == 1
    )
    #expect(
      fences(try events(policy) { try $0.put(bytes("k"), value(3000), durability: .durable) }) == 1
    )
    #expect(fences(try events(policy) { try $0.delete("before", durability: .durable) }) == 1)
    let transaction = try events(policy) { (store) in
      try store.transaction(durability: .durable) { (transaction) in
        for number in 0..<100 { try transaction.put("key \(number)", "value \(number)") }
      }
    }
    #expect(fences(transaction) == 1)
  }

  @Test("No fence and no flush for buffered puts; one fence for the sync behind them")
  func buffered() throws {
    let puts = try events(.strict) { (store) in
      for number in 0..<50 { try store.put("key \(number)", "value") }
    }
    #expect(fences(puts) == 0)
    #expect(flushedLines(puts).isEmpty)
    let withSync = try events(.strict) { (store) in
      for number in 0..<50 { try store.put("key \(number)", "value") }
      try store.sync()
      try store.sync()
    }
    #expect(fences(withSync) == 1)
  }

  @Test("Every line is flushed once, under the strict policy", arguments: [1, 50])
  func eachLineOnce(count: Int) throws {
    let single = flushedLines(
      try events(.strict) { (store) in
        for number in 0..<count { try store.put("key \(number)", "value", durability: .durable) }
      }
    )
    #expect(Set(single).count == single.count)
    let batch = flushedLines(
      try events(.strict) { (store) in
        for number in 0..<count { try store.put("key \(number)", "value") }
        try store.sync()
      }
    )
    #expect(Set(batch).count == batch.count)
    #expect(!batch.isEmpty)
  }

  @Test("A trusted processor needs no flush for a durable put that fills its lines")
  func trusting() throws {
    let events = try events(.trusting) {
      try $0.put("key", "value", durability: Durability.durable)
    }
    #expect(flushedLines(events).isEmpty)
  }
}
