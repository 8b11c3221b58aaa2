// A namespace that a program works with: the store's own calls, for the keys behind one head.
//
// Who holds one does not keep it from being dropped. Writes ask under the write lock, so nothing can be
// written behind the drop. Reads ask before they look, and once more where they find nothing: what is
// deleted behind a drop is never taken for missing. To ask is to compare a number that every change of the
// catalogue raises; the catalogue itself is asked only where that differs.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Keys of their own in a store; see ``Store/createNamespace(_:durability:)``.
///
/// May be used from any number of threads. One that was dropped gives ``StoreError/noNamespace(_:)`` from
/// then on.
public final class Namespace: Sendable {
  /// Bytes of the longest key in a namespace.
  public static let maximumKeyLength = KeySpace.longestBehindHead

  /// Its name.
  public let name: String
  /// The store that it is part of.
  public let store: Store
  /// What it is seen in, where that is not the store as it is now.
  let snapshot: Snapshot?
  let space: KeySpace
  /// One more than the state of the catalogue in which it was found last; 0 for none.
  private let checkedVersion = Atomic<UInt64>(0)

  init(_ name: String, _ number: UInt32, of store: Store, in snapshot: Snapshot? = nil) {
    self.name = name
    self.store = store
    self.snapshot = snapshot
    space = KeySpace(number: number)
  }

  // MARK: Being there

  /// Refuses a namespace that was dropped.
  ///
  /// What was committed when the call began is taken into account.
  func check() throws(StoreError) {
    guard snapshot == nil else { return }
    try store.checkOpen()
    try store.catchUp()
    let version = store.map.catalogueVersion.load(ordering: .acquiring)
    guard checkedVersion.load(ordering: .relaxed) != version + 1 else { return }
    guard try store.catalogue.name(of: space.number) == name else { throw .noNamespace(name) }
    checkedVersion.store(version + 1, ordering: .relaxed)
  }

  /// Refuses one that can't be written to, under the write lock.
  @inline(never)
  func checkWritable(in store: Store) throws(StoreError) {
    precondition(store === self.store, "a namespace is written to through its own store")
    guard snapshot == nil else { throw .readOnly }
    if Mutant.namespaceUncheckedUnderLock.isActive { return }
    try check()
  }

  /// Refuses one that is not part of a tree.
  func check(in tree: borrowing OrderSnapshot) throws(StoreError) {
    guard snapshot == nil else { return }
    let key = NamespaceCatalogue.key(ofNumber: space.number)
    var place = OrderPlace(in: tree.root, of: store.map, limit: 1)
    place.move(to: unsafe key.span.bytes)
    if let unit = place.unit {
      let isThere = try store.map.withRecord(at: unit) { (record, bytes) in
        unsafe Bytes.areEqual(bytes.extracting(record.keyRange), key.span.bytes)
          && String(decoding: bytes.extracting(record.valueRange)) == name
      }
      if isThere { return }
    }
    if let failure = tree.failure { throw failure }
    throw .noNamespace(name)
  }

  // MARK: Reading

  /// Reads the value of `key` in place; see ``Store/withValue(forKey:_:)``.
  public func withValue<R>(
    forKey key: RawSpan,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    guard let snapshot else {
      return try store.withRecord(forKey: key, in: self) { (record, bytes) in
        body(bytes.extracting(record.valueRange))
      }
    }
    return try snapshot.withRecord(forKey: key, in: space) { (record, bytes) in
      body(bytes.extracting(record.valueRange))
    }
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

  /// Whether `key` has a value.
  public func contains(_ key: RawSpan) throws(StoreError) -> Bool {
    try withValue(forKey: key) { _ in true } ?? false
  }

  /// Whether `key` has a value.
  public func contains(_ key: [UInt8]) throws(StoreError) -> Bool {
    try contains(unsafe key.span.bytes)
  }

  /// Whether `key` has a value.
  public func contains(_ key: String) throws(StoreError) -> Bool {
    try contains(Array(key.utf8))
  }

  /// Reads the values of several keys in place; see ``Store/withValues(forKeys:_:)``.
  public func withValues(
    forKeys keys: [[UInt8]],
    _ body: (_ number: Int, _ value: RawSpan?) -> Void
  ) throws(StoreError) {
    for (number, key) in keys.enumerated() {
      let found: Void? = try withValue(forKey: unsafe key.span.bytes) { body(number, $0) }
      if found == nil { body(number, nil) }
    }
  }

  /// Copies of the values of several keys, nil where there is none, in the order of the keys.
  public func get(_ keys: [[UInt8]]) throws(StoreError) -> [[UInt8]?] {
    var values: [[UInt8]?] = []
    for key in keys { values.append(try get(key)) }
    return values
  }

  /// When the value of `key` ends; nil where it lasts, or is not there.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  public func expiry(of key: RawSpan) throws(StoreError) -> Expiry? {
    guard let snapshot else {
      return try store.withRecord(forKey: key, in: self) { (record, bytes) in
        record.expiry(in: bytes)
      } ?? nil
    }
    return try snapshot.withRecord(forKey: key, in: space) { (record, bytes) in
      record.expiry(in: bytes)
    } ?? nil
  }

  /// When the value of `key` ends; nil where it lasts, or is not there.
  public func expiry(of key: [UInt8]) throws(StoreError) -> Expiry? {
    try expiry(of: unsafe key.span.bytes)
  }

  /// When the value of `key` ends; nil where it lasts, or is not there.
  public func expiry(of key: String) throws(StoreError) -> Expiry? {
    try expiry(of: Array(key.utf8))
  }

  // MARK: Writing

  /// Gives `key` the value `value`, for good or until `expiry`; see
  /// ``Store/put(_:_:durability:)-(RawSpan,_,_)`` and ``Store/put(_:_:expiry:durability:)-(RawSpan,_,_,_)``.
  ///
  /// - Throws: as there, and ``StoreError/noNamespace(_:)``. A key has at most ``maximumKeyLength`` bytes.
  @discardableResult
  public func put(
    _ key: RawSpan,
    _ value: RawSpan,
    expiry: Expiry? = nil,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    guard let expiry else { return try store.put(key, value, in: self, durability) }
    return try store.put(key, value, expiry, in: self, durability)
  }

  /// Gives `key` the value `value`.
  @discardableResult
  public func put(
    _ key: [UInt8],
    _ value: [UInt8],
    expiry: Expiry? = nil,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    try put(
      unsafe key.span.bytes,
      unsafe value.span.bytes,
      expiry: expiry,
      durability: durability
    )
  }

  /// Gives `key` the value `value`, both as UTF-8.
  @discardableResult
  public func put(
    _ key: String,
    _ value: String,
    expiry: Expiry? = nil,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    try put(Array(key.utf8), Array(value.utf8), expiry: expiry, durability: durability)
  }

  /// Removes `key`; see ``Store/delete(_:durability:)-(RawSpan,_)``.
  ///
  /// - Returns: whether it had a value.
  @discardableResult
  public func delete(
    _ key: RawSpan,
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    try store.delete(key, in: self, durability)
  }

  /// Removes `key`.
  ///
  /// - Returns: whether it had a value.
  @discardableResult
  public func delete(
    _ key: [UInt8],
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    try delete(unsafe key.span.bytes, durability: durability)
  }

  /// Removes `key`.
  ///
  /// - Returns: whether it had a value.
  @discardableResult
  public func delete(
    _ key: String,
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    try delete(Array(key.utf8), durability: durability)
  }

  /// Gives `key` the value `new` if it has the value `expected`; see
  /// ``Store/compareAndSwap(_:expected:new:durability:)-(RawSpan,_,_,_)``.
  public func compareAndSwap(
    _ key: RawSpan,
    expected: RawSpan?,
    new: RawSpan?,
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    try store.compareAndSwap(key, expected, new, in: self, durability)
  }

  /// Gives `key` the value `new` if it has the value `expected`.
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
