// A store as it was at one moment: a sequence, and a ticket that keeps everything readable which was so
// then. Writers keep for it what they supersede (SnapshotRegistry); beyond that it costs them nothing.
//
// Where the version of a key stands:
//   recent   transactions that were committed and perhaps not in the index yet when the snapshot began
//   index    its version, if that is old enough
//   else     what was kept when the index left it; nothing kept means that the key was not there

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization
internal import SystemPackage

/// A store as it was at the moment of ``Store/snapshot()``.
///
/// It can be read from any number of threads, while the store goes on. It ends when it is let go; memory, and
/// space that compactions would give back, is kept until then.
public final class Snapshot: Sendable {
  /// Sequence of the newest transaction that it shows.
  public let sequence: UInt64

  let store: Store
  /// What had expired by then is not shown.
  let present: Moment
  /// The newest transaction that is part of it.
  private let bound: UInt64
  private let isRegistered: Bool
  private let ticket: ReaderEpochs.Ticket
  private let recent: RecentRecords
  private let tree = ForkSafeMutex<SnapshotTree?>(nil)

  init(of store: Store) throws(StoreError) {
    self.store = store
    present = store.clock.now
    ticket = store.epochs.enterForAnyThread()
    // Damage that was found when the handle was opened leaves it at that moment.
    isRegistered = store.follower != nil || !store.isReadOnly
    guard isRegistered else {
      (sequence, bound) = (store.map.committedSequence.load(ordering: .acquiring), .max)
      recent = RecentRecords()
      return
    }
    guard let sequence = store.follower?.beginSnapshot() ?? store.snapshots.begin(store.map) else {
      store.epochs.leave(ticket)
      throw .system(operation: "membarrier", path: store.path, cause: .noFunction)
    }
    self.sequence = sequence
    bound = sequence
    do throws(StoreError) {
      recent = try RecentRecords(of: store, upTo: sequence)
    } catch {
      store.snapshots.end(sequence)
      store.epochs.leave(ticket)
      throw error
    }
  }

  deinit {
    tree.withLock { $0 = nil }
    if isRegistered { store.snapshots.end(sequence) }
    store.epochs.leave(ticket)
  }

  // MARK: One key

  /// Reads the value that `key` had, in place.
  ///
  /// - Parameters:
  ///   - key: any bytes.
  ///   - body: gets the value.
  /// - Returns: what `body` returns, or nil where there was no such key.
  /// - Throws: as ``Store/withValue(forKey:_:)``.
  /// - Complexity: as there, and one more look where the key was written since.
  public func withValue<R>(
    forKey key: RawSpan,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    try withRecord(forKey: key, in: .standard) { (record, bytes) in
      body(bytes.extracting(record.valueRange))
    }
  }

  /// Finds and verifies the version of a key of any namespace.
  func withRecord<R>(
    forKey key: RawSpan,
    in space: KeySpace,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    try store.checkOpen()
    return try space.withStoredForm(of: key) { (stored) throws(StoreError) in
      try withRecord(forKey: stored, hash: store.hash(stored)) { (record, bytes, _) in
        body(record, bytes)
      }
    }
  }

  /// Finds and verifies the version of a key, given as it is stored.
  func withRecord<R>(
    forKey key: RawSpan,
    hash: UInt64,
    _ body: (JournalRecord, RawSpan, UInt64) -> R
  ) throws(StoreError) -> R? {
    let map = store.map
    var search = VersionSearch(upTo: bound)
    if let unit = recent.unit(of: key, hash: hash, in: map) {
      _ = search.look(at: unit, of: key, in: map)
    } else if !store.index.search(hash, { search.look(at: $0, of: key, in: map) })
      || search.isNewer
    {
      _ = store.snapshots.versions.search(hash, at: bound) {
        search.look(at: $0, of: key, in: map)
      }
    }
    guard let unit = search.found else {
      if let failure = search.failure { throw failure }
      if let failure = store.damageError(keyCheck: Checksum.keyCheck(key), sequence: 0) {
        throw failure
      }
      return nil
    }
    return try map.withRecord(at: unit) { (record, bytes) throws(StoreError) in
      let keyCheck = record.keyCheck
      if let failure = store.damageError(keyCheck: keyCheck, sequence: record.sequence) {
        throw failure
      }
      return present.shows(record, bytes) ? body(record, bytes, unit) : nil
    }
  }

  // MARK: Many keys

  /// Reads the values that several keys had, in place.
  ///
  /// - Parameters:
  ///   - keys: any bytes; the same key may come twice.
  ///   - body: gets the number of each key in `keys`, in order, and its value, or nil where there was
  ///     none.
  /// - Throws: as ``withValue(forKey:_:)``, for the first key whose value can't be read.
  public func withValues(
    forKeys keys: [[UInt8]],
    _ body: (_ number: Int, _ value: RawSpan?) -> Void
  ) throws(StoreError) {
    for (number, key) in keys.enumerated() {
      let found: Void? = try withValue(forKey: unsafe key.span.bytes) { body(number, $0) }
      if found == nil { body(number, nil) }
    }
  }

  /// Visits the entries in a range of keys, as ``Store/forEach(from:to:prefix:order:limit:_:)`` does.
  ///
  /// Without order the keys come in ascending order.
  ///
  /// - Complexity: for the first visit O(m log m) for m keys that were written since the snapshot began,
  ///   beside what the store itself would take; the rest as there.
  public func forEach(
    from start: [UInt8] = [],
    to end: [UInt8]? = nil,
    prefix: [UInt8] = [],
    order: IterationOrder = .unordered,
    limit: Int = .max,
    _ body: (RawSpan, RawSpan, EntryLocation) -> IterationStep
  ) throws(StoreError) {
    let range = KeyRange(from: start, to: end, prefix: prefix, in: .standard)
    try forEach(in: range, order, limit, body)
  }

  /// The same of any namespace.
  func forEach(
    in range: KeyRange,
    _ order: IterationOrder,
    _ limit: Int,
    _ body: (RawSpan, RawSpan, EntryLocation) -> IterationStep
  ) throws(StoreError) {
    try forEachRecord(in: range, order, limit) { (key, record, bytes, unit) in
      body(
        key,
        bytes.extracting(record.valueRange),
        store.map.location(of: record, unit: unit)
      )
    }
  }

  /// The same, with the position of each record.
  @inline(__always)
  func forEachRecord(
    in range: KeyRange,
    _ order: IterationOrder,
    _ limit: Int,
    _ body: (RawSpan, JournalRecord, RawSpan, UInt64) -> IterationStep
  ) throws(StoreError) {
    try store.checkOpen()
    guard limit > 0 else { return }
    try store.forEach(
      in: range,
      of: try orderSnapshot(),
      at: present,
      limit,
      isAscending: order != .descending,
      body
    )
  }

  /// Runs `body` with a cursor over the snapshot, as ``Store/withCursor(_:)`` does.
  public func withCursor<R>(_ body: (inout Cursor) throws -> R) throws -> R {
    try withCursor(over: .standard, body)
  }

  /// The same over any namespace.
  func withCursor<R>(
    over space: KeySpace,
    _ body: (inout Cursor) throws -> R
  ) throws -> R {
    try store.checkOpen()
    var cursor = Cursor(store, in: try orderSnapshot(), of: space, at: present)
    return try body(&cursor)
  }

  /// The keys in order; valid as long as self.
  private func orderSnapshot() throws(StoreError) -> OrderSnapshot {
    try tree.withLock { (tree) throws(StoreError) in
      if tree == nil { tree = SnapshotTree(of: self) }
      guard let tree else { throw .closed }
      return OrderSnapshot(root: tree.root, failure: tree.failure, upTo: bound)
    }
  }

  /// Keys in the snapshot's default namespace.
  ///
  /// - Complexity: O(n): they are counted.
  public var count: Int {
    get throws(StoreError) { try count(in: .standard) }
  }

  /// The same of any namespace.
  func count(in space: KeySpace) throws(StoreError) -> Int {
    var count = 0
    try forEach(in: KeyRange(in: space), .ascending, .max) { (_, _, _) in
      count += 1
      return .next
    }
    return count
  }

  // MARK: Conveniences

  /// A copy of the value that `key` had, or nil.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try withValue(forKey: unsafe key.span.bytes) { Array(copying: $0) }
  }

  /// A copy of the value that `key` had, as text, or nil.
  public func get(_ key: String) throws(StoreError) -> String? {
    let key = Array(key.utf8)
    return try withValue(forKey: unsafe key.span.bytes) { String(decoding: $0) }
  }

  /// Whether `key` had a value.
  public func contains(_ key: [UInt8]) throws(StoreError) -> Bool {
    try withValue(forKey: unsafe key.span.bytes) { _ in true } ?? false
  }

  /// Whether `key` had a value.
  public func contains(_ key: String) throws(StoreError) -> Bool {
    try contains(Array(key.utf8))
  }
}

/// A look for the version of a key that is not newer than a sequence.
private struct VersionSearch {
  private let bound: UInt64
  private(set) var found: UInt64?
  /// The key has a newer version.
  private(set) var isNewer = false
  /// Why a record that may be the key's can't be read.
  private(set) var failure: StoreError?

  init(upTo bound: UInt64) { self.bound = bound }

  /// Looks at a record whose key may be the one.
  ///
  /// - Returns: whether it is.
  mutating func look(at unit: UInt64, of key: RawSpan, in map: SegmentMap) -> Bool {
    do throws(StoreError) {
      let bound = bound
      let sequence: UInt64? = try map.withRecord(at: unit) { (record, bytes) in
        Bytes.areEqual(bytes.extracting(record.keyRange), key) ? record.sequence : nil
      }
      guard let sequence else { return false }
      if sequence <= bound { found = unit } else { isNewer = true }
      return true
    } catch {
      failure = failure ?? error
      return false
    }
  }
}

extension Store {
  /// The store as it is now, to be read while it goes on.
  ///
  /// It shows every transaction that was committed before the call, durable or not, and none behind.
  ///
  /// - Throws: ``StoreError/closed``, or what reading the last transaction gives.
  /// - Complexity: O(1), and O(transaction) where another thread is just committing one. A handle that
  ///   only reads may at the first time have to read its index image first: O(keys).
  public func snapshot() throws(StoreError) -> Snapshot {
    try checkOpen()
    try catchUp()
    try follower?.takeOverImage()
    return try Snapshot(of: self)
  }
}
