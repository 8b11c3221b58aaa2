// A tree that someone reads.

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

extension Store {
  /// Bytes of memory that the ordered tree takes; 0 where there is none.
  package var orderByteCount: Int { order.byteCount }
}
