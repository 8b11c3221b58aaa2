// A tree that someone reads.

/// A state of the store's keys that stays as it is.
struct OrderSnapshot: ~Copyable {
  let root: OrderNode
  /// Why a key is missing.
  let failure: StoreError?
  /// Records of later transactions are not part of it, although the tree has them.
  let newestSequence: UInt64
  private let tickets: Tickets?

  /// What keeps the nodes of a tree, and the records that it points to.
  struct Tickets {
    fileprivate let tree: OrderedIndex
    fileprivate let records: ReaderEpochs.Ticket
    fileprivate let nodes: ReaderEpochs.Ticket
  }

  init(
    root: OrderNode,
    of tree: OrderedIndex,
    failure: StoreError?,
    records: ReaderEpochs.Ticket,
    nodes: ReaderEpochs.Ticket
  ) {
    self.root = root
    self.failure = failure
    newestSequence = .max
    tickets = Tickets(tree: tree, records: records, nodes: nodes)
  }

  /// A tree that its user keeps.
  init(root: OrderNode, failure: StoreError?, upTo sequence: UInt64) {
    self.root = root
    self.failure = failure
    newestSequence = sequence
    tickets = nil
  }

  deinit {
    guard let tickets else { return }
    tickets.tree.leave(records: tickets.records, nodes: tickets.nodes)
  }
}

extension Store {
  /// Bytes of memory that the ordered tree takes; 0 where there is none.
  package var orderByteCount: Int { order.byteCount }
}
