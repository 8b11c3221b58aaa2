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

/// Puts, deletes or a transaction of both.
func writeSomething(to store: Store, _ numbers: inout SeededNumbers) throws {
  func value(_ numbers: inout SeededNumbers) -> [UInt8] {
    let length = Int.random(in: 0...3000, using: &numbers)
    return [UInt8](repeating: .random(in: 0...255, using: &numbers), count: length)
  }
  switch Int.random(in: 0..<10, using: &numbers) {
  case 0..<5: try store.put(randomKey(&numbers), value(&numbers))
  case 5..<7: try store.delete(randomKey(&numbers))
  default:
    try store.transaction {
      for _ in 0..<Int.random(in: 1...6, using: &numbers) {
        if Bool.random(using: &numbers) {
          try $0.put(randomKey(&numbers), value(&numbers))
        } else {
          try $0.delete(randomKey(&numbers))
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
