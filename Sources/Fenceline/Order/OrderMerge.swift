// Merges sorted changes into a tree by copying the nodes on the way to them. The old tree stays as it
// was, for those who read it.

/// One merge into one tree.
struct OrderMerge {
  let map: SegmentMap
  private let writer: NodeWriter
  /// Changes in the order of their keys, and of time where keys are equal.
  private let changes: [KeyedUnit]
  /// Where a `move` to a position comes from.
  private let source: (UInt64) -> UInt64?
  /// Nodes of the old tree, and some that were made meanwhile, that the new one does not have.
  private(set) var replaced: [OrderNode] = []
  /// Nodes that were made.
  private(set) var created: [OrderNode] = []

  /// Nodes with fewer entries are joined with a neighbour.
  private static let few = OrderNode.capacity / 4

  init(
    _ changes: [KeyedUnit],
    map: SegmentMap,
    source: @escaping (UInt64) -> UInt64? = { _ in nil }
  ) {
    self.map = map
    self.changes = changes
    self.source = source
    writer = NodeWriter(map: map)
  }

  /// The tree with all changes made.
  ///
  /// - Complexity: O(m) nodes are copied for m changes, and as many levels as there are above each.
  mutating func apply(to root: OrderNode) -> OrderNode {
    guard !changes.isEmpty else { return root }
    if changes.count == 1, let tree = applyOne(changes[0], to: root) { return tree }
    var nodes = merge(root, changes.indices)
    if nodes.count != 1 { nodes = [writer.root(above: nodes) { created.append($0) }] }
    var top = nodes[0]
    while top.level > 0, top.count == 1 {
      let child = top.child(0)
      replaced.append(top)
      top = child
    }
    return top
  }

  /// The same for one change that leaves alone what the keys of its leaf share, and how many nodes there are;
  /// nil where it does not.
  private mutating func applyOne(_ change: KeyedUnit, to root: OrderNode) -> OrderNode? {
    var path: [(node: OrderNode, child: Int)] = []
    var leaf = root
    let place = map.withUnverifiedKey(at: change.unit) { (key) in
      while leaf.level > 0 {
        let child = leaf.childIndex(of: key, in: map)
        path.append((leaf, child))
        leaf = leaf.child(child)
      }
      return leaf.place(of: key, in: map)
    }
    let index = place.index
    var new: OrderNode
    if place.isEqual {
      let old = leaf.unit(index)
      switch change.action {
      case .move where source(change.unit) != old: return root
      case .put where change.unit == old: return root
      case .put, .move:
        new = leaf.replacing(
          index..<index + 1,
          with: (word: leaf.word(index), unit: change.unit, child: nil)
        )
      case .delete:
        guard index > 0, index + 1 < leaf.count, leaf.count > Self.few else { return nil }
        new = leaf.replacing(index..<index + 1, with: nil)
      }
    } else {
      guard change.action == .put else { return root }
      guard index > 0, index < leaf.count, Self.few..<OrderNode.capacity ~= leaf.count else {
        return nil
      }
      let word = map.keyWord(of: change.unit, at: leaf.skip)
      new = leaf.replacing(index..<index, with: (word: word, unit: change.unit, child: nil))
    }
    replaced.append(leaf)
    created.append(new)
    for (node, child) in path.reversed() {
      // The first key below the child is the one that it was.
      let entry = (word: node.word(child), unit: new.unit(0), child: Optional(new))
      new = node.replacing(child..<child + 1, with: entry)
      replaced.append(node)
      created.append(new)
    }
    return new
  }

  private mutating func make(
    _ entries: [OrderEntry],
    level: Int,
    knownSkip: Int
  ) -> [OrderNode] {
    let nodes = writer.nodes(entries, level: level, knownSkip: knownSkip)
    created += nodes
    return nodes
  }

  private mutating func merge(_ node: OrderNode, _ range: Range<Int>) -> [OrderNode] {
    node.level == 0 ? mergeLeaf(node, range) : mergeInner(node, range)
  }

  // MARK: Leaves

  private mutating func mergeLeaf(_ leaf: OrderNode, _ range: Range<Int>) -> [OrderNode] {
    var entries: [OrderEntry] = []
    entries.reserveCapacity(leaf.count + range.count)
    var next = 0
    var isChanged = false
    for number in range {
      if number + KeySort.prefetchDistance < changes.count {
        map.prefetch(changes[number + KeySort.prefetchDistance].unit)
      }
      let change = changes[number]
      // Only the newest of several changes of a key counts.
      if number + 1 < range.upperBound, map.order(change.unit, changes[number + 1].unit) == 0 {
        continue
      }
      let place = map.withUnverifiedKey(at: change.unit) { leaf.place(of: $0, from: next, in: map) }
      keep(leaf, next..<place.index, in: &entries)
      next = place.index
      let old = place.isEqual ? leaf.unit(next) : nil
      switch change.action {
      case .put: isChanged = isChanged || old != change.unit
      case .delete: isChanged = isChanged || old != nil
      case .move:
        guard let old, source(change.unit) == old else { continue }
        isChanged = true
      }
      if old != nil { next += 1 }
      if change.action != .delete {
        entries.append(OrderEntry(change.unit, knownWord: old == nil ? nil : leaf.word(next - 1)))
      }
    }
    guard isChanged else { return [leaf] }
    keep(leaf, next..<leaf.count, in: &entries)
    replaced.append(leaf)
    return make(entries, level: 0, knownSkip: leaf.skip)
  }

  private func keep(_ node: OrderNode, _ range: Range<Int>, in entries: inout [OrderEntry]) {
    for index in range {
      entries.append(
        OrderEntry(
          node.unit(index),
          child: node.level == 0 ? nil : node.child(index),
          knownWord: node.word(index)
        )
      )
    }
  }

  // MARK: Inner nodes

  private mutating func mergeInner(_ node: OrderNode, _ range: Range<Int>) -> [OrderNode] {
    var entries: [OrderEntry] = []
    entries.reserveCapacity(node.count + 4)
    var next = 0
    var isChanged = false
    var start = range.lowerBound
    while start < range.upperBound {
      let child = map.withUnverifiedKey(at: changes[start].unit) {
        node.childIndex(of: $0, from: next, in: map)
      }
      keep(node, next..<child, in: &entries)
      let end = endOfChanges(for: child, of: node, start..<range.upperBound)
      let old = node.child(child)
      let new = merge(old, start..<end)
      if new == [old] {
        keep(node, child..<child + 1, in: &entries)
      } else {
        isChanged = true
        for node in new { append(node, to: &entries) }
      }
      next = child + 1
      start = end
    }
    guard isChanged else { return [node] }
    if next < node.count {
      // The neighbour behind may be what a small node is joined with.
      if let last = entries.last?.child, last.count < Self.few {
        append(node.child(next), to: &entries)
        next += 1
      }
      keep(node, next..<node.count, in: &entries)
    }
    replaced.append(node)
    return make(entries, level: node.level, knownSkip: node.skip)
  }

  /// Changes that concern a child: those before the first key of the next one.
  private func endOfChanges(
    for child: Int,
    of node: OrderNode,
    _ range: Range<Int>
  ) -> Int {
    guard child + 1 < node.count else { return range.upperBound }
    let bound = node.unit(child + 1)
    // The first change is the child's; others are looked for in steps that double.
    var (low, step) = (range.lowerBound + 1, 1)
    while low + step < range.upperBound, map.order(changes[low + step].unit, bound) < 0 {
      low += step
      step *= 2
    }
    var high = min(low + step, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if map.order(changes[middle].unit, bound) < 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds a new child; joins it with the one before where either is small.
  private mutating func append(_ node: OrderNode, to entries: inout [OrderEntry]) {
    guard let last = entries.last?.child, min(last.count, node.count) < Self.few else {
      return entries.append(OrderEntry(node))
    }
    entries.removeLast()
    var both: [OrderEntry] = []
    keep(last, 0..<last.count, in: &both)
    let known = both.count
    keep(node, 0..<node.count, in: &both)
    if node.skip != last.skip {
      for index in known..<both.count { both[index].knownWord = nil }
    }
    replaced += [last, node]
    for node in make(both, level: node.level, knownSkip: last.skip) {
      entries.append(OrderEntry(node))
    }
  }
}
