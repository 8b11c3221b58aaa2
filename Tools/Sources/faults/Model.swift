// What a store may show: the state after each committed transaction, and from where on one may be
// missing.

internal import DamageLab

/// The history of one life.
struct Model {
  /// The state after each transaction that was acknowledged; the first is empty.
  private var states: [StoreState] = [[:]]
  /// The last one that may not be missing.
  private var durable = 0
  /// What a commit that was refused would have led to; nobody may know.
  private(set) var uncertain: StoreState?
  /// All keys that ever were.
  private(set) var keys: Set<ByteString> = []

  /// What an open handle shows.
  var current: StoreState { states[states.count - 1] }
  /// An opening has shown the store: it can't be missing any more.
  private(set) var exists = false

  mutating func commit(_ changes: [Change], durable isDurable: Bool) {
    states.append(after(changes))
    uncertain = nil
    if isDurable { durable = states.count - 1 }
  }

  /// A commit was refused: it is there wholly or not at all, as the last one.
  mutating func refuse(_ changes: [Change]) {
    if uncertain == nil { uncertain = after(changes) }
  }

  mutating func synchronize() { durable = states.count - 1 }

  /// The process is gone, or somebody else reads: on memory everything stays that was acknowledged.
  ///
  /// - Returns: what is wrong with `state`, or nil.
  func judge(_ state: StoreState, keepsBuffered: Bool) -> String? {
    let first = keepsBuffered ? states.count - 1 : durable
    if state == uncertain || states[first...].contains(state) { return nil }
    if let older = states[..<first].lastIndex(of: state) {
      return "\(first - older) acknowledged transactions are missing"
    }
    return "no state that ever was: \(Self.difference(state, current))"
  }

  /// How two states differ, in short.
  static func difference(_ found: StoreState, _ wanted: StoreState) -> String {
    let names = Set(found.keys).union(wanted.keys).filter { found[$0] != wanted[$0] }
    let some = names.map { String(decoding: $0.prefix(20), as: UTF8.self) }.sorted().prefix(3)
    let list = some.joined(separator: ", ")
    return "\(found.count) keys for \(wanted.count), \(names.count) differ (\(list))"
  }

  /// Goes on behind an opening for writing that showed `state`: what it found is durable.
  mutating func restart(from state: StoreState) {
    states = [state]
    durable = 0
    uncertain = nil
    exists = true
  }

  private mutating func after(_ changes: [Change]) -> StoreState {
    var state = current
    for change in changes {
      state[change.key] = change.value
      keys.insert(change.key)
    }
    return state
  }
}
