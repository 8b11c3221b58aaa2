// The way from the root of a tree to a leaf. It allocates nothing, for every scan has one.

/// Inner nodes from the root down, with the child that was taken of each.
///
/// Mutating where it need not be: the nodes would be copied otherwise.
struct OrderPath {
  /// No tree is so high: a node is split in halves, so another level takes 64 times as many keys.
  private static let capacity = 12

  private var nodes = InlineArray<12, OrderNode>(repeating: OrderNode(address: 0))
  private var indices = InlineArray<12, Int>(repeating: 0)
  private var count = 0

  /// The first node; nil where there are no inner ones.
  var root: OrderNode? { count == 0 ? nil : nodes[0] }

  mutating func removeAll() { count = 0 }

  /// Goes to a child of a node.
  @inline(__always)
  mutating func append(_ node: OrderNode, _ index: Int) {
    precondition(count < Self.capacity, "a tree is not so high")
    nodes[count] = node
    indices[count] = index
    count += 1
  }

  /// The leaf beside the one that it leads to, if both have the same parent.
  mutating func neighbour(_ step: Int) -> OrderNode? {
    guard count > 0 else { return nil }
    let (parent, index) = (nodes[count - 1], indices[count - 1] + step)
    return index >= 0 && index < parent.count ? parent.child(index) : nil
  }

  /// Goes back to where there is another child on the way.
  ///
  /// - Parameter step: 1 for one behind, -1 for one before.
  /// - Returns: that child; nil where there is none, and then it is as it was.
  mutating func turn(by step: Int) -> OrderNode? {
    var level = count
    while level > 0 {
      level -= 1
      let index = indices[level] + step
      guard index >= 0, index < nodes[level].count else { continue }
      indices[level] = index
      count = level + 1
      return nodes[level].child(index)
    }
    return nil
  }
}
