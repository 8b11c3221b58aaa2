// What is done to a store that could be opened for writing: something of everything that writes, with the
// entries counted beside it.

internal import Fenceline

/// Writes to a store and knows what it must show.
struct WritingScript {
  private let store: Store
  private let keys: Set<[UInt8]>
  private var expected: [[UInt8]: [UInt8]]
  /// What the store shows is known: nothing but the journal says it.
  let isJudged: Bool

  private static let first = Array("written".utf8)
  private static let second = Array("written later".utf8)

  init(_ store: Store, _ reading: StoreReading, _ keys: Set<[UInt8]>, mayBeMisled: Bool) {
    self.store = store
    self.keys = keys.union([Self.first, Self.second])
    expected = reading.entries
    isJudged = !mayBeMisled
  }

  /// Puts, deletes, compacts, writes an index image and changes behind it, and closes.
  mutating func run() throws(FuzzFinding) {
    let gone = expected.keys.min { $0.lexicographicallyPrecedes($1) }
    try step("put") { (store) throws(StoreError) in try store.put(Self.first, [1]) }
    expected[Self.first] = [1]
    if let gone {
      try step("delete") { (store) throws(StoreError) in try store.delete(gone) }
      expected[gone] = nil
    }
    try step("sync") { (store) throws(StoreError) in try store.sync() }
    try compare(with: reading(), "after writing")
    try step("compact") { (store) throws(StoreError) in try store.compact(sealingAlways: true) }
    try compare(with: reading(), "after compacting")
    try step("image") { (store) throws(StoreError) in
      try store.writeIndexImage { () throws(StoreError) in
        try store.put(Self.second, [2, 2])
      }
    }
    expected[Self.second] = [2, 2]
    try step("delete") { (store) throws(StoreError) in try store.delete(Self.first) }
    expected[Self.first] = nil
    try step("changes") { (store) throws(StoreError) in try store.writeIndexChanges() }
    try compare(with: reading(), "after an image")
    try step("close") { (store) throws(StoreError) in try store.close() }
  }

  private func reading() throws(FuzzFinding) -> StoreReading {
    try StoreReading(of: store, keys, mayBeMisled: !isJudged)
  }

  /// Does something that may only fail where an index image may have hidden damage.
  private mutating func step<R>(
    _ name: String,
    _ body: (Store) throws(StoreError) -> R
  ) throws(FuzzFinding) {
    do throws(StoreError) {
      _ = try body(store)
    } catch {
      if isJudged { throw FuzzFinding("\(name): \(error)") }
      switch error {
      case .poisoned, .closed: return
      default: try requireDamage(error, name)
      }
    }
  }

  func compare(with reading: StoreReading?, _ moment: String) throws(FuzzFinding) {
    guard isJudged else { return }
    guard let reading, reading.isWhole else {
      throw FuzzFinding("\(moment) a store refuses answers")
    }
    if let difference = reading.difference(from: expected) {
      throw FuzzFinding("\(moment) a store shows something else than was written: \(difference)")
    }
  }
}
