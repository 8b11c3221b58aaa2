// What FencelineC calls beside the public interface. Nothing here is generic and no closure has a
// result, so each call is compiled once, in this module, with everything below it inlined.

internal import JournalFormat
internal import PersistentMemory

extension Store {
  /// Copies the value of `key` to `buffer` if it fits.
  ///
  /// - Parameters:
  ///   - key: any bytes.
  ///   - buffer: left as it is where it is too small.
  /// - Returns: the value's length, which may be more than the buffer's, or nil where there is no
  ///   such key.
  /// - Throws: as ``withValue(forKey:_:)``.
  /// - Complexity: O(value).
  package func copyValue(
    forKey key: RawSpan,
    to buffer: UnsafeMutableRawBufferPointer
  ) throws(StoreError) -> Int? {
    if StoredKey.isReserved(key) { return unsafe try copyReservedValue(forKey: key, to: buffer) }
    return unsafe try copyValue(forStoredKey: key, to: buffer)
  }

  @inline(__always)
  private func copyValue(
    forStoredKey key: RawSpan,
    to buffer: UnsafeMutableRawBufferPointer
  ) throws(StoreError) -> Int? {
    try withRecord(forStoredKey: key) { (record, bytes) in
      let value = bytes.extracting(record.valueRange)
      // SAFETY: the value is read during the call only, and the length was compared.
      unsafe value.withUnsafeBytes { (value) in
        if value.count <= buffer.count { unsafe buffer.copyMemory(from: value) }
      }
      return value.byteCount
    }
  }

  /// The same of a key that is stored in another form.
  @inline(never)
  private func copyReservedValue(
    forKey key: RawSpan,
    to buffer: UnsafeMutableRawBufferPointer
  ) throws(StoreError) -> Int? {
    try KeySpace.standard.withStoredForm(of: key) { (stored) throws(StoreError) in
      unsafe try copyValue(forStoredKey: stored, to: buffer)
    }
  }

  /// Reads the value of `key` in place.
  ///
  /// - Parameters:
  ///   - key: any bytes.
  ///   - body: gets the value.
  /// - Returns: whether there is such a key.
  /// - Throws: as ``withValue(forKey:_:)``.
  package func visitValue(
    forKey key: RawSpan,
    _ body: (RawSpan) -> Void
  ) throws(StoreError) -> Bool {
    if StoredKey.isReserved(key) { return try visitReservedValue(forKey: key, body) }
    return try withRecord(forStoredKey: key) { (record, bytes) in
      body(bytes.extracting(record.valueRange))
    } != nil
  }

  /// The same of a key that is stored in another form.
  @inline(never)
  private func visitReservedValue(
    forKey key: RawSpan,
    _ body: (RawSpan) -> Void
  ) throws(StoreError) -> Bool {
    try withValue(forKey: key, body) != nil
  }

  /// Visits entries in order.
  ///
  /// - Parameters: as ``forEach(from:to:prefix:order:limit:_:)``.
  /// - Throws: as ``forEach(from:to:prefix:order:limit:_:)``.
  package func visitEntries(
    from start: [UInt8],
    to end: [UInt8]?,
    order: IterationOrder,
    limit: Int,
    _ body: (RawSpan, RawSpan) -> IterationStep
  ) throws(StoreError) {
    let range = KeyRange(from: start, to: end, in: .standard)
    try forEach(in: range, of: nil, order, limit) { (key, record, bytes, _) in
      body(key, bytes.extracting(record.valueRange))
    }
  }

  /// Commits what `body` wants written, all or nothing.
  ///
  /// - Parameters:
  ///   - durability: when to return.
  ///   - body: fills the transaction, once more where a full medium had to be compacted first; what it
  ///     throws discards everything.
  /// - Throws: what `body` throws, or as ``put(_:_:durability:)-(RawSpan,_,_)`` does.
  package func commit(
    durability: Durability,
    _ body: (inout Transaction) throws(StoreError) -> Void
  ) throws(StoreError) {
    do throws(StoreError) {
      try commitOnce(durability, body)
    } catch {
      guard case .full = error, compactForRoom() else { throw error }
      try commitOnce(durability, body)
    }
  }

  private func commitOnce(
    _ durability: Durability,
    _ body: (inout Transaction) throws(StoreError) -> Void
  ) throws(StoreError) {
    try withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      var transaction = Transaction(store: self)
      try body(&transaction)
      try transaction.commit(to: &journal, durability: durability)
    }
  }
}
