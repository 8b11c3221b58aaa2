// All that a store says when it is asked everything: each key on its own, many at once, in order and
// without. The answers must agree with each other, whatever the files hold.

internal import Fenceline
internal import PersistentMemory

/// What a store answers.
struct StoreReading: Equatable {
  /// What asking for one key gives.
  enum Answer: Equatable {
    case value([UInt8])
    case absent
    /// An error that says that bytes are wrong.
    case refused
  }

  /// What was listed in order.
  private(set) var entries: [[UInt8]: [UInt8]] = [:]
  /// What each key gave on its own.
  private(set) var answers: [[UInt8]: Answer] = [:]
  /// Listing ended without an error.
  private(set) var isComplete = false

  /// Nothing was refused.
  var isWhole: Bool { isComplete && !answers.values.contains(.refused) }

  /// Asks a store.
  ///
  /// - Parameters:
  ///   - store: any.
  ///   - keys: to look up beside those that are listed.
  ///   - mayBeMisled: an index image with sound checksums is believed, so one that lies contradicts the
  ///     journal: then only errors are judged here.
  /// - Throws: where two answers contradict each other, or an error is no answer to damage.
  init(of store: Store, _ keys: Set<[UInt8]>, mayBeMisled: Bool) throws(FuzzFinding) {
    let sorted = try Self.list(store, .byKey)
    let unsorted = try Self.list(store, .unordered)
    let backwards = try Self.list(store, .descending)
    (entries, isComplete) = (sorted.values, sorted.isComplete)
    try lookUp(keys.union(sorted.keys), in: store)
    let together = result { () throws(StoreError) in try store.get(Array(answers.keys)) }
    let count = result { () throws(StoreError) in try store.count }
    if case .failure(let error) = together { try requireDamage(error, "get of several") }
    if case .failure(let error) = count { try requireDamage(error, "count") }
    if mayBeMisled { return }
    for list in [sorted, unsorted, backwards] where list.values.count != list.keys.count {
      throw FuzzFinding("a key is listed twice")
    }
    guard sorted.keys == unsorted.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }),
      backwards.keys == sorted.keys.reversed(), unsorted.values == sorted.values,
      backwards.values == sorted.values
    else { throw FuzzFinding("lists in different orders show different entries") }
    guard sorted.isComplete == unsorted.isComplete, backwards.isComplete == sorted.isComplete else {
      throw FuzzFinding("only some lists are complete")
    }
    try compareLookUps()
    try compare(together)
    try compare(count)
  }

  private static func list(
    _ store: Store,
    _ order: IterationOrder
  ) throws(FuzzFinding) -> (keys: [[UInt8]], values: [[UInt8]: [UInt8]], isComplete: Bool) {
    var keys: [[UInt8]] = []
    var values: [[UInt8]: [UInt8]] = [:]
    var isComplete = true
    do throws(StoreError) {
      try store.forEach(order: order) { (key, value, location) in
        let key = key.array
        keys.append(key)
        values[key] = value.array
        return .next
      }
    } catch {
      try requireDamage(error, "list")
      isComplete = false
    }
    return (keys, values, isComplete)
  }

  private mutating func lookUp(_ keys: Set<[UInt8]>, in store: Store) throws(FuzzFinding) {
    for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      do throws(StoreError) {
        answers[key] = try store.get(key).map { .value($0) } ?? .absent
      } catch {
        try requireDamage(error, "get")
        answers[key] = .refused
      }
    }
  }

  /// What is listed is found, and nothing else is.
  private func compareLookUps() throws(FuzzFinding) {
    for (key, answer) in answers {
      guard answer != .refused, isComplete || entries[key] != nil else { continue }
      if answer != entries[key].map({ .value($0) }) ?? .absent {
        throw FuzzFinding("\(key) is listed otherwise than it is found")
      }
    }
  }

  /// Several keys at once: each as on its own, or an error if one of them gives one.
  private func compare(_ together: Result<[[UInt8]?], StoreError>) throws(FuzzFinding) {
    switch together {
    case .success(let values):
      for (key, value) in zip(answers.keys, values)
      where answers[key] != value.map({ .value($0) }) ?? .absent {
        throw FuzzFinding("\(key) is found otherwise among others")
      }
    case .failure(let error):
      if !answers.values.contains(.refused) {
        throw FuzzFinding("keys that are found one by one are refused together: \(error)")
      }
    }
  }

  private func compare(_ count: Result<Int, StoreError>) throws(FuzzFinding) {
    switch count {
    case .success(let count):
      if isComplete, count != entries.count {
        throw FuzzFinding("the count is \(count), but \(entries.count) are listed")
      }
    case .failure(let error):
      if isComplete { throw FuzzFinding("complete, but the count is refused: \(error)") }
    }
  }
}

extension StoreReading {
  /// The first entry that is another one among `others`, or nil.
  func difference(from others: [[UInt8]: [UInt8]]) -> String? {
    let keys = Set(entries.keys).union(others.keys)
    for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) })
    where entries[key] != others[key] {
      let (found, expected) = (entries[key].map(Self.text), others[key].map(Self.text))
      return "\(Self.text(key)) is \(found ?? "absent"), not \(expected ?? "absent")"
    }
    return nil
  }

  private static func text(_ bytes: [UInt8]) -> String {
    bytes.count <= 24 ? "\(bytes)" : "\(bytes.count) bytes"
  }
}

/// What a call gives, to be judged outside of it.
func result<R>(_ body: () throws(StoreError) -> R) -> Result<R, StoreError> {
  do throws(StoreError) { return .success(try body()) } catch { return .failure(error) }
}

/// Accepts only errors that say that bytes are wrong.
func requireDamage(_ error: StoreError, _ what: String) throws(FuzzFinding) {
  switch error {
  case .corrupt, .newerFormat, .mediaError: return
  default: throw FuzzFinding("\(what): \(error)")
  }
}

extension RawSpan {
  /// A copy of the bytes.
  var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
