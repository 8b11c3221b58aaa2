// Several writes that happen together or not at all. Buffered until the closure returns; then one
// append, one publication per key.
//
// Invariant: while a transaction's closure runs, its thread holds the write lock, so what it reads
// cannot change before it commits.

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// The writes of one transaction, and reads that see them.
///
/// A transaction exists only inside the closure of ``Store/transaction(durability:_:)``.
public struct Transaction: ~Copyable {
  private let store: Store
  private var batch: WriteBatch

  init(store: Store, _ batch: consuming WriteBatch = WriteBatch()) {
    self.store = store
    self.batch = batch
  }

  /// Makes room for what is known to come.
  package mutating func reserve(operationCount: Int, byteCount: Int) {
    batch.reserve(operationCount: operationCount, byteCount: byteCount)
  }

  /// Gives `key` the value `value` when the transaction commits.
  ///
  /// Both are copied.
  ///
  /// - Throws: ``StoreError/keyTooLong(length:)``, ``StoreError/valueTooLong(length:)``.
  public mutating func put(_ key: RawSpan, _ value: RawSpan) throws(StoreError) {
    try add(key, value, expiry: nil)
  }

  /// Gives `key` the value `value` until `expiry` when the transaction commits.
  ///
  /// Both are copied. See ``Store/put(_:_:expiry:durability:)-(RawSpan,_,_,_)``.
  ///
  /// - Throws: ``StoreError/keyTooLong(length:)``, ``StoreError/valueTooLong(length:)``.
  public mutating func put(
    _ key: RawSpan,
    _ value: RawSpan,
    expiry: Expiry
  ) throws(StoreError) {
    try add(key, value, expiry: expiry)
  }

  private mutating func add(
    _ key: RawSpan,
    _ value: RawSpan,
    expiry: Expiry?
  ) throws(StoreError) {
    try Store.checkLengths(key: key.byteCount, value: value.byteCount)
    let hash = store.hash(key)
    store.index.prefetch(hash)
    guard batch.makeRoom(for: key.byteCount + value.byteCount) else {
      throw .noMemory(for: store.path)
    }
    batch.add(.put, key: key, value: value, expiry: expiry, hash: hash)
  }

  /// Removes `key` when the transaction commits.
  ///
  /// - Returns: whether it has a value, as the transaction sees it.
  /// - Throws: ``StoreError/keyTooLong(length:)``, or what reading the key gives.
  @discardableResult
  public mutating func delete(_ key: RawSpan) throws(StoreError) -> Bool {
    try Store.checkLengths(key: key.byteCount, value: 0)
    let hash = store.hash(key)
    let isStored = try store.contains(key)
    let buffered = batch.kind(of: key, hash: hash)
    if isStored {
      batch.add(.delete, key: key, value: RawSpan(), hash: hash)
    } else {
      batch.removeOperation(on: key, hash: hash)
    }
    return buffered == nil ? isStored : buffered == .put
  }

  /// Reads the value of `key`, the transaction's own writes included.
  ///
  /// - Throws: as ``Store/withValue(forKey:_:)``.
  public func withValue<R>(
    forKey key: RawSpan,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    let hash = store.hash(key)
    switch batch.kind(of: key, hash: hash) {
    case .put:
      if let expiry = batch.expiry(of: key, hash: hash), store.clock.now.hasReached(expiry) {
        return nil
      }
      return batch.withValue(of: key, hash: hash, body)
    case .delete: return nil
    default: return try store.withValue(forKey: key, body)
    }
  }

  // MARK: Conveniences

  /// Gives `key` the value `value` when the transaction commits.
  public mutating func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
    try put(unsafe key.span.bytes, unsafe value.span.bytes)
  }

  /// Gives `key` the value `value`, both as UTF-8, when the transaction commits.
  public mutating func put(_ key: String, _ value: String) throws(StoreError) {
    try put(Array(key.utf8), Array(value.utf8))
  }

  /// Gives `key` the value `value` until `expiry` when the transaction commits.
  public mutating func put(
    _ key: [UInt8],
    _ value: [UInt8],
    expiry: Expiry
  ) throws(StoreError) {
    try put(unsafe key.span.bytes, unsafe value.span.bytes, expiry: expiry)
  }

  /// Gives `key` the value `value`, both as UTF-8, until `expiry` when the transaction commits.
  public mutating func put(
    _ key: String,
    _ value: String,
    expiry: Expiry
  ) throws(StoreError) {
    try put(Array(key.utf8), Array(value.utf8), expiry: expiry)
  }

  /// Removes `key` when the transaction commits.
  ///
  /// - Returns: whether it has a value.
  @discardableResult
  public mutating func delete(_ key: [UInt8]) throws(StoreError) -> Bool {
    try delete(unsafe key.span.bytes)
  }

  /// Removes `key` when the transaction commits.
  ///
  /// - Returns: whether it has a value.
  @discardableResult
  public mutating func delete(_ key: String) throws(StoreError) -> Bool {
    try delete(Array(key.utf8))
  }

  /// A copy of the value of `key`, or nil.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    var copier = ValueCopier()
    let value = try withValue(forKey: unsafe key.span.bytes) { copier.bytes($0) }
    try copier.check(store.path)
    return value ?? nil
  }

  /// A copy of the value of `key` as text, or nil.
  public func get(_ key: String) throws(StoreError) -> String? {
    let key = Array(key.utf8)
    var copier = ValueCopier()
    let value = try withValue(forKey: unsafe key.span.bytes) { copier.text($0) }
    try copier.check(store.path)
    return value ?? nil
  }

  // MARK: Committing

  /// Writes everything, then shows it to readers.
  func commit(
    to journal: inout JournalWriter,
    durability: Durability
  ) throws(StoreError) {
    try IndexUpdate(
      map: store.map,
      index: store.index,
      epochs: store.epochs,
      snapshots: store.snapshots,
      path: store.path
    ).commit(batch, to: &journal, durability: durability)
  }
}

extension Store {
  /// Runs `body` and commits what it wrote, all or nothing.
  ///
  /// Other writers wait until it returns. Writing to the store itself inside `body` gives
  /// ``StoreError/nestedWrite``; reading from it shows the state before the transaction.
  ///
  /// - Parameters:
  ///   - durability: when to return.
  ///   - body: gets the transaction; an error that it throws discards everything and is rethrown.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws, or a ``StoreError`` as ``put(_:_:durability:)-(RawSpan,_,_)``
  ///   does. Behind ``StoreError/full(_:)`` a second try may find room that a compaction made.
  /// - Durability: `.durable`: durable on return, one fence for the whole transaction.
  public func transaction<R>(
    durability: Durability = .buffered,
    _ body: (inout Transaction) throws -> R
  ) throws -> R {
    let result: Result<R, any Error>
    do throws(StoreError) {
      result = try withWriter { (journal) throws(StoreError) in
        try journal.checkUsable()
        var transaction = Transaction(store: self)
        let value: R
        do { value = try body(&transaction) } catch { return .failure(error) }
        // The body may have forked, and this may be the child.
        try checkOpen()
        try transaction.commit(to: &journal, durability: durability)
        return .success(value)
      }
    } catch {
      // What the body read may not hold any more, and it may not be run twice: room for the next try.
      if case .full = error { _ = compactForRoom() }
      throw error
    }
    return try result.get()
  }
}
