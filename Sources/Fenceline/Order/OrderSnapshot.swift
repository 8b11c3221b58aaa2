// A tree that someone reads, and a place in it.

/// A state of the store's keys that stays as it is.
struct OrderSnapshot: ~Copyable {
  let root: OrderNode
  /// Why a key is missing.
  let failure: StoreError?
  /// Records of later transactions are not part of it, although the tree has them.
  let newestSequence: UInt64
  private let tickets: Tickets?

  /// What keeps the tree, and the records that it points to.
  struct Tickets {
    private let records: (ReaderEpochs, ReaderEpochs.Ticket)
    private let nodes: (ReaderEpochs, ReaderEpochs.Ticket)

    init(
      _ recordEpochs: ReaderEpochs,
      _ record: ReaderEpochs.Ticket,
      _ nodeEpochs: ReaderEpochs,
      _ node: ReaderEpochs.Ticket
    ) {
      records = (recordEpochs, record)
      nodes = (nodeEpochs, node)
    }

    fileprivate func leave() {
      nodes.0.leave(nodes.1)
      records.0.leave(records.1)
    }
  }

  init(root: OrderNode, failure: StoreError?, leave tickets: Tickets) {
    self.root = root
    self.failure = failure
    newestSequence = .max
    self.tickets = tickets
  }

  /// A tree that its user keeps.
  init(root: OrderNode, failure: StoreError?, upTo sequence: UInt64) {
    self.root = root
    self.failure = failure
    newestSequence = sequence
    tickets = nil
  }

  deinit { tickets?.leave() }
}

/// A place in a tree: on an entry, or before the first one, or behind the last one.
struct OrderPlace {
  private let map: SegmentMap
  /// Inner nodes from the root down, with the child that was taken.
  private var path: [(node: OrderNode, index: Int)] = []
  private var leaf: OrderNode
  private var index = 0
  private var records: RecordsAhead

  /// Nowhere in a tree: what comes first is a move to an entry or to an end.
  ///
  /// - Parameters:
  ///   - root: of the tree.
  ///   - map: of its positions.
  ///   - limit: the most entries that will be looked at.
  init(in root: OrderNode, of map: SegmentMap, limit: Int = .max) {
    self.map = map
    leaf = root
    records = RecordsAhead(limit: limit)
    index = -1
  }

  /// The position that it stands on; nil before the first and behind the last one.
  @inline(__always)
  var unit: UInt64? { index >= 0 && index < leaf.count ? leaf.unit(index) : nil }

  // MARK: Moving

  /// Goes to the first entry of the tree, or behind the last one where there is none.
  mutating func moveToFirst() { moveToFirst(of: root) }

  /// Goes to the last entry of the tree, or before the first one where there is none.
  mutating func moveToLast() {
    descend(root) { $0.count - 1 }
    index = leaf.count - 1
    beginPrefetching(-1)
  }

  /// Goes to the first entry whose key is not less than `key`, or behind the last one.
  mutating func move(to key: RawSpan) {
    let map = map
    descend(root) { $0.childIndex(of: key, in: map) }
    // Most often that is it; to be sure, a record has to be read, and the next ones can come meanwhile.
    let guess = leaf.firstIndex(notBefore: key)
    index = guess
    beginPrefetching(1)
    index = leaf.place(of: key, in: map).index
    let isBehind = index == leaf.count && moveLeaf(by: 1)
    if isBehind { index = 0 }
    if isBehind || index != guess { beginPrefetching(1) }
  }

  /// Goes to the next entry.
  @inline(__always)
  mutating func moveForwards() {
    if index < leaf.count { index += 1 }
    if index < leaf.count { return prefetchOnwards(1) }
    if moveLeaf(by: 1) { enterLeaf(at: 0, 1) }
  }

  /// Goes to the entry before.
  @inline(__always)
  mutating func moveBackwards() {
    if index >= 0 { index -= 1 }
    if index >= 0 { return prefetchOnwards(-1) }
    if moveLeaf(by: -1) { enterLeaf(at: leaf.count - 1, -1) }
  }

  private var root: OrderNode { path.first?.node ?? leaf }

  private mutating func moveToFirst(of root: OrderNode) {
    descend(root) { _ in 0 }
    index = 0
    beginPrefetching(1)
  }

  private mutating func descend(_ root: OrderNode, _ choose: (OrderNode) -> Int) {
    path.removeAll(keepingCapacity: true)
    var node = root
    while node.level > 0 {
      let index = choose(node)
      path.append((node, index))
      node = node.child(index)
      node.prefetch()
    }
    leaf = node
  }

  /// Goes to the neighbouring leaf, where there is one.
  @inline(never)
  private mutating func moveLeaf(by step: Int) -> Bool {
    guard
      let turn = path.lastIndex(where: { $0.index + step >= 0 && $0.index + step < $0.node.count })
    else { return false }
    path[turn].index += step
    path.removeLast(path.count - turn - 1)
    var node = path[turn].node.child(path[turn].index)
    while node.level > 0 {
      let index = step > 0 ? 0 : node.count - 1
      path.append((node, index))
      node = node.child(index)
    }
    leaf = node
    return true
  }

  // MARK: Prefetching

  /// The leaf that comes next, if it has the same parent.
  private func neighbour(_ step: Int) -> OrderNode? {
    guard let (parent, index) = path.last, index + step >= 0, index + step < parent.count
    else { return nil }
    return parent.child(index + step)
  }

  @inline(never)
  private mutating func enterLeaf(at index: Int, _ step: Int) {
    self.index = index
    records.enter(neighbour(step), step, usualCount: leaf.count)
    prefetchOnwards(step)
  }

  /// Asks for the entry that it stands on and for the next ones.
  private mutating func beginPrefetching(_ step: Int) {
    if let unit { map.prefetchStart(unit) }
    records.begin()
    records.enter(neighbour(step), step, usualCount: leaf.count)
    records.ask(leaf, index, map)
  }

  @inline(__always)
  private mutating func prefetchOnwards(_ step: Int) {
    if !records.advance(step) {
      records.begin()
      records.enter(neighbour(step), step, usualCount: leaf.count)
    }
    records.ask(leaf, index, map)
  }
}

/// The records that were asked for ahead of a place that moves through the leaves.
///
/// A record is some hundred nanoseconds away, and looking at one takes twenty: with 12 of them on their
/// way a walk took 17 ns for one of 144 bytes, with 32 it took 10, with 40 it took 9.
private struct RecordsAhead {
  /// Records that are on their way at once.
  private static let distance = 32
  /// Records that are asked for at once.
  ///
  /// Finding a record's page takes some twenty nanoseconds, for which the core waits; of several it finds
  /// the pages side by side.
  private static let askedAtOnce = 8

  /// Entries that will still be looked at, the one of now included.
  private var wanted: Int
  /// Entries behind the one of now that were asked for.
  private var asked = 0
  /// Which way they lie.
  private var step = 0
  /// The leaf behind the one of now.
  private var next: OrderNode?

  init(limit: Int) { wanted = limit }

  /// Nothing was asked for.
  mutating func begin() { asked = 0 }

  /// The place came to a leaf behind which lies `next`.
  mutating func enter(_ next: OrderNode?, _ step: Int, usualCount: Int) {
    self.next = next
    self.step = step
    next?.prefetchUnits(count: usualCount)
  }

  /// The place goes on by one entry.
  ///
  /// - Returns: false where it turned round.
  @inline(__always)
  mutating func advance(_ step: Int) -> Bool {
    wanted &-= 1
    asked = max(0, asked &- 1)
    return step == self.step
  }

  /// Asks for some more, of a place on entry `index` of `leaf`.
  @inline(__always)
  mutating func ask(_ leaf: OrderNode, _ index: Int, _ map: SegmentMap) {
    guard asked <= Self.distance - Self.askedAtOnce else { return }
    askForMore(leaf, index, map)
  }

  @inline(never)
  private mutating func askForMore(_ leaf: OrderNode, _ index: Int, _ map: SegmentMap) {
    let end = min(wanted &- 1, asked + Self.askedAtOnce)
    while asked < end {
      asked += 1
      let ahead = index + step * asked
      if ahead >= 0, ahead < leaf.count {
        map.prefetchStart(leaf.unit(ahead))
      } else {
        askNeighbour(behind: step > 0 ? ahead - leaf.count : -1 - ahead, map)
      }
    }
  }

  @inline(__always)
  private func askNeighbour(behind count: Int, _ map: SegmentMap) {
    guard let next, count < next.count else { return }
    map.prefetchStart(next.unit(step > 0 ? count : next.count - 1 - count))
  }
}

extension Store {
  /// Bytes of memory that the ordered tree takes; 0 where there is none.
  package var orderByteCount: Int { order.byteCount }
}
