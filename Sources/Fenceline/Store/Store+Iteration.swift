// Entries, one after the other: in key order by the tree, without order by the hash table.

internal import JournalFormat
internal import PersistentMemory

/// The order of a ``Store/forEach(from:to:prefix:order:limit:_:)``.
public enum IterationOrder: Sendable, Hashable {
  /// No order; needs no memory and no tree.
  case unordered
  /// By the keys' bytes, the smallest first. A key that begins another comes before it.
  case ascending
  /// By the keys' bytes, the largest first.
  case descending

  /// The same as ``ascending``.
  public static var byKey: IterationOrder { .ascending }
}

/// What a visitor wants next.
public enum IterationStep: Sendable, Hashable {
  /// The next entry.
  case next
  /// No more.
  case stop
}

/// Where an entry stands in the journal.
public struct EntryLocation: Sendable, Hashable {
  /// Number of the segment, which is its file's name in hexadecimal.
  public let segment: UInt32
  /// Offset of the record in the segment's file.
  public let offset: Int
  /// Bytes of the whole record.
  public let recordLength: Int
  /// Offset of the value in the segment's file.
  public let valueOffset: Int
  /// Sequence of the transaction that wrote it.
  public let sequence: UInt64
  /// Checksum of the record.
  public let checksum: UInt32
  /// When the entry ends; nil where it lasts.
  public let expiry: Expiry?
}

extension Store {
  /// Visits the entries whose key is not less than `start`, less than `end`, and begins with `prefix`.
  ///
  /// In order, it shows one moment of the store: every transaction that was committed before the call,
  /// whole transactions only, and nothing of what is written meanwhile. What is written and what a
  /// compaction moves meanwhile waits for nothing.
  ///
  /// Without order, a key that is there during the whole call is visited exactly once, with a version
  /// that was current at some moment of the call; one that is deleted and put again meanwhile may come
  /// twice. `body` may read from the store and write to it.
  ///
  /// The first visit in order builds a tree of all keys, about 17 bytes for each, which lives as long as
  /// the store is used in order; later ones bring it up to date with what was written since.
  ///
  /// - Parameters:
  ///   - start: no key before it is visited; empty for all.
  ///   - end: neither it nor a key behind it is visited; nil for all, and nothing where it is empty.
  ///   - prefix: empty for all.
  ///   - order: see ``IterationOrder``.
  ///   - limit: the most entries to visit: in ascending order the smallest keys, in descending order the
  ///     largest.
  ///   - body: gets key and value in place, and where the entry stands; memory is given back only behind
  ///     the whole call.
  /// - Throws: as ``withValue(forKey:_:)``; for a damaged store, after every readable entry was
  ///   visited.
  /// - Complexity: in order O(log n) to start, O(m log m) for m writes since the last time, O(n log n)
  ///   for n keys at the first time; without order O(n) for all keys of the store. Every record that is
  ///   handed out is verified.
  public func forEach(
    from start: [UInt8] = [],
    to end: [UInt8]? = nil,
    prefix: [UInt8] = [],
    order: IterationOrder = .unordered,
    limit: Int = .max,
    _ body: (RawSpan, RawSpan, EntryLocation) -> IterationStep
  ) throws(StoreError) {
    let range = KeyRange(from: start, to: end, prefix: prefix, in: .standard)
    try forEach(in: range, of: nil, order, limit) { (key, record, bytes, unit) in
      body(key, bytes.extracting(record.valueRange), map.location(of: record, unit: unit))
    }
  }

  /// The same of any namespace, for who does not ask where an entry stands; nil: of the default one.
  @inline(__always)
  func forEach(
    in range: KeyRange,
    of namespace: Namespace?,
    _ order: IterationOrder,
    _ limit: Int,
    _ body: (RawSpan, JournalRecord, RawSpan, UInt64) -> IterationStep
  ) throws(StoreError) {
    try checkOpen()
    guard limit > 0 else { return try namespace?.check() ?? () }
    try catchUp()
    try follower?.takeOverImage()
    switch order {
    case .unordered:
      try namespace?.check()
      try forEachUnordered(in: range, limit, body)
      try namespace?.check()
    case .ascending, .descending:
      let tree = self.order.snapshot()
      try namespace?.check(in: tree)
      try forEach(
        in: range,
        of: tree,
        at: clock.now,
        limit,
        isAscending: order == .ascending,
        body
      )
    }
  }

  @inline(__always)
  private func forEachUnordered(
    in range: KeyRange,
    _ limit: Int,
    _ body: (RawSpan, JournalRecord, RawSpan, UInt64) -> IterationStep
  ) throws(StoreError) {
    let ticket = epochs.enter()
    defer { epochs.leave(ticket) }
    var visit = Visit(at: clock.now)
    var remaining = limit
    index.forEachUnit(askingFor: map) { (unit) in
      switch self.visit(unit, &visit, of: range.space, upTo: .max, { range.contains($0) }, body) {
      case .shown: remaining -= 1
      case .last: remaining = 0
      case .passed, .outside: break
      }
      return remaining > 0
    }
    try end(visit)
  }

  /// The same of a tree.
  @inline(__always)
  func forEach(
    in range: KeyRange,
    of snapshot: borrowing OrderSnapshot,
    at moment: Moment,
    _ limit: Int,
    isAscending: Bool,
    _ body: (RawSpan, JournalRecord, RawSpan, UInt64) -> IterationStep
  ) throws(StoreError) {
    let newestSequence = snapshot.newestSequence
    var visit = Visit(at: moment)
    var remaining = limit
    var place = OrderPlace(in: snapshot.root, of: map, limit: limit)
    if isAscending {
      place.move(to: unsafe range.start.span.bytes)
    } else if let end = range.end {
      place.move(to: unsafe end.span.bytes)
      place.moveBackwards()
    } else {
      place.moveToLast()
    }
    let step = isAscending ? 1 : -1
    walk: while remaining > 0 {
      let stretch = place.stretch(step)
      guard stretch.count > 0 else { break }
      var seen = 0
      stretch: while seen < stretch.count, remaining > 0 {
        place.prepare(behind: seen, alike: visit.bodyLength)
        switch self.visit(
          stretch[seen],
          &visit,
          of: range.space,
          upTo: newestSequence,
          { isAscending ? range.isBeforeEnd($0) : range.isFromStart($0) },
          body
        ) {
        case .shown: remaining -= 1
        case .passed: break
        case .outside: break stretch
        case .last: break walk
        }
        seen += 1
      }
      place.move(by: seen, step)
      guard remaining > 0, seen < stretch.count else { continue }
      // What is out of the range is behind all that is in it, but for entries of other namespaces.
      guard range.space == .standard, pass(stretch[seen], &place, isAscending) else { break }
    }
    visit.failure = visit.failure ?? snapshot.failure
    try end(visit)
  }

  /// Goes past an entry of another namespace than the default one.
  ///
  /// - Returns: false where the entry is none.
  @inline(never)
  private func pass(_ unit: UInt64, _ place: inout OrderPlace, _ isAscending: Bool) -> Bool {
    map.withUnverifiedKey(at: unit) { (stored) in
      // One of the default namespace's own, with a head or without, is out of the range.
      guard StoredKey.isReserved(stored), KeySpace.standard.headLength(of: stored) == nil
      else { return false }
      if StoredKey.number(of: stored) != nil {
        place.leaveNamespaces(isAscending: isAscending)
      } else if isAscending {
        place.moveForwards()
      } else {
        place.moveBackwards()
      }
      return true
    }
  }

  /// Hands out the verified entry at a position where its key is wanted.
  @inline(__always)
  private func visit(
    _ unit: UInt64,
    _ visit: inout Visit,
    of space: KeySpace,
    upTo newestSequence: UInt64,
    _ isWanted: (RawSpan) -> Bool,
    _ body: (RawSpan, JournalRecord, RawSpan, UInt64) -> IterationStep
  ) -> Visit.Answer {
    do throws(RecordFault) {
      return try map.withVerifiedRecord(at: unit) { (record, bytes) in
        let stored = bytes.extracting(record.keyRange)
        visit.bodyLength = record.bodyLength
        guard isWanted(stored), let headLength = space.headLength(of: stored) else {
          return .outside
        }
        guard record.sequence <= newestSequence, visit.moment.shows(record, bytes) else {
          return .passed
        }
        if !damage.isEmpty, refuses(record.keyCheck, record.sequence, &visit) { return .passed }
        // SAFETY: a stored key that has a head is no shorter than it.
        let key = unsafe stored.extracting(
          unchecked: Range(uncheckedBounds: (headLength, stored.byteCount))
        )
        guard body(key, record, bytes, unit) == .stop else { return .shown }
        visit.isStopped = true
        return .last
      }
    } catch {
      noteFailure(at: unit, &visit)
      return .passed
    }
  }

  @inline(never)
  private func refuses(_ keyCheck: UInt16, _ sequence: UInt64, _ visit: inout Visit) -> Bool {
    let refusal = damageError(keyCheck: keyCheck, sequence: sequence)
    visit.failure = visit.failure ?? refusal
    return refusal != nil
  }

  @inline(never)
  private func noteFailure(at unit: UInt64, _ visit: inout Visit) {
    visit.failure = visit.failure ?? map.failure(at: unit)
  }

  private func end(_ visit: Visit) throws(StoreError) {
    if let failure = visit.failure { throw failure }
    if MemoryErrors.count != visit.faults { try checkMedia() }
    // Not behind a limit alone: a smaller key may be among what was lost.
    if !visit.isStopped { try checkCompleteness() }
  }
}

/// What an iteration has met.
private struct Visit {
  var isStopped = false
  /// The first one; it ends the iteration only when every other entry was visited.
  var failure: StoreError?
  let faults = MemoryErrors.count
  /// Bytes of key and value of the last one.
  var bodyLength = 0
  /// What has expired by then is not shown.
  let moment: Moment

  init(at moment: Moment) { self.moment = moment }

  /// What became of a position.
  enum Answer {
    /// Its entry was handed out.
    case shown
    /// The same, and no more are wanted.
    case last
    /// It has no entry to be handed out.
    case passed
    /// Its key is not wanted, or belongs to another namespace.
    case outside
  }
}

extension SegmentMap {
  /// Where a record stands, for people and for export.
  func location(of record: JournalRecord, unit: UInt64) -> EntryLocation {
    // SAFETY: the unit was just read.
    let binding = unsafe view(ofUnit: unit).pointee.binding
    let expiry =
      record.isLasting ? nil : unsafe withSegment(of: unit) { record.expiry(in: $2) }
    return EntryLocation(
      segment: binding.segmentID,
      offset: record.offset,
      recordLength: record.shape.totalLength,
      valueOffset: record.valueRange.lowerBound,
      sequence: record.sequence,
      checksum: record.header.checksum,
      expiry: expiry
    )
  }
}
