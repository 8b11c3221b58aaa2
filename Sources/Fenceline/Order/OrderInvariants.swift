// What must hold of a tree, for tests.

internal import Synchronization

extension OrderedIndex {
  /// Why a tree is not right.
  enum Fault: Error { case level, word, skip, order, separator, size, position(UInt64) }

  /// Checks every node of the tree, and that it has the hash table's positions; nobody writes meanwhile.
  func checkInvariants() throws {
    let snapshot = snapshot()
    var units: Set<UInt64> = []
    try check(snapshot.root, isRoot: true, into: &units)
    try index.forEachUnit { (unit) in
      guard units.remove(unit) != nil else { throw Fault.position(unit) }
    }
    if let unit = units.first { throw Fault.position(unit) }
  }

  private func check(_ node: OrderNode, isRoot: Bool, into units: inout Set<UInt64>) throws {
    guard node.count > 0 || isRoot else { throw Fault.size }
    for index in 0..<node.count {
      let unit = node.unit(index)
      guard node.word(index) == map.keyWord(of: unit, at: node.skip) else { throw Fault.word }
      guard map.commonPrefix(node.unit(0), unit) >= node.skip else { throw Fault.skip }
      if index > 0, map.order(node.unit(index - 1), unit) >= 0 { throw Fault.order }
      if node.level == 0 {
        units.insert(unit)
      } else {
        guard node.child(index).level == node.level - 1 else { throw Fault.level }
        guard node.child(index).unit(0) == unit else { throw Fault.separator }
        try check(node.child(index), isRoot: false, into: &units)
      }
    }
  }
}
