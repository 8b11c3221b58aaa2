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
  private var changesCatalogue = false

  init(store: Store, _ batch: consuming WriteBatch = WriteBatch()) {
    self.store = store
    self.batch = batch
  }

  /// Makes room for what is known to come.
  package mutating func reserve(operationCount: Int) {
    batch.reserve(operationCount: operationCount)
  }

  /// Gives `key` the value `value` when the transaction commits.
  ///
  /// Both are copied.
  ///
  /// - Parameters:
  ///   - key: as of ``Store/put(_:_:durability:)-(RawSpan,_,_)``.
  ///   - value: as there.
  ///   - expiry: when the value ends, as of ``Store/put(_:_:expiry:durability:)-(RawSpan,_,_,_)``; nil: it
  ///     lasts.
  ///   - namespace: of the key; nil: the default one. One transaction may write to many.
  /// - Throws: ``StoreError/keyTooLong(length:limit:)``, ``StoreError/valueTooLong(length:)``,
  ///   ``StoreError/noNamespace(_:)``.
  public mutating func put(
    _ key: RawSpan,
    _ value: RawSpan,
    expiry: Expiry? = nil,
    in namespace: Namespace? = nil
  ) throws(StoreError) {
    guard namespace == nil, !StoredKey.isReserved(key) else {
      let stored = try storedForm(of: key, value: value.byteCount, in: namespace)
      return try putStored(unsafe stored.span.bytes, value, expiry)
    }
    try Store.checkLengths(key: key.byteCount, value: value.byteCount)
    try putStored(key, value, expiry)
  }

  /// How a key that has a head is stored.
  @inline(never)
  private func storedForm(
    of key: RawSpan,
    value: Int,
    in namespace: Namespace?
  ) throws(StoreError) -> [UInt8] {
    try namespace?.checkWritable(in: store)
    let space = namespace?.space ?? .standard
    try space.checkLengths(of: key, value: value)
    return space.storedForm(of: key) ?? Array(copying: key)
  }

  @inline(__always)
  private mutating func putStored(
    _ key: RawSpan,
    _ value: RawSpan,
    _ expiry: Expiry?
  ) throws(StoreError) {
    let hash = store.beginLookup(of: key)
    guard batch.makeRoom(for: key.byteCount + value.byteCount) else {
      throw .noMemory(for: store.path)
    }
    batch.add(.put, key: key, value: value, expiry: expiry, hash: hash)
  }

  /// Gives `key` of the default namespace the value `value` when the transaction commits, without copying
  /// what stays where it is until then.
  @inline(__always) @unsafe
  package mutating func put(borrowing key: RawSpan, _ value: RawSpan) throws(StoreError) {
    guard !StoredKey.isReserved(key) else { return try put(key, value) }
    try Store.checkLengths(key: key.byteCount, value: value.byteCount)
    let hash = store.beginLookup(of: key)
    unsafe batch.add(.put, borrowing: key, value, hash: hash)
  }

  /// Removes `key` when the transaction commits.
  ///
  /// - Returns: whether it has a value, as the transaction sees it.
  /// - Throws: ``StoreError/keyTooLong(length:limit:)``, or what reading the key gives.
  @discardableResult
  public mutating func delete(
    _ key: RawSpan,
    in namespace: Namespace? = nil
  ) throws(StoreError) -> Bool {
    guard namespace == nil, !StoredKey.isReserved(key) else {
      let stored = try storedForm(of: key, value: 0, in: namespace)
      return try deleteStored(unsafe stored.span.bytes)
    }
    try Store.checkLengths(key: key.byteCount, value: 0)
    return try deleteStored(key)
  }

  @inline(__always)
  private mutating func deleteStored(_ key: RawSpan) throws(StoreError) -> Bool {
    let hash = store.hash(key)
    let isStored = try store.withRecord(forStoredKey: key) { (_, _) in true } ?? false
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
    in namespace: Namespace? = nil,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    try namespace?.checkWritable(in: store)
    let space = namespace?.space ?? .standard
    return try space.withStoredForm(of: key) { (key) throws(StoreError) in
      let hash = store.hash(key)
      switch batch.kind(of: key, hash: hash) {
      case .put: return batch.withValue(of: key, hash: hash, at: store.clock.now, body)
      case .delete: return nil
      default:
        return try store.withRecord(forStoredKey: key) { (record, bytes) in
          body(bytes.extracting(record.valueRange))
        }
      }
    }
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

  /// Removes `key` when the transaction commits.
  ///
  /// - Returns: whether it has a value.
  @discardableResult
  public mutating func delete(
    _ key: [UInt8],
    in namespace: Namespace? = nil
  ) throws(StoreError) -> Bool {
    try delete(unsafe key.span.bytes, in: namespace)
  }

  /// Removes `key` when the transaction commits.
  ///
  /// - Returns: whether it has a value.
  @discardableResult
  public mutating func delete(
    _ key: String,
    in namespace: Namespace? = nil
  ) throws(StoreError) -> Bool {
    try delete(Array(key.utf8), in: namespace)
  }

  /// A copy of the value of `key`, or nil.
  public func get(
    _ key: [UInt8],
    in namespace: Namespace? = nil
  ) throws(StoreError) -> [UInt8]? {
    var copier = ValueCopier()
    let value = try withValue(forKey: unsafe key.span.bytes, in: namespace) { copier.bytes($0) }
    try copier.check(store.path)
    return value ?? nil
  }

  /// A copy of the value of `key` as text, or nil.
  public func get(
    _ key: String,
    in namespace: Namespace? = nil
  ) throws(StoreError) -> String? {
    let key = Array(key.utf8)
    var copier = ValueCopier()
    let value = try withValue(forKey: unsafe key.span.bytes, in: namespace) { copier.text($0) }
    try copier.check(store.path)
    return value ?? nil
  }

  // MARK: The catalogue

  /// Writes a record of the catalogue of namespaces.
  mutating func putInCatalogue(_ stored: [UInt8], _ value: [UInt8]) {
    changesCatalogue = true
    let key = unsafe stored.span.bytes
    batch.add(.put, key: key, value: unsafe value.span.bytes, hash: store.hash(key))
  }

  /// Removes a record of the catalogue, which is there.
  mutating func deleteFromCatalogue(_ stored: [UInt8]) {
    changesCatalogue = true
    let key = unsafe stored.span.bytes
    batch.add(.delete, key: key, value: RawSpan(), hash: store.hash(key))
  }

  // MARK: Committing

  /// Writes everything, then shows it to readers.
  func commit(
    to journal: inout JournalWriter,
    durability: Durability
  ) throws(StoreError) {
    try store.indexUpdate.commit(batch, to: &journal, durability: durability)
    if changesCatalogue { store.map.noteCatalogueChange() }
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
