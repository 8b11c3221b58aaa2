// What a transaction wants to write, buffered until it commits. One arena for all bytes; a key that
// is written twice goes to the journal once, with its last value.

internal import JournalFormat
internal import PersistentMemory

/// Buffered operations of one transaction.
struct WriteBatch: ~Copyable {
  private struct Operation {
    let kind: RecordKind
    let hash: UInt64
    let start: Int
    let keyLength: Int
    let valueLength: Int
    let expiry: Expiry?
    var isSuperseded = false

    var keyRange: Range<Int> { start..<start + keyLength }
    var valueRange: Range<Int> { start + keyLength..<start + keyLength + valueLength }
  }

  private var arena: [UInt8] = []
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

  /// Bytes to ask for in advance: more may be announced than there is memory for.
  private static let largestReservation = 64 << 20

  /// Makes room for so many operations, with so many bytes of keys and values.
  mutating func reserve(operationCount: Int, byteCount: Int) {
    operations.reserveCapacity(operationCount)
    let length = min(byteCount, Self.largestReservation)
    // Where there is none the puts will say so, if they come.
    if Memory.isThere(length) { arena.reserveCapacity(length) }
    if operationCount > Self.fewOperations { makeTable(for: operationCount) }
  }

  /// Makes room for a key and its value; false where there is no memory for them.
  @inline(__always)
  mutating func makeRoom(for byteCount: Int) -> Bool {
    arena.capacity - arena.count >= byteCount || growArena(by: byteCount)
  }

  @inline(never)
  private mutating func growArena(by byteCount: Int) -> Bool {
    // As arrays grow by themselves.
    let length = max(2 * arena.capacity, arena.count + byteCount)
    guard Memory.isThere(length) else { return false }
    arena.reserveCapacity(length)
    return true
  }

  /// Buffers an operation; one before it on the same key is superseded.
  mutating func add(
    _ kind: RecordKind,
    key: RawSpan,
    value: RawSpan,
    expiry: Expiry? = nil,
    hash: UInt64
  ) {
    let previous = index(of: key, hash: hash)
    if let previous {
      operations[previous].isSuperseded = true
      finalCount -= 1
    }
    let start = arena.count
    // SAFETY: the buffers are read during the calls only.
    unsafe key.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
    unsafe value.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
    operations.append(
      Operation(
        kind: kind,
        hash: hash,
        start: start,
        keyLength: key.byteCount,
        valueLength: value.byteCount,
        expiry: expiry
      )
    )
    finalCount += 1
    if expiry != nil { expires = true }
    if operations.count * 2 <= slots.count {
      enter(operations.count - 1)
    } else if operations.count > Self.fewOperations {
      makeTable(for: operations.count * 2)
    }
  }

  /// Forgets the operation on a key, as if it had never been buffered.
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
    return body(unsafe arena.span.bytes.extracting(operations[index].valueRange))
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
    for operation in operations where !operation.isSuperseded {
      let bytes = unsafe arena.span.bytes
      try body(
        operation.hash,
        operation.kind,
        bytes.extracting(operation.keyRange),
        bytes.extracting(operation.valueRange),
        operation.expiry
      )
    }
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
    let bytes = unsafe arena.span.bytes
    return Bytes.areEqual(bytes.extracting(operation.keyRange), key)
  }
}
