// Asks a store for everything, in every way, and compares.

internal import DamageLab
internal import Fenceline

extension Store {
  /// Everything in the store, in key order.
  func everything() throws(StoreError) -> StoreState {
    var state: StoreState = [:]
    try forEach(order: .byKey) { (key, value, _) in
      state[ByteString(copying: key)] = ByteString(copying: value)
      return .next
    }
    return state
  }

  /// Compares the store's answers with `state`.
  ///
  /// - Parameters:
  ///   - state: everything that is to be there.
  ///   - keys: asked for one by one, and all at once.
  /// - Returns: what differs, or nil.
  /// - Throws: what the store says instead of an answer.
  func difference(from state: StoreState, _ keys: Set<ByteString>) throws(StoreError) -> String? {
    let found = try everything()
    guard found == state else { return "a scan shows \(Model.difference(found, state))" }
    guard try count == state.count else { return "the count is wrong" }
    let keys = Array(keys)
    for (key, value) in zip(keys, try get(keys)) where value != state[key] {
      return "a multi-get is wrong"
    }
    for key in keys where try get(key) != state[key] { return "a get is wrong" }
    return nil
  }
}

extension ByteString {
  init(copying span: RawSpan) {
    // SAFETY: the buffer is used during the call only.
    self = unsafe span.withUnsafeBytes { unsafe ByteString($0) }
  }
}
