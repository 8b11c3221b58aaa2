// Many reads at a time. A read waits for two cache misses, one behind the other: the key's line of the
// table, then the record. Side by side those of a whole group take little longer than one.

internal import JournalFormat
internal import PersistentMemory

extension Store {
  /// Keys whose misses are under way at once: more than that many a core does not track.
  private static let groupSize = 16

  /// Reads the values of several keys in place.
  ///
  /// Each value is the newest of its key at some moment of the call; they are not of one moment.
  ///
  /// - Parameters:
  ///   - keys: any bytes; the same key may come twice.
  ///   - body: gets the number of each key in `keys`, in order, and its value, or nil where there is
  ///     none; should be short, for memory is given back only behind it.
  /// - Throws: as ``withValue(forKey:_:)``, for the first key whose value can't be read; keys before
  ///   it were visited, others were not.
  /// - Complexity: as so many single reads, but several times as fast where the table and the records
  ///   do not fit into the caches.
  public func withValues(
    forKeys keys: [[UInt8]],
    _ body: (_ number: Int, _ value: RawSpan?) -> Void
  ) throws(StoreError) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(keys.reduce(0) { $0 + $1.count })
    for key in keys { bytes += key }
    var result: Result<Void, StoreError> = .success(())
    // SAFETY: the buffer holds all keys, one behind the other, and is used during the call only.
    unsafe bytes.withUnsafeBytes { (bytes) in
      var start = 0
      let places = unsafe keys.map { (key) in
        defer { start += key.count }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<start + key.count])
      }
      do throws(StoreError) {
        try unsafe visitValues(forKeys: places.count, { unsafe places[$0] }, body)
      } catch {
        result = .failure(error)
      }
    }
    try result.get()
  }

  /// Copies of the values of several keys, nil where there is none, in the order of the keys.
  ///
  /// - Throws: as ``withValues(forKeys:_:)``.
  public func get(_ keys: [[UInt8]]) throws(StoreError) -> [[UInt8]?] {
    var values: [[UInt8]?] = []
    values.reserveCapacity(keys.count)
    var copier = ValueCopier()
    try withValues(forKeys: keys) { (_, value) in
      if let value { values.append(copier.bytes(value)) } else { values.append(nil) }
    }
    try copier.check(path)
    return values
  }

  /// Reads the values of `count` keys, of which `key` gives the place of each.
  package func visitValues(
    forKeys count: Int,
    _ key: (Int) -> UnsafeRawBufferPointer,
    _ body: (Int, RawSpan?) -> Void
  ) throws(StoreError) {
    try checkOpen()
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    try follower?.catchUp()
    let isPlain = !index.usesImage && damage.isEmpty
    let faults = MemoryErrors.count
    var hashes = InlineArray<16, UInt64>(repeating: 0)
    var units = InlineArray<16, UInt64>(repeating: 0)
    var first = 0
    while first < count {
      let group = min(Self.groupSize, count - first)
      var areStoredAsTheyAre = true
      for number in 0..<group {
        let key = unsafe key(first + number).bytes
        if StoredKey.isReserved(key) { areStoredAsTheyAre = false }
        hashes[number] = hash(key)
        index.prefetchToRead(hashes[number])
      }
      guard areStoredAsTheyAre else {
        unsafe try visitOneByOne(first..<first + group, key, body)
        first += group
        continue
      }
      for number in 0..<group { units[number] = index.candidate(hashes[number]) }
      for number in 0..<group where units[number] == 0 { index.prefetchOverflow(hashes[number]) }
      for number in 0..<group where units[number] == 0 {
        units[number] = index.candidateInOverflow(hashes[number])
      }
      // A loop of its own: finding a record's page takes its time, and of several pages side by side
      // hardly more.
      for number in 0..<group where units[number] != 0 { map.prefetchStart(units[number]) }
      for number in 0..<group {
        if isPlain, units[number] != 0,
          unsafe visit(units[number], ifOf: key(first + number).bytes, { body(first + number, $0) })
        {
          continue
        }
        let found: Void? = try unsafe withRecord(
          forKey: key(first + number).bytes,
          hash: hashes[number]
        ) { (record, bytes) in body(first + number, bytes.extracting(record.valueRange)) }
        if found == nil { body(first + number, nil) }
      }
      first += group
    }
    if MemoryErrors.count != faults { try checkMedia() }
  }

  /// The same where some are not stored as they are.
  @inline(never)
  private func visitOneByOne(
    _ numbers: Range<Int>,
    _ key: (Int) -> UnsafeRawBufferPointer,
    _ body: (Int, RawSpan?) -> Void
  ) throws(StoreError) {
    for number in numbers {
      let found: Void? = try unsafe withValue(forKey: key(number).bytes) { body(number, $0) }
      if found == nil { body(number, nil) }
    }
  }

  /// Hands out the value of the record at `unit`.
  ///
  /// - Returns: false, and nothing handed out, where it is no put of `key` or can't be read.
  @inline(__always)
  private func visit(
    _ unit: UInt64,
    ifOf key: RawSpan,
    _ body: (RawSpan) -> Void
  ) -> Bool {
    do throws(RecordFault) {
      return try map.withVerifiedRecord(at: unit) { (record, bytes) in
        guard shows(record, bytes), Bytes.areEqual(bytes.extracting(record.keyRange), key) else {
          return false
        }
        body(bytes.extracting(record.valueRange))
        return true
      }
    } catch {
      return false
    }
  }
}
