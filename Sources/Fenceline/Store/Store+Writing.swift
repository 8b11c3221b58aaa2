// Writes: one record is one transaction. The way down: take the append right, write the record in
// one call of the copy core, fence if durability was asked for, then publish in the index.
//
// Invariant: the index is changed after the record is complete, and after it is durable if it was
// to be, so a reader never sees what a returned durable commit could still lose.

internal import JournalFormat
internal import PersistentMemory

extension Store {
  /// Gives `key` the value `value`.
  ///
  /// - Parameters:
  ///   - key: up to ``maximumKeyLength`` bytes, empty allowed.
  ///   - value: up to ``maximumValueLength`` bytes, empty allowed.
  ///   - durability: when to return.
  /// - Returns: what this commit survives now.
  /// - Throws: ``StoreError/keyTooLong(length:limit:)``, ``StoreError/valueTooLong(length:)``,
  ///   ``StoreError/full(_:)``, ``StoreError/readOnly``, ``StoreError/closed``,
  ///   ``StoreError/poisoned``, ``StoreError/nestedWrite``, and what the medium says. On
  ///   ``StoreError/full(_:)`` nothing has changed, and a compaction found nothing to give back.
  /// - Durability: `.durable`: durable on return, with everything committed before: one fence on
  ///   persistent memory, one device flush on a file. `.buffered`: in order, by the next
  ///   ``sync(_:)``.
  @discardableResult
  public func put(
    _ key: RawSpan,
    _ value: RawSpan,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    if StoredKey.isReserved(key) { return try put(key, value, in: nil, durability) }
    try Self.checkLengths(key: key.byteCount, value: value.byteCount)
    do throws(StoreError) {
      try commitPut(key, value, nil, durability)
    } catch {
      guard case .full = error, compactForRoom() else { throw error }
      try commitPut(key, value, nil, durability)
    }
    return survival(durability)
  }

  /// The same in any namespace; nil: in the default one.
  @inline(never)
  func put(
    _ key: RawSpan,
    _ value: RawSpan,
    in namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) -> Survival {
    let space = namespace?.space ?? .standard
    try space.checkLengths(of: key, value: value.byteCount)
    try space.withStoredForm(of: key) { (stored) throws(StoreError) in
      do throws(StoreError) {
        try commitPut(stored, value, namespace, durability)
      } catch {
        guard case .full = error, compactForRoom() else { throw error }
        try commitPut(stored, value, namespace, durability)
      }
    }
    return survival(durability)
  }

  @inline(__always)
  private func commitPut(
    _ key: RawSpan,
    _ value: RawSpan,
    _ namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) {
    let hash = hash(key)
    index.prefetch(hash)
    try withWriter { (journal) throws(StoreError) in
      try namespace?.checkWritable(in: self)
      guard index.hasMemoryForKey else { throw .noMemory(for: path) }
      var home = unsafe index.home(of: hash)
      var place: HashIndex.Place?
      let unit = try journal.commit(
        .put,
        key: key,
        value: value,
        durable: durability == .durable
      ) {
        // Not before the record is written: a core that waits for the bucket gets no further than some 300
        // instructions.
        unsafe prefetchVersion(hash, in: home)
        // Growth and two cache misses, which cost little beside the wait for the medium.
        if index.growIfNeeded() { unsafe home = index.home(of: hash) }
        unsafe place = index.locate(hash, in: home) { map.surelyHasKey(key, at: $0) }
      }
      if let place = unsafe place {
        let old = unsafe place.unit
        snapshots.keep(old, hash, supersededBy: journal.newestSequence, map, epochs)
        unsafe index.set(place, hash, to: unit)
        let length = JournalWriter.recordLength(key: key.byteCount, value: value.byteCount)
        map.countLive(unit, length: length, replacing: old)
      }
    }
  }

  /// Asks for what the table has of a key: its record, or the bucket where it goes on.
  @inline(__always)
  private func prefetchVersion(_ hash: UInt64, in home: Bucket) {
    let candidate = unsafe index.candidate(hash, in: home)
    if candidate != 0 {
      map.prefetch(candidate)
    } else {
      unsafe index.prefetchOverflow(behind: home)
    }
  }

  /// Removes `key`.
  ///
  /// - Returns: whether it had a value.
  /// - Throws: as ``put(_:_:durability:)-(RawSpan,_,_)``. Works on a full medium as long as the
  ///   reserve lasts.
  /// - Durability: as ``put(_:_:durability:)-(RawSpan,_,_)``; durable also where there was nothing
  ///   to remove.
  @discardableResult
  public func delete(
    _ key: RawSpan,
    durability: Durability = .buffered
  ) throws(StoreError) -> Bool {
    if StoredKey.isReserved(key) { return try delete(key, in: nil, durability) }
    guard key.byteCount <= Self.maximumKeyLength else {
      throw .keyTooLong(length: key.byteCount)
    }
    return try commitDelete(key, durability) { () throws(StoreError) in }
  }

  /// The same in any namespace; nil: in the default one.
  @inline(never)
  func delete(
    _ key: RawSpan,
    in namespace: Namespace?,
    _ durability: Durability
  ) throws(StoreError) -> Bool {
    let space = namespace?.space ?? .standard
    try space.checkLengths(of: key, value: 0)
    return try space.withStoredForm(of: key) { (stored) throws(StoreError) in
      try commitDelete(stored, durability) { () throws(StoreError) in
        try namespace?.checkWritable(in: self)
      }
    }
  }

  @inline(__always)
  private func commitDelete(
    _ key: RawSpan,
    _ durability: Durability,
    _ check: () throws(StoreError) -> Void
  ) throws(StoreError) -> Bool {
    let hash = hash(key)
    index.prefetch(hash)
    return try withWriter { (journal) throws(StoreError) in
      try check()
      let place = unsafe try index.locate(hash) { (unit) throws(StoreError) in
        try map.hasKey(key, at: unit)
      }
      guard unsafe place.isFound else {
        if durability == .durable { try journal.sync() }
        return false
      }
      let hadExpired = unsafe hasExpired(place.unit)
      let unit = try journal.commit(
        .delete,
        key: key,
        value: RawSpan(),
        durable: durability == .durable,
        meanwhile: {}
      )
      let old = unsafe place.unit
      snapshots.keep(old, hash, supersededBy: journal.newestSequence, map, epochs)
      unsafe index.remove(place, hash)
      map.countDead(old)
      map.countTombstone(unit, length: JournalWriter.recordLength(key: key.byteCount, value: 0))
      return !hadExpired
    }
  }

  /// Makes everything durable that was committed before the call.
  ///
  /// - Parameter depth: `.persistenceDomain` is what every durable commit does.
  /// - Returns: what everything committed before survives now.
  /// - Throws: what the medium says; the store then takes no more writes.
  /// - Durability: one fence on persistent memory, one device flush on a file.
  @discardableResult
  public func sync(_ depth: SyncDepth = .persistenceDomain) throws(StoreError) -> Survival {
    try withWriter { (journal) throws(StoreError) in
      switch depth {
      case .persistenceDomain: try journal.sync()
      case .medium: try journal.deepSync()
      }
    }
    return durableSurvival
  }

  @inline(__always)
  static func checkLengths(key: Int, value: Int) throws(StoreError) {
    guard key <= maximumKeyLength else { throw .keyTooLong(length: key) }
    guard value <= maximumValueLength else { throw .valueTooLong(length: value) }
  }

  @inline(__always)
  func survival(_ durability: Durability) -> Survival {
    durability == .durable ? durableSurvival : bufferedSurvival
  }

  // MARK: Conveniences

  /// Gives `key` the value `value`.
  ///
  /// See ``put(_:_:durability:)-(RawSpan,_,_)``.
  @discardableResult
  public func put(
    _ key: [UInt8],
    _ value: [UInt8],
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    try put(unsafe key.span.bytes, unsafe value.span.bytes, durability: durability)
  }

  /// Gives `key` the value `value`, both as UTF-8.
  @discardableResult
  public func put(
    _ key: String,
    _ value: String,
    durability: Durability = .buffered
  ) throws(StoreError) -> Survival {
    var key = key
    var value = value
    // SAFETY: the buffers are used during the call only.
    return try unsafe key.withUTF8Typed { (key) throws(StoreError) in
      try unsafe value.withUTF8Typed { (value) throws(StoreError) in
        try put(
          unsafe UnsafeRawBufferPointer(key).bytes,
          unsafe UnsafeRawBufferPointer(value).bytes,
          durability: durability
        )
      }
    }
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
    var key = key
    // SAFETY: the buffer is used during the call only.
    return try unsafe key.withUTF8Typed { (key) throws(StoreError) in
      try delete(unsafe UnsafeRawBufferPointer(key).bytes, durability: durability)
    }
  }
}

/// How far ``Store/sync(_:)`` goes.
public enum SyncDepth: Sendable, Hashable {
  /// Into the persistence domain: what power failure leaves.
  case persistenceDomain
  /// To the medium itself, past buffers that only a working power-fail protection saves
  /// (libpmem's deep flush); the same as `.persistenceDomain` where there is no such difference.
  case medium
}
