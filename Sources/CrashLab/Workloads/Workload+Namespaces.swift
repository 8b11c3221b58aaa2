// Namespaces beside a workload's other keys. The model knows the numbers that they are given: one that came
// again would let keys of a dropped namespace be seen in a new one.

internal import Fenceline

extension Workload {
  private func number(of key: [UInt8]) -> UInt32? {
    contents[key].map { (bytes) in bytes.reduce(0) { $0 << 8 | UInt32($1) } }
  }

  private func bytes(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { (shift: UInt32) in UInt8(truncatingIfNeeded: number >> shift) }
  }

  private func isThere(_ name: String) -> Bool { contents[ModelKey.ofNumber(of: name)] != nil }

  /// Creates a namespace, unless there is one of that name.
  func createNamespace(_ name: String, _ durability: Durability) throws {
    guard !isThere(name) else { return }
    let number = number(of: ModelKey.ofNextNumber) ?? 1
    let changes: [Change] = [
      (ModelKey.ofNextNumber, bytes(number + 1)), (ModelKey.ofNumber(of: name), bytes(number)),
    ]
    try commit(changes, durability) { try $0.createNamespace(name, durability: durability) }
  }

  /// A put in a namespace, if there is one of that name.
  func put(
    _ key: [UInt8],
    _ value: [UInt8],
    in name: String,
    _ durability: Durability
  ) throws {
    guard isThere(name) else { return }
    try commit([(ModelKey.ofKey(key, in: name), value)], durability) { (store) in
      try store.namespace(name).put(key, value, durability: durability)
    }
  }

  /// Puts in the default namespace and in all of these that are there, in one transaction.
  func put(
    _ key: [UInt8],
    _ value: [UInt8],
    across names: [String],
    _ durability: Durability
  ) throws {
    let names = names.filter { isThere($0) }
    let changes = [(key, value)] + names.map { (ModelKey.ofKey(key, in: $0), value) }
    try commit(changes, durability) { (store) in
      let namespaces = try names.map { try store.namespace($0) }
      try store.transaction(durability: durability) { (transaction) in
        try transaction.put(key, value)
        for namespace in namespaces { try transaction.put(key, value, in: namespace) }
      }
    }
  }

  /// Drops a namespace, if there is one of that name.
  func dropNamespace(_ name: String) throws {
    guard isThere(name) else { return }
    let gone = contents.keys.filter { (key) in
      switch ModelKey(key) {
      case .number(let other), .key(_, let other): other == name
      case .plain, .nextNumber: false
      }
    }
    let namespace = try opened.namespace(name)
    try commit(gone.map { ($0, nil) }, .durable) { try $0.dropNamespace(name) }
    do throws(StoreError) { try namespace.put([1], [1]) } catch {
      guard error == .noNamespace(name) else { throw Violation("behind a drop: \(error)") }
      return
    }
    throw Violation("a dropped namespace takes a put")
  }
}
