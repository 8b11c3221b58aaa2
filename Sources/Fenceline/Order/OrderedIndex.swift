// The keys in order: a tree over the same positions as the hash table, which no write touches. It is a
// function of the journal, and catches up with it when somebody scans; before the first scan there is
// none.
//
//   committed   end of the journal whose transactions are committed; stored before the hash table changes
//   applied     end of the journal whose transactions the hash table shows; stored behind the change
//   shown       end of the journal that the tree shows
//
// Whoever builds the first tree notes `applied`, reads the hash table, and then catches up from there to
// `committed`: what the table showed of later transactions is read again, so the tree is that of one
// moment. Nobody waits for a writer.
//
// Invariants:
//   a tree that was published never changes; its nodes go when no reader of it is left
//   a tree holds no position of a segment that is gone: before one goes, `relocate` has seen its moves
//   under the lock; and whoever reads an older tree holds a ticket that keeps the segment

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// The keys of an open store in byte order.
final class OrderedIndex: Sendable {
  let map: SegmentMap
  let index: HashIndex
  private let epochs: ReaderEpochs
  private let writer: WriterAccess
  private let nodeEpochs = ReaderEpochs()
  /// Address of the tree's root; 0 where there is none.
  private let root = Atomic<UInt>(0)
  private let shown = Atomic<UInt64>(0)
  private let isIncomplete = Atomic<Bool>(false)
  /// Somebody has read the tree since the last compaction.
  private let wasUsed = Atomic<Bool>(false)
  private let state = ForkSafeMutex(State())
  /// Trees that were built from nothing, for tests.
  let buildCount = Atomic<Int>(0)

  private struct State {
    /// Why a key is not in the tree.
    var failure: StoreError?
    /// Compactions since the last scan.
    var unusedRelocations = 0
    /// Nodes that no published tree has, and that wait for others to be retired with.
    var replaced: [OrderNode] = []
  }

  /// Positions that are moved under one hold of the lock, for which scans wait that have to catch up: 0.15 ms.
  private static let movesPerHold = 1 << 8
  /// Compactions without a scan after which the tree is not worth being kept right.
  private static let patience = 16
  /// Bytes of journal up to which nobody asks whether another tree would be cheaper.
  private static let smallStretch = 4 << 20
  /// Memory for each key, at most, while a tree is built or keys are moved: positions, words, nodes.
  private static let bytesPerKey = 96
  private static let emptyTree = OrderNode(level: 0, skip: 0, start: 0, count: 0)
  /// Nodes that are retired at once: finding out whether somebody reads them interrupts all threads.
  private static let retiredAtOnce = 64
  /// How much cheaper a key is in a new tree than in one that catches up.
  private static let buildAdvantage = 4

  init(map: SegmentMap, index: HashIndex, epochs: ReaderEpochs, writer: WriterAccess) {
    self.map = map
    self.index = index
    self.epochs = epochs
    self.writer = writer
  }

  deinit {
    state.withLock { (state) in for node in state.replaced { node.free() } }
    guard let tree = published else { return }
    Self.forEachNode(of: tree) { $0.free() }
  }

  private var published: OrderNode? {
    let address = root.load(ordering: .acquiring)
    return address == 0 ? nil : OrderNode(address: address)
  }

  // MARK: Reading

  /// The state of now, which stays as it is until the snapshot goes, on the same thread.
  ///
  /// What a lookup has shown before, a snapshot shows.
  ///
  /// - Complexity: O(1) where nothing was written since the last one; O(m log m) for m writes; O(n log n)
  ///   for n keys at the first one.
  func snapshot() -> OrderSnapshot { snapshot { $0.enter() } }

  /// The same, and another thread may let it go.
  func snapshotForAnyThread() -> OrderSnapshot { snapshot { $0.enterForAnyThread() } }

  @inline(__always)
  private func snapshot(_ enter: (ReaderEpochs) -> ReaderEpochs.Ticket) -> OrderSnapshot {
    if !wasUsed.load(ordering: .relaxed) { wasUsed.store(true, ordering: .relaxed) }
    let records = enter(epochs)
    let committed = map.committedEnd.load(ordering: .acquiring)
    if published == nil || shown.load(ordering: .acquiring) != committed {
      guard state.withLock({ catchUp(&$0) }) else { return emptySnapshot(records, enter) }
    }
    while true {
      let nodes = enter(nodeEpochs)
      if let root = published {
        let failure = isIncomplete.load(ordering: .acquiring) ? state.withLock { $0.failure } : nil
        return OrderSnapshot(root: root, of: self, failure: failure, records: records, nodes: nodes)
      }
      // A compaction gave up the tree meanwhile.
      nodeEpochs.leave(nodes)
      guard state.withLock({ catchUp(&$0) }) else { return emptySnapshot(records, enter) }
    }
  }

  /// What there is to see where memory is missing.
  private func emptySnapshot(
    _ records: ReaderEpochs.Ticket,
    _ enter: (ReaderEpochs) -> ReaderEpochs.Ticket
  ) -> OrderSnapshot {
    OrderSnapshot(
      root: Self.emptyTree,
      of: self,
      failure: .noMemory(beside: map),
      records: records,
      nodes: enter(nodeEpochs)
    )
  }

  /// Ends what ``snapshot()`` or ``snapshotForAnyThread()`` began.
  func leave(records: ReaderEpochs.Ticket, nodes: ReaderEpochs.Ticket) {
    nodeEpochs.leave(nodes)
    epochs.leave(records)
  }

  /// Bytes of memory that the tree takes.
  var byteCount: Int {
    state.withLock { (_) in
      var bytes = 0
      if let tree = published { Self.forEachNode(of: tree) { bytes += $0.byteCount } }
      return bytes
    }
  }

  // MARK: Catching up

  /// Makes the tree show everything that is committed; the caller holds a reader's ticket.
  ///
  /// - Returns: false where there is no memory for it; then there is no tree, and the next call tries again.
  private func catchUp(_ state: inout State) -> Bool {
    let end = map.committedEnd.load(ordering: .acquiring)
    if let tree = published, follow(tree, to: end, &state) { return true }
    discard(&state)
    let needed = index.count * Self.bytesPerKey
    guard Memory.claim(needed) else { return false }
    defer { Memory.release(needed) }
    build(&state)
    Memory.giveBack(needed)
    return true
  }

  /// Reads the journal from where the tree ends.
  ///
  /// - Returns: false where that is not there any more, can't be read, or is more than a new tree costs.
  private func follow(_ tree: OrderNode, to end: UInt64, _ state: inout State) -> Bool {
    guard let stretches = map.stretches(from: shown.load(ordering: .relaxed), to: end) else {
      return false
    }
    let length = stretches.reduce(0) { $0 + $1.range.count }
    guard length <= Self.smallStretch || length <= map.liveBytes / Self.buildAdvantage else {
      return false
    }
    // What is read of a record, twice, takes no more than the record.
    guard Memory.claim(length) else { return false }
    defer { Memory.release(length) }
    var batches: [[KeyedUnit]] = []
    do throws(StoreError) {
      for stretch in stretches { batches.append(try map.changes(in: stretch)) }
    } catch {
      // A new tree leaves out what can't be read, and says why.
      return false
    }
    var merged = tree
    var replaced: [OrderNode] = []
    for batch in batches { merge(batch, into: &merged, replacing: &replaced) }
    publish(merged, showing: end, replacing: replaced, &state)
    return true
  }

  private func merge(
    _ changes: [KeyedUnit],
    into tree: inout OrderNode,
    replacing replaced: inout [OrderNode]
  ) {
    var changes = changes
    KeySort(map: map).sort(&changes)
    var merge = OrderMerge(changes, map: map)
    tree = merge.apply(to: tree)
    replaced += merge.replaced
  }

  private func build(_ state: inout State) {
    buildCount.add(1, ordering: .relaxed)
    let start = writer.appliedEnd
    var units: [UInt64] = []
    units.reserveCapacity(index.count)
    index.forEachUnit { units.append($0) }
    let build = TreeBuild(of: units, in: map)
    state.failure = build.failure
    var tree = build.root
    var replaced: [OrderNode] = []
    let end = map.committedEnd.load(ordering: .acquiring)
    do throws(StoreError) {
      for stretch in map.stretches(from: start, to: end) ?? [] {
        merge(try map.changes(in: stretch), into: &tree, replacing: &replaced)
      }
    } catch {
      state.failure = state.failure ?? error
    }
    isIncomplete.store(state.failure != nil, ordering: .releasing)
    publish(tree, showing: end, replacing: replaced, &state)
  }

  private func publish(
    _ tree: OrderNode,
    showing end: UInt64,
    replacing nodes: [OrderNode],
    _ state: inout State
  ) {
    root.store(tree.address, ordering: .releasing)
    shown.store(end, ordering: .releasing)
    state.replaced += nodes
    guard state.replaced.count >= Self.retiredAtOnce else { return }
    let unreachable = state.replaced
    state.replaced = []
    nodeEpochs.retire { for node in unreachable { node.free() } }
  }

  /// Gives the tree up; the next scan builds another one.
  func discard() { state.withLock { discard(&$0) } }

  private func discard(_ state: inout State) {
    state.failure = nil
    isIncomplete.store(false, ordering: .releasing)
    guard let tree = published else { return }
    root.store(0, ordering: .releasing)
    let replaced = state.replaced
    state.replaced = []
    nodeEpochs.retire {
      Self.forEachNode(of: tree) { $0.free() }
      for node in replaced { node.free() }
    }
  }

  // MARK: Compaction

  /// Points the tree to copies of records, before the records go.
  ///
  /// To be called when the hash table points to the copies and the records are still there. Where there
  /// is no tree, this is all that it needs: a new one finds the copies in the hash table.
  ///
  /// - Parameters:
  ///   - count: of the moves.
  ///   - move: where a record stood and where its copy stands; in the order of the copies, which is that
  ///     of their positions.
  func relocate(_ count: Int, _ move: (Int) -> (old: UInt64, new: UInt64)) {
    guard hasTreeWorthKeeping() else { return }
    let needed = count * Self.bytesPerKey
    guard Memory.claim(needed) else { return discard() }
    defer { Memory.release(needed) }
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    var sources: [UInt64: UInt64] = [:]
    sources.reserveCapacity(count)
    var changes: [KeyedUnit] = []
    changes.reserveCapacity(count)
    for number in 0..<count {
      let (old, new) = move(number)
      sources[new] = old
      changes.append(KeyedUnit(new, .move))
    }
    KeySort(map: map).sort(&changes)
    // Whatever is still to be read of the sources' journal has to be read before they go.
    let isThere = state.withLock { (state) in
      guard let tree = published else { return false }
      if follow(tree, to: map.committedEnd.load(ordering: .acquiring), &state) { return true }
      discard(&state)
      return false
    }
    guard isThere else { return }
    for start in stride(from: 0, to: changes.count, by: Self.movesPerHold) {
      let share = Array(changes[start..<min(start + Self.movesPerHold, changes.count)])
      state.letOthersIn()
      state.withLock { (state) in
        // A new tree since has the copies.
        guard let tree = published else { return }
        var merge = OrderMerge(share, map: map) { sources[$0] }
        let moved = merge.apply(to: tree)
        publish(
          moved,
          showing: shown.load(ordering: .relaxed),
          replacing: merge.replaced,
          &state
        )
      }
    }
  }

  private func hasTreeWorthKeeping() -> Bool {
    state.withLock { (state) in
      guard published != nil else { return false }
      let isUsed = wasUsed.exchange(false, ordering: .relaxed)
      state.unusedRelocations = isUsed ? 0 : state.unusedRelocations + 1
      if state.unusedRelocations <= Self.patience { return true }
      discard(&state)
      return false
    }
  }

  // MARK: Nodes

  private static func forEachNode(of tree: OrderNode, _ body: (OrderNode) -> Void) {
    if tree.level > 0 {
      for index in 0..<tree.count { forEachNode(of: tree.child(index), body) }
    }
    body(tree)
  }
}
