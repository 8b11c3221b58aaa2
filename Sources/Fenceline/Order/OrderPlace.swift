// A place in a tree.

/// A place in a tree: on an entry, or before the first one, or behind the last one.
struct OrderPlace {
  private let map: SegmentMap
  private var path = OrderPath()
  private var leaf: OrderNode
  private var index = -1
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
  }

  private var isOnEntry: Bool { index >= 0 && index < leaf.count }

  /// The position that it stands on; nil before the first and behind the last one.
  @inline(__always)
  var unit: UInt64? { isOnEntry ? leaf.unit(index) : nil }

  /// The position that it stands on and some of those that follow it.
  ///
  /// To walk on from them is a move by their count.
  ///
  /// - Parameter step: 1 for those behind it, -1 for those before it.
  /// - Returns: positions that are valid as long as the tree is kept; none where it stands on no entry.
  @inline(never)
  mutating func stretch(_ step: Int) -> OrderNode.Stretch {
    guard isOnEntry else { return OrderNode.Stretch() }
    ask(step)
    return leaf.stretch(from: index, step, most: RecordsAhead.group)
  }

  /// Has the records of the next entries on their way when an entry of a stretch is looked at.
  ///
  /// - Parameters:
  ///   - number: of the entry in the stretch.
  ///   - bodyLength: bytes of key and value of the entry before; 0 where nobody knows.
  @inline(__always)
  mutating func prepare(behind number: Int, alike bodyLength: Int) {
    records.askForRest(behind: number, alike: bodyLength)
  }

  // MARK: Moving

  /// Goes to the first entry of the tree, or behind the last one where there is none.
  mutating func moveToFirst() {
    descend(root) { _ in 0 }
    index = 0
    beginAsking(1)
  }

  /// Goes to the last entry of the tree, or before the first one where there is none.
  mutating func moveToLast() {
    descend(root) { $0.count - 1 }
    index = leaf.count - 1
    beginAsking(-1)
  }

  /// Goes to the first entry whose key is not less than `key`, or behind the last one.
  mutating func move(to key: RawSpan) {
    let map = map
    descend(root) { $0.childIndex(of: key, in: map) }
    let likely = leaf.entries(likely: key, in: map)
    // Most often it is the first of them; to be sure, a record has to be read, and the next ones can come
    // meanwhile.
    index = likely.lowerBound
    beginAsking(1)
    index = leaf.place(of: key, among: likely, in: map).index
    let isBehind = index == leaf.count && moveLeaf(by: 1)
    if isBehind { index = 0 }
    if isBehind || index != likely.lowerBound { beginAsking(1) }
  }

  /// Goes to the next entry.
  @inline(__always)
  mutating func moveForwards() {
    move(by: 1, 1)
    ask(1)
    records.askForRest(behind: 0)
  }

  /// Goes to the entry before.
  @inline(__always)
  mutating func moveBackwards() {
    move(by: 1, -1)
    ask(-1)
    records.askForRest(behind: 0)
  }

  /// Goes on by some entries, as far as the first one of the next leaf.
  ///
  /// - Parameters:
  ///   - count: no more than what is left of the leaf.
  ///   - step: 1 for those behind it, -1 for those before it.
  @inline(__always)
  mutating func move(by count: Int, _ step: Int) {
    index += count * step
    records.advance(by: count)
    if !isOnEntry { leaveLeaf(step) }
  }

  private var root: OrderNode { path.root ?? leaf }

  private mutating func descend(_ root: OrderNode, _ choose: (OrderNode) -> Int) {
    path.removeAll()
    var node = root
    while node.level > 0 {
      let index = choose(node)
      path.append(node, index)
      node = node.child(index)
      node.prefetch()
    }
    leaf = node
  }

  @inline(never)
  private mutating func leaveLeaf(_ step: Int) {
    if moveLeaf(by: step) {
      index = step > 0 ? 0 : leaf.count - 1
      records.enter(neighbour(step), step, usualCount: leaf.count)
    } else {
      index = step > 0 ? leaf.count : -1
    }
  }

  /// Goes to the neighbouring leaf, where there is one.
  private mutating func moveLeaf(by step: Int) -> Bool {
    guard var node = path.turn(by: step) else { return false }
    while node.level > 0 {
      let index = step > 0 ? 0 : node.count - 1
      path.append(node, index)
      node = node.child(index)
    }
    leaf = node
    return true
  }

  // MARK: Records ahead

  /// The leaf that comes next, if it has the same parent.
  private mutating func neighbour(_ step: Int) -> OrderNode? {
    path.neighbour(step)
  }

  /// Asks for the entry that it stands on, and for the next ones.
  private mutating func beginAsking(_ step: Int) {
    if let unit { map.prefetchStart(unit) }
    records.begin(before: neighbour(step), step, usualCount: leaf.count)
    records.askForMore(leaf, index, map)
  }

  /// Asks for some of the next entries where too few are on their way.
  @inline(__always)
  private mutating func ask(_ step: Int) {
    if step != records.step {
      records.begin(before: neighbour(step), step, usualCount: leaf.count)
    }
    if records.areFew { records.askForMore(leaf, index, map) }
  }
}
