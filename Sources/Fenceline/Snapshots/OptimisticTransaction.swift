// Transactions that keep nobody waiting while they think: they read at a snapshot, buffer what they write,
// and take the write lock only to see whether what they read still holds, and to commit.
//
// Invariant: a transaction that commits has read, of every key, what the key has at the moment of its
// commit; so it is as if all of it had happened at that moment.

internal import JournalFormat
internal import PersistentMemory

/// The reads and writes of one transaction that others may come in the way of.
///
/// It exists only inside the closure of ``Store/optimisticTransaction(attempts:durability:_:)``.
public struct OptimisticTransaction: ~Copyable {
  private let snapshot: Snapshot
  private var batch = WriteBatch()
  /// Stored keys that were read, and whether they were there.
  private var reads: [[UInt8]: Bool] = [:]
  /// Those of which something was read or written.
  private var namespaces: [UInt32: Namespace] = [:]

  fileprivate init(of store: Store) throws(StoreError) { snapshot = try store.snapshot() }

  private var store: Store { snapshot.store }

  /// Gives `key` the value `value` when the transaction commits.
  ///
  /// Both are copied. A key that was not read may be written by others meanwhile.
  ///
  /// - Parameters:
  ///   - key: as of ``Store/put(_:_:durability:)-(RawSpan,_,_)``.
  ///   - value: as there.
  ///   - expiry: when the value ends, as of ``Store/put(_:_:expiry:durability:)-(RawSpan,_,_,_)``; nil: it
  ///     lasts.
  ///   - namespace: of the key; nil: the default one.
  /// - Throws: ``StoreError/keyTooLong(length:limit:)``, ``StoreError/valueTooLong(length:)``,
  ///   ``StoreError/noNamespace(_:)``.
  public mutating func put(
    _ key: RawSpan,
    _ value: RawSpan,
    expiry: Expiry? = nil,
    in namespace: Namespace? = nil
  ) throws(StoreError) {
    let space = try enter(namespace)
    try space.checkLengths(of: key, value: value.byteCount)
    try space.withStoredForm(of: key) { (key) throws(StoreError) in
      batch.add(.put, key: key, value: value, expiry: expiry, hash: store.hash(key))
    }
  }

  /// Takes note of a namespace that is used.
  ///
  /// One that is there now is so in the snapshot, or was created since and is empty there.
  private mutating func enter(_ namespace: Namespace?) throws(StoreError) -> KeySpace {
    guard let namespace else { return .standard }
    try namespace.checkWritable(in: store)
    namespaces[namespace.space.number] = namespace
    return namespace.space
  }

  /// Removes `key` when the transaction commits; counts as reading it.
  ///
  /// - Returns: whether it has a value, as the transaction sees it.
  /// - Throws: ``StoreError/keyTooLong(length:limit:)``, or what reading the key gives.
  @discardableResult
  public mutating func delete(
    _ key: RawSpan,
    in namespace: Namespace? = nil
  ) throws(StoreError) -> Bool {
    let space = try enter(namespace)
    try space.checkLengths(of: key, value: 0)
    return try space.withStoredForm(of: key) { (key) throws(StoreError) in
      let hash = store.hash(key)
      let buffered = batch.kind(of: key, hash: hash)
      let isStored = try read(key, hash) { _ in } != nil
      if isStored {
        batch.add(.delete, key: key, value: RawSpan(), hash: hash)
      } else {
        batch.removeOperation(on: key, hash: hash)
      }
      return buffered == nil ? isStored : buffered == .put
    }
  }

  /// Reads the value of `key`, the transaction's own writes included.
  ///
  /// - Throws: as ``Snapshot/withValue(forKey:_:)``.
  public mutating func withValue<R>(
    forKey key: RawSpan,
    in namespace: Namespace? = nil,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    try enter(namespace).withStoredForm(of: key) { (key) throws(StoreError) in
      let hash = store.hash(key)
      switch batch.kind(of: key, hash: hash) {
      case .put: return batch.withValue(of: key, hash: hash, at: store.clock.now, body)
      case .delete: return nil
      default: return try read(key, hash, body)
      }
    }
  }

  private mutating func read<R>(
    _ key: RawSpan,
    _ hash: UInt64,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    let result = try snapshot.withRecord(forKey: key, hash: hash) { (record, bytes, _) in
      body(bytes.extracting(record.valueRange))
    }
    reads[Array(copying: key)] = result != nil
    return result
  }

  // MARK: Conveniences

  /// Gives `key` the value `value` when the transaction commits.
  public mutating func put(
    _ key: [UInt8],
    _ value: [UInt8],
    expiry: Expiry? = nil,
    in namespace: Namespace? = nil
  ) throws(StoreError) {
    try put(unsafe key.span.bytes, unsafe value.span.bytes, expiry: expiry, in: namespace)
  }

  /// Gives `key` the value `value`, both as UTF-8, when the transaction commits.
  public mutating func put(
    _ key: String,
    _ value: String,
    expiry: Expiry? = nil,
    in namespace: Namespace? = nil
  ) throws(StoreError) {
    try put(Array(key.utf8), Array(value.utf8), expiry: expiry, in: namespace)
  }

  /// Removes `key` when the transaction commits; counts as reading it.
  @discardableResult
  public mutating func delete(
    _ key: [UInt8],
    in namespace: Namespace? = nil
  ) throws(StoreError) -> Bool {
    try delete(unsafe key.span.bytes, in: namespace)
  }

  /// Removes `key` when the transaction commits; counts as reading it.
  @discardableResult
  public mutating func delete(
    _ key: String,
    in namespace: Namespace? = nil
  ) throws(StoreError) -> Bool {
    try delete(Array(key.utf8), in: namespace)
  }

  /// A copy of the value of `key`, or nil.
  public mutating func get(
    _ key: [UInt8],
    in namespace: Namespace? = nil
  ) throws(StoreError) -> [UInt8]? {
    try withValue(forKey: unsafe key.span.bytes, in: namespace) { Array(copying: $0) }
  }

  /// A copy of the value of `key` as text, or nil.
  public mutating func get(
    _ key: String,
    in namespace: Namespace? = nil
  ) throws(StoreError) -> String? {
    let key = Array(key.utf8)
    return try withValue(forKey: unsafe key.span.bytes, in: namespace) { String(decoding: $0) }
  }

  // MARK: Committing

  /// Commits what was written, if what was read still holds.
  ///
  /// - Throws: ``StoreError/conflict(key:)``, and what a commit gives. Nothing was written then.
  fileprivate consuming func commit(_ durability: Durability) throws(StoreError) {
    // What was only read was so at the snapshot's moment.
    guard batch.finalCount > 0 || durability == .durable else { return }
    let (store, sequence, reads, namespaces) = (store, snapshot.sequence, reads, namespaces)
    let hasWrites = batch.finalCount > 0
    let transaction = Transaction(store: store, batch)
    try store.withWriter { (journal) throws(StoreError) in
      if hasWrites {
        for namespace in namespaces.values { try namespace.checkWritable(in: store) }
        for (key, wasThere) in reads {
          let isSame = try store.withRecord(forStoredKey: unsafe key.span.bytes) { (record, _) in
            wasThere && record.sequence <= sequence
          }
          guard isSame ?? !wasThere else {
            let isPlain = unsafe !StoredKey.isReserved(key.span.bytes)
            throw .conflict(key: isPlain ? key : Array(key.dropFirst(StoredKey.headLength)))
          }
        }
      }
      try transaction.commit(to: &journal, durability: durability)
    }
  }
}

extension Store {
  /// Runs `body` on a snapshot, and commits what it wrote if nobody has written meanwhile what it read.
  ///
  /// Others write while `body` runs, which may therefore take its time. Where they are in the way, it runs
  /// again on a new snapshot.
  ///
  /// - Parameters:
  ///   - attempts: how often to run `body` at most; with 1 every conflict is thrown.
  ///   - durability: when to return.
  ///   - body: gets the transaction; an error that it throws discards everything and is rethrown.
  /// - Returns: what `body` returned at its last run.
  /// - Throws: ``StoreError/conflict(key:)`` behind the last attempt; otherwise as
  ///   ``transaction(durability:_:)``.
  /// - Durability: as ``transaction(durability:_:)``.
  public func optimisticTransaction<R>(
    attempts: Int = 16,
    durability: Durability = .buffered,
    _ body: (inout OptimisticTransaction) throws -> R
  ) throws -> R {
    precondition(attempts > 0, "a transaction is tried once at least")
    for attempt in 1...attempts {
      var transaction = try OptimisticTransaction(of: self)
      let result = try body(&transaction)
      do throws(StoreError) {
        try transaction.commit(durability)
        return result
      } catch {
        switch error {
        case .conflict where attempt < attempts: continue
        // What was read may not hold any more: room for the caller's next try.
        case .full: _ = compactForRoom()
        default: break
        }
        throw error
      }
    }
    preconditionFailure("the last attempt returns or throws")
  }

  /// Gives `key` the value `new` if it has the value `expected`.
  ///
  /// - Parameters:
  ///   - key: up to ``maximumKeyLength`` bytes.
  ///   - expected: the value that the key must have; nil: it must have none.
  ///   - new: the value that it gets; nil: it is removed.
  ///   - durability: when to return.
  /// - Returns: whether the key had that value, and now has the new one.
  /// - Throws: as ``put(_:_:durability:)-(RawSpan,_,_)`` and ``withValue(forKey:_:)``.
  /// - Durability: as of a put where it succeeded; nothing is written, and nothing made durable, where not.
  /// - Complexity: as a get and a put.
  public func compareAndSwap(
    _ key: RawSpan,
    expected: RawSpan?,
    new: RawSpan?,
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    try compareAndSwap(key, expected, new, in: nil, durability)
  }

  /// The same in any namespace; nil: in the default one.
  func compareAndSwap(
    _ key: RawSpan,
    _ expected: RawSpan?,
    _ new: RawSpan?,
    in namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) -> Bool {
    do throws(StoreError) {
      return try swapIfEqual(key, expected, new, namespace, durability)
    } catch {
      guard case .full = error, compactForRoom() else { throw error }
      return try swapIfEqual(key, expected, new, namespace, durability)
    }
  }

  private func swapIfEqual(
    _ key: RawSpan,
    _ expected: RawSpan?,
    _ new: RawSpan?,
    _ namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) -> Bool {
    try withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      var transaction = Transaction(store: self)
      let isEqual = try transaction.withValue(forKey: key, in: namespace) { (value) in
        if let expected { return Bytes.areEqual(value, expected) }
        return false
      }
      guard isEqual ?? (expected == nil) else { return false }
      if let new {
        try transaction.put(key, new, in: namespace)
      } else {
        try transaction.delete(key, in: namespace)
      }
      try transaction.commit(to: &journal, durability: durability)
      return true
    }
  }

  /// Gives `key` the value `new` if it has the value `expected`; see
  /// ``compareAndSwap(_:expected:new:durability:)-(RawSpan,_,_,_)``.
  public func compareAndSwap(
    _ key: [UInt8],
    expected: [UInt8]?,
    new: [UInt8]?,
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    try compareAndSwap(
      unsafe key.span.bytes,
      expected: unsafe expected?.span.bytes,
      new: unsafe new?.span.bytes,
      durability: durability
    )
  }
}
