// The program that the demonstration runs beside kvctl: a writer that tells what was acknowledged, so
// that someone else can check it after a kill, and a transaction that commits and one that does not.
//
//   demo-writer STORE write         numbered durable commits until it is killed; a line for each
//   demo-writer STORE transaction   one transfer between two accounts, one that is refused

import Fenceline
import Glibc
import SystemPackage

/// A reason to roll back.
struct InsufficientFunds: Error {}

/// Commits without end; prints a number only after its commit returned.
func write(to store: Store) throws {
  var number = 0
  while true {
    if number.isMultiple(of: 5) {
      // Two keys that must always agree.
      try store.transaction(durability: .durable) { (transaction) in
        try transaction.put("written/\(number)", "number \(number)")
        try transaction.put("mirror/\(number)", "number \(number)")
      }
    } else {
      try store.put("written/\(number)", "number \(number)", durability: .durable)
    }
    print(number)
    fflush(nil)
    number += 1
  }
}

/// Moves an amount from one account to another, or leaves both alone.
func transfer(_ amount: Int, in store: Store) throws {
  try store.transaction(durability: .durable) { (transaction) in
    let from = Int(try transaction.get("account/alice") ?? "") ?? 0
    let to = Int(try transaction.get("account/bob") ?? "") ?? 0
    try transaction.put("account/alice", String(from - amount))
    try transaction.put("account/bob", String(to + amount))
    guard from >= amount else { throw InsufficientFunds() }
  }
}

guard CommandLine.arguments.count == 3 else {
  print("usage: demo-writer STORE write|transaction")
  exit(64)
}
do {
  let store = try Store.open(at: FilePath(CommandLine.arguments[1]))
  if CommandLine.arguments[2] == "write" { try write(to: store) }
  try store.put("account/alice", "100")
  try store.put("account/bob", "0")
  try transfer(30, in: store)
  do { try transfer(1000, in: store) } catch is InsufficientFunds { print("rolled back") }
  try store.close()
} catch {
  print("demo-writer: \(error)")
  exit(74)
}
