// What the store should hold, in the checker's own memory, and which of the states that a kill allows a
// store shows.
//
// Invariant: the model is the state after every operation that was accepted by the last check, and none
// of those that were lost.

import DamageLab
import PersistentMemory

/// Operations that one writer may have done.
struct Window {
  /// Number of the first one.
  var first: Int
  /// The last one that was begun.
  var last: Int
  /// Whether the operations are lines of an import.
  var isImport: Bool

  func operation(_ number: Int, in shape: StoreShape) -> Operation {
    isImport ? Operation(importing: number, in: shape) : Operation(number: number, in: shape)
  }
}

/// The state of one store.
struct StoreModel {
  let shape: StoreShape
  let values: Values
  /// Operations whose transactions are not known: an import puts lines together as it likes.
  private(set) var imports: [Range<Int>] = []
  /// The newest version of each key, by the key's number.
  private(set) var versions: [Version?]

  init(_ shape: StoreShape) {
    self.shape = shape
    values = Values(of: shape)
    versions = Array(repeating: nil, count: shape.keys.count)
  }

  /// Keys that have a value.
  var keyCount: Int { versions.count { $0 != nil } }

  func value(of key: Int) -> ByteString? { versions[key].map { values.value(of: $0, key: key) } }

  /// Takes in what operations commit.
  mutating func apply(_ window: Window, upTo last: Int) {
    for number in window.first..<max(window.first, last + 1) {
      for (item, change) in window.operation(number, in: shape).changes.enumerated() {
        set(change, number, item)
      }
    }
  }

  private mutating func set(_ change: Change, _ number: Int, _ item: Int) {
    versions[change.key] = change.length.map {
      Version(operation: number, item: item, length: $0)
    }
  }

  /// The last operation after which everything was as a fingerprint says, and makes the model that of then.
  ///
  /// - Parameters:
  ///   - fingerprint: what a store shows.
  ///   - window: what may have been done behind this state.
  ///   - lowest: the last operation that must not be lost.
  /// - Returns: nil where it is no state that the kill allows; the model is then of no use. The
  ///   number before the window's first one stands for "nothing of it".
  mutating func advance(to fingerprint: UInt64, in window: Window, lowest: Int) -> Int? {
    var states = self
    states.apply(window, upTo: lowest)
    var sum = states.fingerprint
    var found = sum == fingerprint ? max(lowest, window.first - 1) : nil
    var number = max(lowest + 1, window.first)
    while number <= window.last {
      for (item, change) in window.operation(number, in: shape).changes.enumerated() {
        sum &-= states.share(of: change.key)
        states.set(change, number, item)
        sum &+= states.share(of: change.key)
      }
      if sum == fingerprint { found = number }
      number += 1
    }
    guard let found else { return nil }
    apply(window, upTo: found)
    if window.isImport { imports.append(window.first..<window.last + 1) }
    return found
  }

  // MARK: Fingerprints

  /// Equal contents have equal ones.
  var fingerprint: UInt64 { versions.indices.reduce(0) { $0 &+ share(of: $1) } }

  private func share(of key: Int) -> UInt64 {
    value(of: key).map { Self.share(of: key, $0) } ?? 0
  }

  /// What one entry adds to the fingerprint of its store.
  static func share(of key: Int, _ value: ByteString) -> UInt64 {
    var numbers = SeededNumbers(
      seed: Checksum.hash64(unsafe value.span.bytes, seed: UInt64(key) &* 0x9e6c_63d0_876a_68de)
    )
    return numbers.next()
  }
}
