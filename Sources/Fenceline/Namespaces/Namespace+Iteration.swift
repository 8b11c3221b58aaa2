// The entries of a namespace, one after the other.

internal import JournalFormat
internal import PersistentMemory

extension Namespace {
  /// Visits the entries in a range of keys; see ``Store/forEach(from:to:prefix:order:limit:_:)``.
  ///
  /// - Throws: as there; ``StoreError/noNamespace(_:)``, without order perhaps behind some entries of a
  ///   namespace that is dropped meanwhile.
  /// - Complexity: as there; in order only the namespace's own entries are looked at.
  public func forEach(
    from start: [UInt8] = [],
    to end: [UInt8]? = nil,
    prefix: [UInt8] = [],
    order: IterationOrder = .unordered,
    limit: Int = .max,
    _ body: (RawSpan, RawSpan, EntryLocation) -> IterationStep
  ) throws(StoreError) {
    let range = KeyRange(from: start, to: end, prefix: prefix, in: space)
    if let snapshot { return try snapshot.forEach(in: range, order, limit, body) }
    try store.forEach(in: range, of: self, order, limit) { (key, record, bytes, unit) in
      body(key, bytes.extracting(record.valueRange), store.map.location(of: record, unit: unit))
    }
  }

  /// Runs `body` with a cursor over the namespace; see ``Store/withCursor(_:)``.
  public func withCursor<R>(_ body: (inout Cursor) throws -> R) throws -> R {
    try store.withCursor(over: self, body)
  }

  /// Keys in the namespace.
  ///
  /// - Throws: as ``Store/count``.
  /// - Complexity: O(n): they are counted.
  public var count: Int {
    get throws(StoreError) {
      if let snapshot { return try snapshot.count(in: space) }
      return try store.countKeys(of: self)
    }
  }

  /// Visits the versions of `key` that the journal still holds, the newest first; see
  /// ``Store/forEachVersion(of:_:)``.
  ///
  /// - Throws: as there; ``StoreError/readOnly`` never.
  public func forEachVersion(
    of key: RawSpan,
    _ body: (KeyVersion, RawSpan?) -> IterationStep
  ) throws(StoreError) {
    try check()
    try space.withStoredForm(of: key) { (stored) throws(StoreError) in
      try store.forEachVersion(ofStoredKey: stored, body)
    }
  }
}

extension Store {
  /// Counts the keys of a namespace, or of the default one.
  func countKeys(of namespace: Namespace?) throws(StoreError) -> Int {
    try checkOpen()
    try checkCompleteness()
    try catchUp()
    try follower?.takeOverImage()
    let tree = order.snapshot()
    try namespace?.check(in: tree)
    if let failure = tree.failure { throw failure }
    let space = namespace?.space ?? .standard
    let range = KeyRange(in: space)
    var place = OrderPlace(in: tree.root, of: map)
    place.move(to: unsafe range.start.span.bytes)
    var count = 0
    while let unit = place.unit {
      // Most of the time it is the next one's turn; the default namespace goes round the others.
      let step = map.withUnverifiedKey(at: unit) { (stored) -> (counts: Bool, goesOn: Bool) in
        let isOwn = space.headLength(of: stored) != nil
        return (isOwn, isOwn || space == .standard && StoredKey.number(of: stored) == nil)
      }
      if step.counts { count += 1 }
      if step.goesOn {
        place.moveForwards()
      } else if space == .standard {
        place.leaveNamespaces(isAscending: true)
      } else {
        break
      }
    }
    return count
  }
}

extension Snapshot {
  /// A namespace that there was, to be read as it was.
  ///
  /// - Throws: ``StoreError/noNamespace(_:)``; as ``withValue(forKey:_:)``.
  public func namespace(_ name: String) throws(StoreError) -> Namespace {
    guard let number = try catalogue.number(of: name) else { throw .noNamespace(name) }
    return Namespace(name, number, of: store, in: self)
  }

  /// The names of the namespaces that there were, in the order of their bytes.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  public func namespaces() throws(StoreError) -> [String] {
    try catalogue.names().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  var catalogue: NamespaceCatalogue {
    NamespaceCatalogue { (stored) throws(StoreError) in
      try self.store.checkOpen()
      let key = unsafe stored.span.bytes
      return try self.withRecord(forKey: key, hash: self.store.hash(key)) { (record, bytes, _) in
        Array(copying: bytes.extracting(record.valueRange))
      }
    }
  }
}
