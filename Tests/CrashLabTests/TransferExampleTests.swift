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
}
