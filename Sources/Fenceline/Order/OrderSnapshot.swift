// A tree that someone reads, and a place in it.

/// A state of the store's keys that stays as it is.
struct OrderSnapshot: ~Copyable {
  let root: OrderNode
  /// Why a key is missing.
  let failure: StoreError?
  private let tickets: Tickets

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
    self.tickets = tickets
  }

  deinit { tickets.leave() }
}

/// A place in a tree: on an entry, or before the first one, or behind the last one.
struct OrderPlace {
  private let map: SegmentMap
  /// Inner nodes from the root down, with the child that was taken.
  private var path: [(node: OrderNode, index: Int)] = []
  private var leaf: OrderNode
  private var index = 0

  /// Before the first entry of a tree.
  init(in root: OrderNode, of map: SegmentMap) {
    self.map = map
    leaf = root
    moveToFirst(of: root)
    index = -1
  }

  /// The position that it stands on; nil before the first and behind the last one.
  var unit: UInt64? { index >= 0 && index < leaf.count ? leaf.unit(index) : nil }

  // MARK: Moving

  /// Goes to the first entry of the tree, or behind the last one where there is none.
  mutating func moveToFirst() { moveToFirst(of: root) }

  /// Goes to the last entry of the tree, or before the first one where there is none.
  mutating func moveToLast() {
    descend(root) { $0.count - 1 }
    index = leaf.count - 1
    prefetch(index, -1)
  }

  /// Goes to the first entry whose key is not less than `key`, or behind the last one.
  mutating func move(to key: RawSpan) {
    let map = map
    descend(root) { $0.childIndex(of: key, in: map) }
    index = leaf.place(of: key, in: map).index
    if index == leaf.count, moveLeaf(by: 1) { index = 0 }
    prefetch(index, 1)
  }

  /// Goes to the next entry.
  mutating func moveForwards() {
    if index < leaf.count { index += 1 }
    if index < leaf.count {
      prefetchAhead(1)
    } else if moveLeaf(by: 1) {
      index = 0
      prefetch(0, 1)
    }
  }

  /// Goes to the entry before.
  mutating func moveBackwards() {
    if index >= 0 { index -= 1 }
    if index >= 0 {
      prefetchAhead(-1)
    } else if moveLeaf(by: -1) {
      index = leaf.count - 1
      prefetch(index, -1)
    }
  }

  private var root: OrderNode { path.first?.node ?? leaf }

  private mutating func moveToFirst(of root: OrderNode) {
    descend(root) { _ in 0 }
    index = 0
    prefetch(0, 1)
  }

  private mutating func descend(_ root: OrderNode, _ choose: (OrderNode) -> Int) {
    path.removeAll(keepingCapacity: true)
    var node = root
    while node.level > 0 {
      let index = choose(node)
      path.append((node, index))
      node = node.child(index)
    }
    leaf = node
  }

  /// Goes to the neighbouring leaf, where there is one.
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

  /// Asks for the record that comes so many entries on.
  @inline(__always)
  private func prefetchAhead(_ step: Int) {
    let ahead = index + step * KeySort.prefetchDistance
    if ahead >= 0, ahead < leaf.count { map.prefetchStart(leaf.unit(ahead)) }
  }

  /// Asks for the first records of a leaf.
  private func prefetch(_ index: Int, _ step: Int) {
    var index = index
    for _ in 0...KeySort.prefetchDistance where index >= 0 && index < leaf.count {
      map.prefetchStart(leaf.unit(index))
      index += step
    }
  }
}

extension Store {
  /// Bytes of memory that the ordered tree takes; 0 where there is none.
  package var orderByteCount: Int { order.byteCount }
}
