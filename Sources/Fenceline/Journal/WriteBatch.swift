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
    var isSuperseded = false

    var keyRange: Range<Int> { start..<start + keyLength }
    var valueRange: Range<Int> { start + keyLength..<start + keyLength + valueLength }
  }

  private var arena: [UInt8] = []
  private var operations: [Operation] = []
  /// The newest operation of each hash; collisions are found by comparing keys, older ones by scan.
  private var newest: [UInt64: Int] = [:]

  /// Records that will be written.
  private(set) var finalCount = 0

  /// Whether a delete is all that there is.
  var onlyDeletes: Bool { operations.allSatisfy { $0.isSuperseded || $0.kind == .delete } }

  /// Buffers an operation; one before it on the same key is superseded.
  mutating func add(_ kind: RecordKind, key: RawSpan, value: RawSpan, hash: UInt64) {
    let previous = index(of: key, hash: hash)
    if let previous {
      operations[previous].isSuperseded = true
      finalCount -= 1
    }
    let start = arena.count
    // SAFETY: the buffers are read during the calls only.
    unsafe key.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
    unsafe value.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
    newest[hash] = operations.count
    operations.append(
      Operation(
        kind: kind,
        hash: hash,
        start: start,
        keyLength: key.byteCount,
        valueLength: value.byteCount
      )
    )
    finalCount += 1
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

  /// Hands out the buffered value of a key that was put.
  func withValue<R>(of key: RawSpan, hash: UInt64, _ body: (RawSpan) -> R) -> R? {
    guard let index = index(of: key, hash: hash), operations[index].kind == .put else {
      return nil
    }
    return body(unsafe arena.span.bytes.extracting(operations[index].valueRange))
  }

  /// Bytes in the journal, given the length of one record.
  func journalLength(_ length: (Int, Int) -> Int) -> Int {
    operations.reduce(0) { $0 + ($1.isSuperseded ? 0 : length($1.keyLength, $1.valueLength)) }
  }

  /// Visits the operations that count, in order.
  func forEachFinal<E: Error>(
    _ body: (UInt64, RecordKind, RawSpan, RawSpan) throws(E) -> Void
  ) throws(E) {
    for operation in operations where !operation.isSuperseded {
      let bytes = unsafe arena.span.bytes
      try body(
        operation.hash,
        operation.kind,
        bytes.extracting(operation.keyRange),
        bytes.extracting(operation.valueRange)
      )
    }
  }

  private func index(of key: RawSpan, hash: UInt64) -> Int? {
    guard let candidate = newest[hash] else { return nil }
    if matches(operations[candidate], key) { return candidate }
    // Two keys of one hash in one transaction: look at every operation.
    return operations.lastIndex { $0.hash == hash && matches($0, key) }
  }

  private func matches(_ operation: Operation, _ key: RawSpan) -> Bool {
    let bytes = unsafe arena.span.bytes
    return !operation.isSuperseded
      && Bytes.areEqual(bytes.extracting(operation.keyRange), key)
  }
}
