// What really happened to a sample store: the model that every answer is compared with.

/// A key or a value.
package typealias ByteString = [UInt8]

/// What a store holds at one moment.
package typealias StoreState = [ByteString: ByteString]

/// One key's part of a transaction; a nil value deletes.
package struct Change: Sendable {
  package let key: ByteString
  package let value: ByteString?

  package init(key: ByteString, value: ByteString?) {
    self.key = key
    self.value = value
  }
}

/// Committed transactions, and the state after each prefix of them.
package struct History: Sendable {
  package private(set) var transactions: [[Change]] = []
  /// The state after as many transactions as the place says; the first is empty.
  package private(set) var states: [StoreState] = [[:]]

  package init() {}

  /// The state after everything.
  package var finalState: StoreState { states[transactions.count] }

  /// Every key that ever had a value, in key order.
  package var keys: [ByteString] {
    let all = Set(transactions.joined().map(\.key))
    return all.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Commits one more transaction.
  package mutating func append(_ changes: [Change]) {
    transactions.append(changes)
    var state = finalStateBefore
    for change in changes { state[change.key] = change.value }
    states.append(state)
  }

  private var finalStateBefore: StoreState { states[states.count - 1] }

  /// The first `count` transactions.
  package func prefix(_ count: Int) -> History {
    var result = History()
    result.transactions = Array(transactions.prefix(count))
    result.states = Array(states.prefix(count + 1))
    return result
  }
}

/// A small generator that gives the same numbers for the same seed.
package struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// `count` bytes of any value.
  mutating func bytes(_ count: Int) -> ByteString {
    var result: ByteString = []
    result.reserveCapacity(count)
    while result.count < count {
      let word = next()
      for shift in stride(from: 0, to: 64, by: 8) where result.count < count {
        result.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return result
  }
}
