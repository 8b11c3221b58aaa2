// Reads. No lock, no allocation on the way to the value; every record is verified before its bytes
// are handed out.

internal import JournalFormat
internal import PersistentMemory

extension Store {
  /// Reads the value of `key` in place.
  ///
  /// The span shows the value where it lies in the journal; the compiler does not let it leave
  /// `body`.
  ///
  /// - Parameters:
  ///   - key: any bytes.
  ///   - body: gets the value; should be short, for memory is given back only behind it.
  /// - Returns: what `body` returns, or nil where there is no such key.
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)`` where the value, or the proof that there
  ///   is none, is damaged; ``StoreError/mediaError(file:offset:)``; ``StoreError/closed``.
  /// - Complexity: O(1) table lines, O(value) for the checksum.
  public func withValue<R>(
    forKey key: RawSpan,
    _ body: (RawSpan) -> R
  ) throws(StoreError) -> R? {
    try withRecord(forKey: key) { (record, bytes) in body(bytes.extracting(record.valueRange)) }
  }

  /// Finds and verifies the newest record of `key`.
  @inline(__always)
  func withRecord<R>(
    forKey key: RawSpan,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    if StoredKey.isReserved(key) { return try withRecord(forKey: key, in: nil, body) }
    return try withRecord(forStoredKey: key, body)
  }

  /// The same of a key of any namespace; nil: of the default one.
  @inline(never)
  func withRecord<R>(
    forKey key: RawSpan,
    in namespace: Namespace?,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    try namespace?.check()
    let space = namespace?.space ?? .standard
    let result = try space.withStoredForm(of: key) { (stored) throws(StoreError) in
      try withRecord(forStoredKey: stored, body)
    }
    // What is behind a drop is gone, not missing.
    if result == nil { try namespace?.check() }
    return result
  }

  /// The same of a key as it is stored.
  @inline(__always)
  func withRecord<R>(
    forStoredKey key: RawSpan,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    try checkOpen()
    let hash = hash(key)
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    try follower?.catchUp()
    return try withRecord(forKey: key, hash: hash, body)
  }

  /// The same for a caller who knows the hash and holds a reader's ticket.
  @inline(__always)
  func withRecord<R>(
    forKey key: RawSpan,
    hash: UInt64,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    // Before the table: what is in none of both was moved from the image into the table meanwhile.
    if index.usesImage { return try withRecordBesideImage(forKey: key, hash: hash, body) }
    if !damage.isEmpty { return try withRecordBesideDamage(forKey: key, hash: hash, body) }
    let faults = MemoryErrors.count
    var result: R?
    var isDoubtful = false
    let isFound = index.search(hash) { (unit) in
      do throws(RecordFault) {
        return try map.withVerifiedRecord(at: unit) { (record, bytes) in
          guard Bytes.areEqual(bytes.extracting(record.keyRange), key) else { return false }
          // One that takes over an image has words that lead to deletes, for a moment.
          if shows(record, bytes) { result = body(record, bytes) }
          return true
        }
      } catch {
        isDoubtful = true
        return false
      }
    }
    if isDoubtful, !isFound {
      return try withRecordBesideDamage(forKey: key, hash: hash, body)
    }
    if MemoryErrors.count != faults { try checkMedia() }
    return result
  }

  /// The same where something can't be read, or was lost.
  @inline(never)
  private func withRecordBesideDamage<R>(
    forKey key: RawSpan,
    hash: UInt64,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    let faults = MemoryErrors.count
    var result: R?
    var failure: StoreError?
    let isFound = index.search(hash) { (unit) in
      do throws(StoreError) {
        return try map.withRecord(at: unit) { (record, bytes) in
          guard Bytes.areEqual(bytes.extracting(record.keyRange), key) else { return false }
          failure = damageError(keyCheck: record.keyCheck, sequence: record.sequence)
          if failure == nil, shows(record, bytes) { result = body(record, bytes) }
          return true
        }
      } catch {
        // Of this key only if no whole record is: a put leaves behind what it can't read.
        failure = failure ?? error
        return false
      }
    }
    if !isFound, failure == nil {
      failure = damageError(keyCheck: Checksum.keyCheck(key), sequence: 0)
    }
    if MemoryErrors.count != faults { try checkMedia() }
    if let failure { throw failure }
    return result
  }

  /// Why an answer is refused: something lost could have changed it.
  ///
  /// A sequence of 0 stands for "none".
  @inline(__always)
  func damageError(keyCheck: UInt16, sequence: UInt64) -> StoreError? {
    damage.isEmpty ? nil : findDamage(keyCheck: keyCheck, sequence: sequence)
  }

  @inline(never)
  private func findDamage(keyCheck: UInt16, sequence: UInt64) -> StoreError? {
    damage.first { $0.concerns(keyCheck: keyCheck, sequence: sequence) }?.error
  }

  /// Refuses to call an enumeration complete where transactions may have been lost.
  func checkCompleteness() throws(StoreError) {
    for damage in damage where damage.losesTransactions { throw damage.error }
  }

  /// Names the file in which a read came upon a memory error.
  @inline(never)
  func checkMedia() throws(StoreError) {
    for segment in map.segments {
      if let offset = segment.file.firstFault {
        throw .mediaError(file: segment.file.path, offset: offset)
      }
    }
  }

  /// Lets a handle that only reads take note of what was written since.
  func catchUp() throws(StoreError) {
    guard let follower else { return }
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    try follower.catchUp()
  }

  // MARK: Conveniences

  /// A copy of the value of `key`, or nil.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    var copier = ValueCopier()
    let value = try withValue(forKey: unsafe key.span.bytes) { copier.bytes($0) }
    try copier.check(path)
    return value ?? nil
  }

  /// A copy of the value of `key` as text, or nil.
  ///
  /// Bytes that are not UTF-8 are replaced.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  public func get(_ key: String) throws(StoreError) -> String? {
    var key = key
    var copier = ValueCopier()
    // SAFETY: the buffer is used during the call only.
    let value = try unsafe key.withUTF8Typed { (key) throws(StoreError) in
      try withValue(forKey: unsafe UnsafeRawBufferPointer(key).bytes) { copier.text($0) }
    }
    try copier.check(path)
    return value ?? nil
  }

  /// Whether `key` has a value.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  public func contains(_ key: RawSpan) throws(StoreError) -> Bool {
    try withRecord(forKey: key) { (_, _) in true } ?? false
  }

  /// Whether `key` has a value.
  public func contains(_ key: [UInt8]) throws(StoreError) -> Bool {
    try contains(unsafe key.span.bytes)
  }

  /// Whether `key` has a value.
  public func contains(_ key: String) throws(StoreError) -> Bool {
    var key = key
    // SAFETY: the buffer is used during the call only.
    return try unsafe key.withUTF8Typed { (key) throws(StoreError) in
      try contains(unsafe UnsafeRawBufferPointer(key).bytes)
    }
  }

  /// Keys in the store's default namespace, with those whose value has ended and that were not removed yet.
  ///
  /// - Throws: ``StoreError/closed``; ``StoreError/corrupt(file:offset:cause:)`` where damage
  ///   leaves it unknown.
  /// - Complexity: O(1) where the store never had another namespace, O(n) otherwise: they are counted.
  public var count: Int {
    get throws(StoreError) {
      try checkOpen()
      try checkCompleteness()
      try catchUp()
      follower?.settleCounts()
      let count = index.count
      return try catalogue.nextNumber() == 1 ? count : try countKeys(of: nil)
    }
  }
}
