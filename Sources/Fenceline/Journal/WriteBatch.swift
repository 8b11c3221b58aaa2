// What a transaction wants to write, buffered until it commits. One arena for all bytes that do not stay
// with the caller; a key that is written twice goes to the journal once, with its last value.

internal import JournalFormat
internal import PersistentMemory

/// Buffered operations of one transaction.
@safe
struct WriteBatch: ~Copyable {
  // SAFETY: what is not in the arena stays where it is as long as the batch; see `add`.
  private struct Operation {
    let kind: RecordKind
    /// Key and value stay with the caller, and these are their addresses; otherwise they are places in the
    /// arena.
    let isBorrowed: Bool
    var isSuperseded = false
    let hash: UInt64
    let key: Int
    let value: Int
    let keyLength: Int
    let valueLength: Int
    let expiry: Expiry?
  }

  private var arena = BatchArena()
  private var operations: [Operation] = []
  /// Finds the newest operation on a key; empty while there are few operations.
  ///
  /// Holds one more than the operation's number, at a place that the key's hash gives or the next
  /// free one behind it; 0 is free.
  private var slots: [UInt32] = []

  /// Records that will be written.
  private(set) var finalCount = 0
  /// Something in it expires.
  private(set) var expires = false

  /// Whether a delete is all that there is.
  var onlyDeletes: Bool { operations.allSatisfy { $0.isSuperseded || $0.kind == .delete } }

  /// Up to here looking at every operation is quicker than a table.
  private static let fewOperations = 8

  /// Makes room for so many operations.
  mutating func reserve(operationCount: Int) {
    operations.reserveCapacity(operationCount)
    if operationCount > Self.fewOperations { makeTable(for: operationCount) }
  }

  /// Makes room for a key and its value; false where there is no memory for them.
  @inline(__always)
  mutating func makeRoom(for byteCount: Int) -> Bool { arena.makeRoom(for: byteCount) }

  /// Buffers copies of key and value; an operation before it on the same key is superseded.
  @inline(__always)
  mutating func add(
    _ kind: RecordKind,
    key: RawSpan,
    value: RawSpan,
    expiry: Expiry? = nil,
    hash: UInt64
  ) {
    removeOperation(on: key, hash: hash)
    add(
      Operation(
        kind: kind,
        isBorrowed: false,
        hash: hash,
        key: arena.append(key),
        value: arena.append(value),
        keyLength: key.byteCount,
        valueLength: value.byteCount,
        expiry: expiry
      )
    )
  }

  /// The same for bytes that stay where they are for as long as the batch is used: nothing is copied.
  @inline(__always) @unsafe
  mutating func add(_ kind: RecordKind, borrowing key: RawSpan, _ value: RawSpan, hash: UInt64) {
    removeOperation(on: key, hash: hash)
    unsafe add(
      Operation(
        kind: kind,
        isBorrowed: true,
        hash: hash,
        key: key.withUnsafeBytes { Int(bitPattern: $0.baseAddress) },
        value: value.withUnsafeBytes { Int(bitPattern: $0.baseAddress) },
        keyLength: key.byteCount,
        valueLength: value.byteCount,
        expiry: nil
      )
    )
  }

  private mutating func add(_ operation: Operation) {
    operations.append(operation)
    finalCount += 1
    if operation.expiry != nil { expires = true }
    if operations.count * 2 <= slots.count {
      enter(operations.count - 1)
    } else if operations.count > Self.fewOperations {
      makeTable(for: operations.count * 2)
    }
  }

  /// Forgets the operation on a key, as if it had never been buffered.
  @inline(__always)
  mutating func removeOperation(on key: RawSpan, hash: UInt64) {
    guard let index = index(of: key, hash: hash) else { return }
    operations[index].isSuperseded = true
    finalCount -= 1
  }

  /// What the batch says of a key: nil where nothing, otherwise its kind.
  func kind(of key: RawSpan, hash: UInt64) -> RecordKind? {
    index(of: key, hash: hash).map { operations[$0].kind }
  }

  /// Hands out the buffered value of a key that was put, unless it has ended.
  func withValue<R>(
    of key: RawSpan,
    hash: UInt64,
    at now: @autoclosure () -> Moment,
    _ body: (RawSpan) -> R
  ) -> R? {
    guard let index = index(of: key, hash: hash), operations[index].kind == .put else {
      return nil
    }
    if let expiry = operations[index].expiry, now().hasReached(expiry) { return nil }
    let operation = operations[index]
    return body(unsafe bytes(operation, operation.value, operation.valueLength).bytes)
  }

  /// Bytes in the journal, given the length of one record that does not expire.
  func journalLength(_ length: (Int, Int) -> Int) -> Int {
    operations.reduce(0) {
      if $1.isSuperseded { return $0 }
      // One that may fill 8 bytes more, with zeros behind it.
      return $0 + length($1.keyLength, $1.valueLength) + ($1.expiry == nil ? 0 : 8)
    }
  }

  /// Visits the operations that count, in order.
  func forEachFinal<E: Error>(
    _ body: (UInt64, RecordKind, RawSpan, RawSpan, Expiry?) throws(E) -> Void
  ) throws(E) {
    for index in operations.indices where !operations[index].isSuperseded {
      let operation = operations[index]
      try body(
        operation.hash,
        operation.kind,
        unsafe bytes(operation, operation.key, operation.keyLength).bytes,
        unsafe bytes(operation, operation.value, operation.valueLength).bytes,
        operation.expiry
      )
    }
  }

  /// Bytes of an operation's key or value; valid until the next change.
  @inline(__always) @unsafe
  private func bytes(
    _ operation: Operation,
    _ place: Int,
    _ length: Int
  ) -> UnsafeRawBufferPointer {
    if operation.isBorrowed {
      return unsafe UnsafeRawBufferPointer(
        start: UnsafeRawPointer(bitPattern: place),
        count: length
      )
    }
    precondition(place + length <= arena.count, "a place in the arena")
    return unsafe UnsafeRawBufferPointer(start: arena.address(of: place), count: length)
  }

  private func index(of key: RawSpan, hash: UInt64) -> Int? {
    if slots.isEmpty { return operations.lastIndex { matches($0, key, hash) } }
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let candidate = Int(slots[slot]) - 1
      if matches(operations[candidate], key, hash) { return candidate }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Enters every operation that counts into a table that so many fill to a half.
  private mutating func makeTable(for operationCount: Int) {
    var size = 32
    while size < operationCount * 2 { size *= 2 }
    slots = Array(repeating: 0, count: size)
    for index in operations.indices { enter(index) }
  }

  /// Enters an operation.
  ///
  /// One that it supersedes keeps its place, so no search ends too early.
  private mutating func enter(_ index: Int) {
    var slot = Int(truncatingIfNeeded: operations[index].hash) & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = UInt32(truncatingIfNeeded: index + 1)
  }

  /// Whether an operation that counts is one on `key`.
  @inline(__always)
  private func matches(_ operation: Operation, _ key: RawSpan, _ hash: UInt64) -> Bool {
    guard operation.hash == hash, !operation.isSuperseded else { return false }
    return Bytes.areEqual(
      unsafe bytes(operation, operation.key, operation.keyLength).bytes,
      key
    )
  }
}
