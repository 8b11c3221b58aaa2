// A program's own code under crashes: what a user of the CrashLab product writes.

import CrashLab
import Fenceline
import Testing

/// Moves money from one account to the other.
private func transfer(_ amount: Int, from: String, to: String, in store: Store) throws {
  try store.transaction(durability: .durable) { (transaction) in
    let source = Int(try transaction.get(from) ?? "") ?? 0
    let target = Int(try transaction.get(to) ?? "") ?? 0
    try transaction.put(from, String(source - amount))
    try transaction.put(to, String(target + amount))
  }
}

@Suite("A program's own code under crashes")
struct TransferExampleTests {
  @Test("No crash loses money, or a transfer that was reported")
  func transfers() throws {
    let report = try CrashTest().run { run in
      let store = try run.openStore()
      try transfer(-100, from: "alice", to: "bob", in: store)
      try transfer(30, from: "alice", to: "bob", in: store)
      run.promise("30 moved")
    } check: { store, promises in
      let alice = Int(try store.get("alice") ?? "0") ?? 0
      let bob = Int(try store.get("bob") ?? "0") ?? 0
      if alice + bob != 0 { throw Violation("money is lost: \(alice) and \(bob)") }
      if promises.contains("30 moved"), alice != 70 { throw Violation("the transfer is lost") }
    }
    #expect(report.violations.isEmpty, "\(report)")
    #expect(report.distinctImages > 100)
  }

  /// Two puts are two steps: money is lost between them, and after a crash too.
  @Test("A transfer that is no transaction is caught")
  func brokenTransfers() throws {
    let report = try CrashTest().run { run in
      let store = try run.openStore()
      try store.put("alice", "-30", durability: .durable)
      try store.put("bob", "30", durability: .durable)
      run.promise("30 moved")
    } check: { store, _ in
      let sum = try ["alice", "bob"].reduce(0) { $0 + (Int(try store.get($1) ?? "0") ?? 0) }
      if sum != 0 { throw Violation("money is lost: \(sum)") }
    }
    #expect(report.violations.count >= CrashHardware.allCases.count)
    #expect(report.violations.allSatisfy { $0.contains("money is lost: -30") })
  }

  @Test("A promise that comes too early is caught")
  func earlyPromise() throws {
    var test = CrashTest()
    test.hardware = [.disk]
    let report = try test.run { run in
      let store = try run.openStore()
      try store.put("key", "1")
      run.promise("key")
      try store.sync()
    } check: { store, promises in
      if promises.contains("key"), try store.get("key") == nil { throw Violation("key is lost") }
    }
    #expect(!report.violations.isEmpty)
  }
}
