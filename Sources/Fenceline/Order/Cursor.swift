// A place among the keys that a program moves as it likes.

internal import JournalFormat

/// A place among the entries of a store, as they were at one moment.
///
/// A cursor exists inside the closure of ``Store/withCursor(_:)``. It shows every transaction that was
/// committed before, and nothing that is written meanwhile. It stands on an entry, before the first one
/// or behind the last one; a new one stands nowhere, so that ``next()`` leads to the first entry and
/// ``previous()`` to the last one.
///
/// Every record is verified when the cursor comes to it. A move that comes to an entry which can't be read
/// throws; the cursor then shows nothing, and the next move goes on from there. Where something is lost
/// that may have had keys of any kind, the first move off an end throws; others give false.
public struct Cursor: ~Copyable {
  private let store: Store
  private let snapshot: OrderSnapshot
  private let space: KeySpace
  /// What has expired by then is not shown.
  private let moment: Moment
  private var place: OrderPlace
  private var isNowhere = true
  /// 1 where the place is on the first key behind the namespace, -1 where it is on the last one before.
  private var side = 0
  private var hasReportedLoss = false
  private var entry: Entry?

  /// A verified record.
  private struct Entry {
    let unit: UInt64
    let record: JournalRecord
  }

  init(
    _ store: Store,
    in snapshot: consuming OrderSnapshot,
    of space: KeySpace,
    at moment: Moment
  ) {
    self.store = store
    self.space = space
    self.moment = moment
    place = OrderPlace(in: snapshot.root, of: store.map)
    self.snapshot = snapshot
  }

  // MARK: Moving

  /// Goes to the smallest key.
  ///
  /// - Returns: whether there is one.
  /// - Throws: ``StoreError/closed``; ``StoreError/corrupt(file:offset:cause:)`` or
  ///   ``StoreError/mediaError(file:offset:)`` where the entry, or that there is none, can't be known.
  /// - Complexity: O(log n) for n keys, O(value) for the checksum, as of every move.
  @discardableResult
  public mutating func seekToFirst() throws(StoreError) -> Bool {
    moveToFirst()
    return try arrive(1)
  }

  /// Goes to the largest key.
  ///
  /// - Returns: whether there is one.
  /// - Throws: as ``seekToFirst()``.
  @discardableResult
  public mutating func seekToLast() throws(StoreError) -> Bool {
    moveToLast()
    return try arrive(-1)
  }

  private mutating func moveToFirst() {
    let start = KeyRange(in: space).start
    place.move(to: unsafe start.span.bytes)
  }

  private mutating func moveToLast() {
    guard let end = space.end else { return place.moveToLast() }
    place.move(to: unsafe end.span.bytes)
    place.moveBackwards()
  }

  private mutating func move(to key: RawSpan) {
    guard let stored = space.storedForm(of: key) else { return place.move(to: key) }
    place.move(to: unsafe stored.span.bytes)
  }

  /// Goes to the smallest key that is not less than `key`.
  ///
  /// - Returns: whether there is one; behind the last entry otherwise.
  /// - Throws: as ``seekToFirst()``.
  @discardableResult
  public mutating func seek(to key: RawSpan) throws(StoreError) -> Bool {
    move(to: key)
    return try arrive(1)
  }

  /// Goes to the largest key that is less than `key`.
  ///
  /// - Returns: whether there is one; before the first entry otherwise.
  /// - Throws: as ``seekToFirst()``.
  @discardableResult
  public mutating func seek(before key: RawSpan) throws(StoreError) -> Bool {
    move(to: key)
    place.moveBackwards()
    return try arrive(-1)
  }

  /// Goes to the next larger key.
  ///
  /// - Returns: whether there is one; behind the last entry otherwise.
  /// - Throws: as ``seekToFirst()``.
  /// - Complexity: O(1) on average, O(value) for the checksum.
  @discardableResult
  public mutating func next() throws(StoreError) -> Bool {
    if isNowhere { moveToFirst() } else if side <= 0 { place.moveForwards() }
    return try arrive(1)
  }

  /// Goes to the next smaller key.
  ///
  /// - Returns: whether there is one; before the first entry otherwise.
  /// - Throws: as ``seekToFirst()``.
  /// - Complexity: O(1) on average, O(value) for the checksum.
  @discardableResult
  public mutating func previous() throws(StoreError) -> Bool {
    if isNowhere { moveToLast() } else if side >= 0 { place.moveBackwards() }
    return try arrive(-1)
  }

  /// Takes note of the entry that a move came to, or of the next one in its direction that is part of the
  /// snapshot.
  private mutating func arrive(_ step: Int) throws(StoreError) -> Bool {
    isNowhere = false
    entry = nil
    side = 0
    try store.checkOpen()
    while let unit = place.unit {
      let stands = store.map.withUnverifiedKey(at: unit) { (stored) in
        (isOwn: space.headLength(of: stored) != nil, number: StoredKey.number(of: stored))
      }
      if !stands.isOwn, space != .standard {
        side = step
        break
      }
      if !stands.isOwn, stands.number != nil {
        place.leaveNamespaces(isAscending: step > 0)
        continue
      }
      let moment = moment
      let (record, isShown) = try store.map.withRecord(at: unit) {
        (record, bytes) throws(StoreError) in (record, moment.shows(record, bytes))
      }
      guard stands.isOwn, isShown, record.sequence <= snapshot.newestSequence else {
        if step > 0 { place.moveForwards() } else { place.moveBackwards() }
        continue
      }
      let refusal = store.damageError(
        keyCheck: record.keyCheck,
        sequence: record.sequence
      )
      if let refusal { throw refusal }
      entry = Entry(unit: unit, record: record)
      return true
    }
    try reportLoss()
    return false
  }

  private mutating func reportLoss() throws(StoreError) {
    guard !hasReportedLoss else { return }
    hasReportedLoss = true
    if let failure = snapshot.failure { throw failure }
    try store.checkCompleteness()
  }

  // MARK: The entry

  /// Whether the cursor stands on an entry that can be read.
  public var isOnEntry: Bool { entry != nil }

  /// Where the entry stands in the journal; nil where the cursor is on none.
  public var location: EntryLocation? {
    entry.map { store.map.location(of: $0.record, unit: $0.unit) }
  }

  /// Shows key and value in place.
  ///
  /// - Parameter body: gets the key and the value, which the compiler does not let leave it.
  /// - Returns: what `body` returns, or nil where the cursor is on no entry.
  /// - Complexity: O(1).
  public func withEntry<R>(_ body: (_ key: RawSpan, _ value: RawSpan) -> R) -> R? {
    guard let entry else { return nil }
    return unsafe store.map.withSegment(of: entry.unit) { (_, _, bytes) in
      let stored = bytes.extracting(entry.record.keyRange)
      let headLength = space.headLength(of: stored) ?? 0
      return body(
        stored.extracting(droppingFirst: headLength),
        bytes.extracting(entry.record.valueRange)
      )
    }
  }

  /// A copy of the key; nil where the cursor is on no entry.
  public var key: [UInt8]? { withEntry { (key, _) in Array(copying: key) } }

  /// A copy of the value; nil where the cursor is on no entry.
  public var value: [UInt8]? { withEntry { (_, value) in Array(copying: value) } }

  // MARK: Conveniences

  /// Goes to the smallest key that is not less than `key`; see ``seek(to:)-(RawSpan)``.
  @discardableResult
  public mutating func seek(to key: [UInt8]) throws(StoreError) -> Bool {
    try seek(to: unsafe key.span.bytes)
  }

  /// Goes to the largest key that is less than `key`; see ``seek(before:)-(RawSpan)``.
  @discardableResult
  public mutating func seek(before key: [UInt8]) throws(StoreError) -> Bool {
    try seek(before: unsafe key.span.bytes)
  }

  /// Goes to the smallest key that is not less than `key`; see ``seek(to:)-(RawSpan)``.
  @discardableResult
  public mutating func seek(to key: String) throws(StoreError) -> Bool {
    try seek(to: Array(key.utf8))
  }

  /// Goes to the largest key that is less than `key`; see ``seek(before:)-(RawSpan)``.
  @discardableResult
  public mutating func seek(before key: String) throws(StoreError) -> Bool {
    try seek(before: Array(key.utf8))
  }
}

extension Store {
  /// Runs `body` with a cursor over the store as it is now.
  ///
  /// ```swift
  /// try store.withCursor { (cursor) in
  ///   var isThere = try cursor.seek(to: "2026-")
  ///   while isThere {
  ///     cursor.withEntry { (key, value) in /* in place */ }
  ///     isThere = try cursor.next()
  ///   }
  /// }
  /// ```
  ///
  /// Writes and compactions go on meanwhile and are not seen. Memory that they would give back is given
  /// back behind `body`.
  ///
  /// - Parameter body: gets the cursor; may read from the store and write to it.
  /// - Returns: what `body` returns.
  /// - Throws: ``StoreError/closed``, or what `body` throws.
  /// - Complexity: as the start of a ``forEach(from:to:prefix:order:limit:_:)`` in order.
  public func withCursor<R>(_ body: (inout Cursor) throws -> R) throws -> R {
    try withCursor(over: nil, body)
  }

  /// The same over any namespace; nil: over the default one.
  func withCursor<R>(
    over namespace: Namespace?,
    _ body: (inout Cursor) throws -> R
  ) throws -> R {
    let space = namespace?.space ?? .standard
    if let snapshot = namespace?.snapshot { return try snapshot.withCursor(over: space, body) }
    try checkOpen()
    try catchUp()
    try follower?.takeOverImage()
    let tree = order.snapshot()
    try namespace?.check(in: tree)
    var cursor = Cursor(self, in: tree, of: space, at: clock.now)
    return try body(&cursor)
  }
}
