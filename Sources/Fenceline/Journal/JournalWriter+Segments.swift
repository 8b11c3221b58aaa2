// Where a segment's journal begins and ends: rotation to a successor, the close record and its mark.
//
// Invariant: nothing is written into a successor before the seal of its predecessor, with all records
// before it, its own header and name, and the predecessor's mark are durable; and nothing is written behind a close record
// before the mark that says so is.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// A close record that ends the journal and that nothing follows.
struct CloseOnMedium {
  /// With its pad.
  let record: Range<Int>
  /// It is durable, and so is its mark: what an earlier process has left may lie in a cache.
  var isCertain: Bool
}

extension JournalWriter {
  /// Sequence of the transaction that was written last.
  @inline(__always)
  var newestSequence: UInt64 { nextSequence &- 1 }

  /// Room for `records` more records of `length` bytes in one segment; rotates where the active one
  /// has none.
  ///
  /// Deletes may use a reserve, so that a full store can be emptied.
  @inline(__always)
  mutating func makeRoom(
    for length: Int,
    records: Int,
    onlyDeletes: Bool
  ) throws(StoreError) {
    let end = tail + length + Self.closingReserve + digest.closeLength(adding: records)
    if end <= roomLimit { return }
    try makeRoomSlowly(for: length, records: records, endingAt: end, onlyDeletes: onlyDeletes)
  }

  @inline(never)
  private mutating func makeRoomSlowly(
    for length: Int,
    records: Int,
    endingAt end: Int,
    onlyDeletes: Bool
  ) throws(StoreError) {
    try checkUsable()
    let capacity = active.file.length
    let usableEnd = capacity - SegmentSizing.deleteReserve(capacity: capacity)
    if roomLimit == 0 {
      roomLimit = min(usableEnd, preparationStart(capacity: capacity))
    } else if roomLimit < usableEnd {
      prepareSuccessor()
      roomLimit = usableEnd
    }
    if end <= usableEnd { return try reopen() }
    do {
      try rotate(for: length, records: records)
    } catch {
      let fitsInReserve = end <= capacity
      guard case .full = error, onlyDeletes, fitsInReserve, !isPoisoned else { throw error }
      try reopen()
    }
  }

  /// Seals the active segment and goes on in a new one that has room for `records` records of
  /// `length` bytes.
  ///
  /// Order: the successor's blocks; the seal, durable with all records before it; the successor's
  /// header, durable; its name, durable; the predecessor's mark, durable. Only then its first record.
  private mutating func rotate(
    for length: Int,
    records: Int,
    mayExpire: Bool = false
  ) throws(StoreError) {
    let id: UInt32
    if let preparation { id = preparation.segmentID } else { id = try takeSegmentID() }
    let needed =
      length + Self.closingReserve
      + KeyDigest(entries: [], nextSequence: 0).closeLength(adding: records)
    let name = SegmentName.name(of: id)
    let successor: SegmentFile
    do throws(StoreError) {
      successor = try takeSuccessor(named: name, roomFor: needed)
    } catch {
      // Nobody was told of the number, and a full medium is tried again and again.
      if nextSegmentID == id + 1 { nextSegmentID = id }
      throw error
    }
    try reopen()
    try write(
      .seal,
      flags: [],
      key: RawSpan(),
      value: RawSpan(),
      sequence: nextSequence,
      flushed: false,
      endsBatch: false
    )
    let predecessor = active
    let predecessorEnd = tail
    let dirty = durableEnd..<tail
    var header = SegmentHeader(
      storeID: storeID,
      segmentID: id,
      predecessorID: predecessor.binding.segmentID,
      incarnation: incarnation,
      capacity: successor.length,
      firstSequence: nextSequence,
      predecessorEnd: predecessorEnd,
      createdAt: options.clock.nanosecondsSince1970()
    )
    header.mayExpire = mayExpire || predecessor.header.mayExpire
    let directory = directory
    try poisoning { () throws(MediumError) in
      // Complete behind the fence of the header.
      if !Mutant.sealPersistedLate.isActive, !Mutant.sealUnpersisted.isActive {
        try predecessor.file.beginPersisting(dirty, synchronizing: true)
      }
      if !Mutant.successorHeaderLate.isActive {
        try SegmentEncoder.writeHeader(header, to: successor)
      }
      try directory.publishSegment(named: name)
      if !Mutant.successorNameUnsynced.isActive { try directory.synchronize() }
      if Mutant.successorHeaderLate.isActive {
        try SegmentEncoder.writeHeader(header, to: successor)
      }
      if Mutant.sealPersistedLate.isActive {
        try predecessor.file.persist(dirty, flushedFrom: dirty.upperBound)
      }
      if !Mutant.followedMarkMissing.isActive {
        try SegmentEncoder.markFollowed(predecessor.file, predecessor.header, by: header)
      }
    }
    predecessor.file.settle(at: predecessorEnd)
    let described = digest.entries
    try replaceActive(with: successor, header: header)
    map.redirectToMapping(of: predecessor)
    epochs.retire { predecessor.file.releaseStage() }
    try describe(predecessor.header, described, leaving: needed)
    map.noteCommitted(end, nextSequence: nextSequence)
  }

  /// Goes on in a segment whose header says that records may expire, if the active one's does not.
  ///
  /// Where none does nobody has to look for such records.
  mutating func beginExpiring(roomFor length: Int, records: Int) throws(StoreError) {
    guard !active.header.mayExpire else { return }
    try checkUsable()
    try rotate(for: length, records: records, mayExpire: true)
  }

  /// Where the next segment is asked for: at once by a handle that has filled one, otherwise half
  /// way, and not before the handle has shown that it writes more than a little.
  private func preparationStart(capacity: Int) -> Int {
    hasRotated ? tail : max(capacity / 2, tail + capacity / 8)
  }

  private mutating func prepareSuccessor() {
    let capacity = active.file.length
    guard preparation == nil, capacity >= options.smallestPrepared,
      let id = try? takeSegmentID()
    else { return }
    preparation = SegmentPreparation(
      id,
      sizing: SegmentSizing(options: options, liveBytes: map.liveBytes),
      in: directory
    )
  }

  /// A number for a new segment; a number that was given out is never used for another one.
  mutating func takeSegmentID() throws(StoreError) -> UInt32 {
    guard nextSegmentID < UInt32.max - (1 << 16) else { throw .addressSpaceExhausted }
    defer { nextSegmentID += 1 }
    return nextSegmentID
  }

  /// Goes on in a new segment, so that the active one can be compacted.
  ///
  /// - Parameter always: also where that takes more room than it gives back.
  /// - Throws: as a rotation: ``StoreError/full(_:)``, or what the medium says.
  mutating func sealForCompaction(always: Bool) throws(StoreError) {
    try checkUsable()
    let live = active.usage.liveBytes
    guard tail - SegmentField.journalStart > live else { return }
    if !always {
      let file = active.file
      let allocated = try translatingErrors { () throws(MediumError) in try file.allocatedBytes() }
      let new = SegmentSizing(options: options, liveBytes: map.liveBytes).usualLength
      guard allocated > CompactionPolicy.fileBytes(live) + new else { return }
    }
    try rotate(for: 0, records: 0)
  }

  /// The segment that was prepared, if it is large enough, or a new one.
  private mutating func takeSuccessor(
    named name: String,
    roomFor needed: Int
  ) throws(StoreError) -> SegmentFile {
    let prepared = preparation?.take()
    preparation = nil
    if let prepared {
      let reserve = SegmentSizing.deleteReserve(capacity: prepared.length)
      if SegmentField.journalStart + needed + reserve <= prepared.length { return prepared }
    }
    // One that is too small goes: the new one takes its name.
    let file = try SegmentSizing(options: options, liveBytes: map.liveBytes).create(
      name,
      roomFor: needed,
      preferring: KeyDigest.segmentRecordLength(digest.entries.count),
      in: directory
    )
    SegmentPreparation.prefault(file, options)
    return file
  }

  /// Removes what was prepared and is not needed; it is prepared again when writing goes on.
  mutating func discardPreparation() {
    guard let preparation else { return }
    preparation.discard(in: directory)
    self.preparation = nil
    roomLimit = 0
  }

  /// Writes the description of the segment before as the first record of the active one, where
  /// that leaves room for `needed` more bytes.
  ///
  /// - Durability: like a buffered commit. A crash that loses it loses the whole batch after it, and
  ///   recovery describes the segment again.
  mutating func describe(
    _ predecessor: SegmentHeader,
    _ entries: [UInt16],
    leaving needed: Int
  ) throws(StoreError) {
    let length = KeyDigest.segmentRecordLength(entries.count)
    let deleteReserve = SegmentSizing.deleteReserve(capacity: active.file.length)
    guard
      tail + length + max(needed, Self.closingReserve) + deleteReserve <= active.file.length
    else { return }
    let value = KeyDigest.segmentValue(predecessor, entries)
    try write(
      .digest,
      flags: [],
      key: RawSpan(),
      value: unsafe value.span.bytes,
      sequence: nextSequence,
      flushed: false,
      endsBatch: false
    )
    try writeBehindIfLong()
  }

  private mutating func replaceActive(
    with file: SegmentFile,
    header: SegmentHeader
  ) throws(StoreError) {
    do {
      active = try map.add(file, header)
    } catch {
      isPoisoned = true
      throw error
    }
    active.usage.noteNothingExpires()
    map.redirectToAppends(of: active, from: 0)
    writtenBefore += tail - SegmentField.journalStart
    tail = SegmentField.journalStart
    durableEnd = tail
    writeBehindThreshold = Self.writeBehindThreshold(of: active)
    roomLimit = 0
    hasRotated = true
    hasNewSegment = true
    digest = KeyDigest(entries: [], nextSequence: nextSequence)
  }

  /// Ends the journal in order: close record and close mark, durable on return.
  mutating func close() throws(StoreError) {
    discardPreparation()
    try checkUsable()
    if let closeOnMedium { return try closeAgain(closeOnMedium) }
    if Mutant.closeMarkFirst.isActive {
      let line = RecordLimit.lineSize
      try writeCloseMark(closeMark(.closed, end: (tail + line - 1) / line * line))
    }
    try persist(flushedFrom: tail)
    map.noteDurable(end)
    let mark = closeMark(.closed, end: tail)
    let value = digest.closeValue()
    try write(
      .close,
      flags: [],
      key: RawSpan(),
      value: unsafe value.span.bytes,
      sequence: nextSequence,
      flushed: false,
      endsBatch: true
    )
    let record = durableEnd..<tail
    let file = active.file
    if !Mutant.closeRecordUnpersisted.isActive {
      // Complete behind the fence, or the sync, of the mark.
      try poisoning { () throws(MediumError) in
        try file.beginPersisting(record, synchronizing: false)
      }
    }
    try writeCloseMark(mark)
    durableEnd = tail
    closeOnMedium = CloseOnMedium(record: record, isCertain: true)
  }

  /// Whether appends may go on behind a close record: a seal must fit, and sequences must stay within
  /// 32 bits of the segment's first.
  static func hasRoomToContinue(_ newest: ChainMember, _ scan: TransactionScan) -> Bool {
    scan.acceptedEnd + closingReserve <= newest.file.length
      && scan.nextSequence - newest.header.firstSequence < 1 << 31
  }

  /// Before the first record behind a close record: whoever opens the store after a crash must not
  /// take the bytes behind it for untouched.
  ///
  /// Only where there is room for that record: a close that nothing came behind is not written
  /// again, so it takes no room from the reserve.
  mutating func reopen() throws(StoreError) {
    guard let closeOnMedium else { return }
    try makeCertain(closeOnMedium)
    // The record may become durable only with the mark, so the mark must not count on it.
    if !Mutant.openMarkMissing.isActive {
      try writeCloseMark(closeMark(.open, end: closeOnMedium.record.lowerBound))
    }
    self.closeOnMedium = nil
  }

  /// Closes behind a close record that nothing followed.
  private mutating func closeAgain(_ close: CloseOnMedium) throws(StoreError) {
    guard !close.isCertain else { return }
    try makeCertain(close)
    try writeCloseMark(closeMark(.closed, end: close.record.lowerBound))
    closeOnMedium?.isCertain = true
  }

  /// Writes back what an earlier process may not have lived to see durable; complete behind the mark
  /// that follows.
  private mutating func makeCertain(_ close: CloseOnMedium) throws(StoreError) {
    guard !close.isCertain, !Mutant.closedNotDurable.isActive else { return }
    let file = active.file
    try poisoning { () throws(MediumError) in
      try file.makeDurableAgain(close.record, synchronizing: false)
    }
  }

  private func closeMark(_ state: CloseMark.State, end: Int) -> CloseMark {
    CloseMark(incarnation: incarnation, end: end, nextSequence: nextSequence, state: state)
  }

  private mutating func writeCloseMark(_ mark: CloseMark) throws(StoreError) {
    let segment = active
    try poisoning { () throws(MediumError) in
      try SegmentEncoder.writeCloseMark(mark, segment.binding, to: segment.file)
    }
  }
}
