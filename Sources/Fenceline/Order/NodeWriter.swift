// Makes nodes of entries that are in order.

/// What goes into a node.
struct OrderEntry {
  let unit: UInt64
  /// In inner nodes.
  let child: OrderNode?
  /// Its word where it stood before, if it stood in a node.
  var knownWord: UInt64?

  init(_ unit: UInt64, child: OrderNode? = nil, knownWord: UInt64? = nil) {
    self.unit = unit
    self.child = child
    self.knownWord = knownWord
  }

  /// What the level above holds of a node.
  init(_ child: OrderNode) { self.init(child.unit(0), child: child) }
}

/// Makes nodes of one map's positions.
struct NodeWriter: Sendable {
  let map: SegmentMap

  /// Entries of nodes that are made in bulk: room for a while before they split.
  static let usualCount = 96

  /// Makes as few nodes of one level as hold all entries, all of about the same size.
  ///
  /// - Parameters:
  ///   - entries: in the order of their keys.
  ///   - level: of the nodes.
  ///   - knownSkip: where the known words stand in their keys.
  /// - Returns: the nodes, in order.
  func nodes(_ entries: [OrderEntry], level: Int, knownSkip: Int) -> [OrderNode] {
    let number = (entries.count + OrderNode.capacity - 1) / OrderNode.capacity
    return (0..<number).map { (index) in
      let start = entries.count * index / number
      let end = entries.count * (index + 1) / number
      return node(level: level, count: end - start, knownSkip: knownSkip) { entries[start + $0] }
    }
  }

  /// Makes leaves of many sorted positions.
  func leaves(_ units: [KeyedUnit]) -> [OrderNode] {
    stride(from: 0, to: units.count, by: Self.usualCount).map { (start) in
      node(level: 0, count: min(Self.usualCount, units.count - start), knownSkip: -1) {
        OrderEntry(units[start + $0].unit)
      }
    }
  }

  /// Puts levels on top of nodes until there is one; an empty leaf where there are none.
  ///
  /// - Parameters:
  ///   - nodes: of one level, in order.
  ///   - note: gets each node that is made.
  /// - Returns: the root.
  func root(above nodes: [OrderNode], note: (OrderNode) -> Void = { _ in }) -> OrderNode {
    var nodes = nodes
    if nodes.isEmpty {
      nodes = [OrderNode(level: 0, skip: 0, start: 0, count: 0)]
      note(nodes[0])
    }
    while nodes.count > 1 {
      let below = nodes
      nodes = stride(from: 0, to: below.count, by: Self.usualCount).map { (start) in
        let count = min(Self.usualCount, below.count - start)
        return node(level: below[0].level + 1, count: count, knownSkip: -1) {
          OrderEntry(below[start + $0])
        }
      }
      for node in nodes { note(node) }
    }
    return nodes[0]
  }

  @inline(__always)
  private func node(
    level: Int,
    count: Int,
    knownSkip: Int,
    _ entry: (Int) -> OrderEntry
  ) -> OrderNode {
    // What the first and the last key share, all between them do.
    let skip = count < 2 ? 0 : map.commonPrefix(entry(0).unit, entry(count - 1).unit)
    let start = skip == 0 ? 0 : map.keyWord(of: entry(0).unit, at: 0)
    let node = OrderNode(level: level, skip: skip, start: start, count: count)
    let hasWords = skip == knownSkip
    for index in 0..<count {
      if !hasWords, index + KeySort.prefetchDistance < count {
        map.prefetch(entry(index + KeySort.prefetchDistance).unit)
      }
      let entry = entry(index)
      let known = hasWords ? entry.knownWord : nil
      node.set(
        index,
        word: known ?? map.keyWord(of: entry.unit, at: skip),
        unit: entry.unit,
        child: entry.child
      )
    }
    return node
  }
}
