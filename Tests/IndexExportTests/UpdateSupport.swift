// Helpers of the tests of updates: all that stands in an index, and random things to do with a store.

import Fenceline
import Foundation
import IndexExport
import Synchronization
import SystemPackage
import Testing

/// Every row of every table but the time of the export, and what a view makes of them.
func contents(of index: FilePath) throws -> [String] {
  try query(
    index,
    """
    SELECT 'entry', hex(key), * FROM entries;
    SELECT 'namespace', * FROM namespaces;
    SELECT 'segment', * FROM segments;
    SELECT 'store', * FROM store WHERE name <> 'exported_at';
    SELECT 'usage', * FROM segment_usage;
    PRAGMA integrity_check;
    """
  ).map { $0.joined(separator: "|") }
}

/// Expects an index to say what a whole export says that is made now.
func expectAsWhole(_ scratch: Scratch, _ store: Store, _ comment: Comment) throws {
  let whole = scratch.path.appending("whole.sqlite")
  try IndexExport.write(store, to: whole)
  let (updated, wanted) = (try contents(of: scratch.index), try contents(of: whole))
  let difference = updated.difference(from: wanted).map { "\($0)" }.prefix(6)
  try #require(updated == wanted, "\(comment): \(difference)")
}

extension Scratch {
  /// Opens the store behind a handle that was let go.
  ///
  /// Between fork and exec the programs that other tests start have its lock too.
  func openStoreAgain(retaining bytes: Int) throws -> Store {
    for _ in 0..<200 {
      do { return try openStore(retaining: bytes) } catch StoreError.locked {
        usleep(10_000)
      }
    }
    return try openStore(retaining: bytes)
  }
}

/// A generator of numbers that a test can repeat.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// One of a few keys, so that most are written over and over; some are no text.
func randomKey(_ numbers: inout SeededNumbers) -> [UInt8] {
  let number = Int.random(in: 0..<150, using: &numbers)
  return number % 7 == 0 ? [0xff, UInt8(number)] : Array("key/\(number)".utf8)
}

/// The default namespace most of the time, else one of three, which is created where it is missing.
private func randomNamespace(
  of store: Store,
  _ numbers: inout SeededNumbers
) throws -> Namespace? {
  guard Int.random(in: 0..<3, using: &numbers) == 0 else { return nil }
  let name = "space \(Int.random(in: 0..<3, using: &numbers))"
  return try store.namespace(name, creatingIfMissing: true)
}

/// None most of the time, else one that is past or far away.
private func randomExpiry(_ numbers: inout SeededNumbers) -> Expiry? {
  switch Int.random(in: 0..<8, using: &numbers) {
  case 0: .after(.seconds(-1))
  case 1: .after(.seconds(100_000))
  default: nil
  }
}

/// Puts, deletes or a transaction of both, in any namespace; sometimes the end of one.
func writeSomething(to store: Store, _ numbers: inout SeededNumbers) throws {
  func value(_ numbers: inout SeededNumbers) -> [UInt8] {
    let length = Int.random(in: 0...3000, using: &numbers)
    return [UInt8](repeating: .random(in: 0...255, using: &numbers), count: length)
  }
  let namespace = try randomNamespace(of: store, &numbers)
  if let namespace, Int.random(in: 0..<12, using: &numbers) == 0 {
    return try store.dropNamespace(namespace.name)
  }
  let (key, expiry) = (randomKey(&numbers), randomExpiry(&numbers))
  switch Int.random(in: 0..<10, using: &numbers) {
  case 0..<5:
    if let namespace {
      try namespace.put(key, value(&numbers), expiry: expiry)
    } else if let expiry {
      try store.put(key, value(&numbers), expiry: expiry)
    } else {
      try store.put(key, value(&numbers))
    }
  case 5..<7: _ = try namespace?.delete(key) ?? store.delete(key)
  default:
    let other = try randomNamespace(of: store, &numbers)
    try store.transaction {
      for _ in 0..<Int.random(in: 1...6, using: &numbers) {
        let namespace = Bool.random(using: &numbers) ? namespace : other
        if Bool.random(using: &numbers) {
          try $0.put(randomKey(&numbers), value(&numbers), expiry: expiry, in: namespace)
        } else {
          try $0.delete(randomKey(&numbers), in: namespace)
        }
      }
    }
  }
}

/// A flag that tasks share.
final class Flag: Sendable {
  private let state = Atomic<Bool>(false)

  var isSet: Bool { state.load(ordering: .acquiring) }

  func set() { state.store(true, ordering: .releasing) }
}

/// A number that tasks share.
final class Counter: Sendable {
  private let number = Atomic<Int>(0)

  var count: Int { number.load(ordering: .acquiring) }

  func increment() { number.add(1, ordering: .acquiringAndReleasing) }
}
