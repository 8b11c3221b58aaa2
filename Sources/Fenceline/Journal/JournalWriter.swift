// The append right: the one place that writes records. Held under the store's write lock.
//
//   durableEnd            tail
//   ...fenced...|...buffered...|...free...
//
// Invariants:
//   bytes before `durableEnd` were flushed and fenced by one thread that did both; bytes from there
//   to `tail` lie in caches or in the stage, written by any thread, and whoever syncs flushes them
//   `tail == durableEnd` is an ordering point: `tail` is line-aligned and the next record is a
//   batch start
//   at every moment there is room for a seal behind `tail`
//   sequences are never given twice; one that was given to a failed append is lost

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// Appends transactions to the newest segment and moves on to new ones.
struct JournalWriter: ~Copyable {
  let directory: any StoreDirectory
  let map: SegmentMap
  let epochs: ReaderEpochs
  let options: SegmentOptions
  let storeID: StoreID
  let incarnation: UInt64

  var active: MappedSegment
  var tail: Int
  var durableEnd: Int
  var nextSequence: UInt64
  /// What the active segment has records of.
  var digest: KeyDigest
  /// Number of the next segment that is made, whoever makes it.
  var nextSegmentID: UInt32
  /// Where the journal ends with a close record.
  var closeOnMedium: CloseOnMedium?
  var isPoisoned = false {
    didSet { roomLimit = 0 }
  }
  /// The next segment, as soon as it will soon be needed.
  var preparation: SegmentPreparation?
  /// Records that would end behind this offset take the slow way: all of them where something has to be
  /// done, or to be refused, before the next one.
  var roomLimit = 0
  /// This handle has filled a segment.
  var hasRotated = false
  /// It has, since the store last looked.
  var hasNewSegment = false
  /// Bytes that were written to segments before the active one, since the store was created.
  var writtenBefore = 0
  /// Numbers of the segments that are on the medium itself.
  var deepSegments: Set<UInt32> = []

  /// Bytes behind `tail` that only a close and a seal, with their pads, may use, beside the close
  /// record's digest.
  static let closingReserve = 192
  /// Bytes ahead of an append from which on lines are asked for.
  private static let prefetchDistance = 256
  /// Unflushed bytes above which write-back is started early, so that a sync stays short.
  var writeBehindThreshold: Int

  init(
    directory: any StoreDirectory,
    map: SegmentMap,
    epochs: ReaderEpochs,
    options: SegmentOptions,
    storeID: StoreID,
    incarnation: UInt64,
    active: MappedSegment,
    tail: Int,
    nextSequence: UInt64,
    digest: KeyDigest,
    nextSegmentID: UInt32,
    closeOnMedium: CloseOnMedium?,
    writtenBytes: Int
  ) {
    self.directory = directory
    self.map = map
    self.epochs = epochs
    self.options = options
    self.storeID = storeID
    self.incarnation = incarnation
    self.active = active
    self.tail = tail
    durableEnd = tail
    writeBehindThreshold = Self.writeBehindThreshold(of: active)
    self.nextSequence = nextSequence
    self.digest = digest
    self.nextSegmentID = nextSegmentID
    self.closeOnMedium = closeOnMedium
    writtenBefore = writtenBytes - tail
    map.noteCommitted(end, nextSequence: nextSequence, durable: true)
  }

  /// Bytes that were written to the journal since the store was created.
  var writtenBytes: Int { writtenBefore + tail }

  /// From where the journal has to be read by whoever knows everything that is committed.
  ///
  /// A close record that nothing follows is part of what is read. A segment in which nothing was put or
  /// deleted may be replaced by a recovery, so the one before is named in its stead.
  var startOfReplay: JournalPosition {
    let header = active.header
    if digest.isEmpty, header.predecessorID != 0 {
      return JournalPosition(segment: header.predecessorID, offset: header.predecessorEnd)
    }
    let offset = closeOnMedium?.record.lowerBound ?? tail
    return JournalPosition(segment: header.segmentID, offset: offset)
  }

  /// Where the journal ends.
  @inline(__always)
  var end: JournalPosition { JournalPosition(segment: active.binding.segmentID, offset: tail) }

  static func writeBehindThreshold(of segment: MappedSegment) -> Int {
    min(32 << 10, segment.file.length / 8)
  }

  // MARK: Transactions

  /// Commits a transaction of one record.
  ///
  /// - Parameters:
  ///   - kind: put or delete.
  ///   - key: of checked length.
  ///   - value: of checked length; empty for a delete.
  ///   - durable: on return it and everything before it is durable.
  ///   - meanwhile: runs while the record's lines are on their way to the medium, before the fence
  ///     waits for them. The transaction can't be taken back any more.
  /// - Returns: the record's position, as the index takes it.
  /// - Throws: ``StoreError/full(_:)``, ``StoreError/poisoned``,
  ///   ``StoreError/addressSpaceExhausted``, or what the medium says.
  @inline(__always)
  mutating func commit(
    _ kind: RecordKind,
    key: RawSpan,
    value: RawSpan,
    durable: Bool,
    meanwhile: () -> Void
  ) throws(StoreError) -> UInt64 {
    let shape = RecordShape(
      flags: Self.flags(valueLength: value.byteCount),
      keyLength: key.byteCount,
      valueLength: value.byteCount
    )
    try makeRoom(for: shape.totalLength, records: 1, onlyDeletes: kind == .delete)
    let sequence = takeSequence()
    let offset = tail
    active.file.prefetchAppends(from: tail + Self.prefetchDistance)
    try write(
      kind,
      flags: .wholeTransaction,
      key: key,
      value: value,
      sequence: sequence,
      flushed: durable,
      endsBatch: durable
    )
    meanwhile()
    let flushedFrom = Mutant.durableCommitFlushesOwnOnly.isActive ? durableEnd : offset
    try finish(durable: durable, flushedFrom: durable ? flushedFrom : tail)
    map.noteCommitted(end, nextSequence: nextSequence, durable: durable)
    return active.unit(at: offset)
  }

  /// Commits the records of one transaction.
  ///
  /// - Parameters:
  ///   - batch: what to write.
  ///   - durable: on return it and everything before it is durable.
  ///   - meanwhile: as for one record.
  /// - Returns: where the records stand in the active segment, in order, and where the last one ends; none
  ///   where there is nothing to write.
  /// - Throws: as for one record.
  mutating func commit(
    _ batch: borrowing WriteBatch,
    durable: Bool,
    meanwhile: () -> Void
  ) throws(StoreError) -> [Int] {
    let count = batch.finalCount
    guard count > 0 else {
      if durable { try sync() }
      return []
    }
    let length = batch.journalLength { keyLength, valueLength in
      RecordShape(
        flags: Self.flags(valueLength: valueLength),
        keyLength: keyLength,
        valueLength: valueLength
      ).totalLength
    }
    // The count field of the last record may cost 8 bytes.
    if batch.expires { try beginExpiring(roomFor: length + 8, records: count) }
    try makeRoom(for: length + 8, records: count, onlyDeletes: batch.onlyDeletes)
    var sequence = takeSequence()
    var offsets: [Int] = []
    offsets.reserveCapacity(count + 1)
    let file = active.file
    try batch.forEachFinal { (_, kind, key, value, expiry) throws(StoreError) in
      var flags = RecordFlags()
      if offsets.isEmpty, !Mutant.beginMarkMissing.isActive || count == 1 {
        flags.insert(.transactionBegin)
      }
      if offsets.count == count - 1 {
        flags.insert(.transactionEnd)
        if count > 1 { flags.insert(.transactionCount) }
      }
      if Mutant.transactionSplit.isActive {
        flags = .wholeTransaction
        sequence = offsets.isEmpty ? sequence : takeSequence()
      }
      offsets.append(tail)
      file.prefetchAppends(from: tail + Self.prefetchDistance)
      try write(
        kind,
        flags: flags,
        key: key,
        value: value,
        sequence: sequence,
        transactionCount: UInt32(truncatingIfNeeded: count),
        expiry: expiry,
        flushed: false,
        endsBatch: false
      )
    }
    offsets.append(tail)
    meanwhile()
    try finish(durable: durable, flushedFrom: tail)
    map.noteCommitted(end, nextSequence: nextSequence, durable: durable)
    return offsets
  }

  /// Makes everything committed durable: the ordering point.
  mutating func sync() throws(StoreError) {
    try checkUsable()
    try persist(flushedFrom: tail)
    map.noteDurable(end)
    epochs.reclaim()
  }

  /// From the persistence domain to the medium itself, where the two differ.
  mutating func deepSync() throws(StoreError) {
    try sync()
    let shallow = map.segments.filter { !deepSegments.contains($0.header.segmentID) }
    try poisoning { () throws(MediumError) in
      for segment in shallow { try segment.file.deepPersist() }
    }
    deepSegments.formUnion(shallow.map(\.header.segmentID))
    // The active one goes on changing.
    deepSegments.remove(active.header.segmentID)
  }

  // MARK: Records

  /// Bytes of the put, or the delete with an empty value, of a transaction of its own, without a pad.
  @inline(__always)
  static func recordLength(key: Int, value: Int) -> Int {
    RecordShape(flags: flags(valueLength: value), keyLength: key, valueLength: value).totalLength
  }

  private static func flags(valueLength: Int) -> RecordFlags {
    valueLength > RecordLimit.chunkSize ? .chunkChecksums : RecordFlags(rawValue: 0)
  }

  private mutating func takeSequence() -> UInt64 {
    defer { nextSequence += 1 }
    return nextSequence
  }

  /// Writes one record at `tail`, for which there is room, and moves `tail` behind it.
  ///
  /// - Parameters:
  ///   - kind: what the record does.
  ///   - extraFlags: its place in the transaction; flags that follow from lengths and from `tail`
  ///     are added.
  ///   - key: empty for a record of the journal's own.
  ///   - value: empty where the kind has none.
  ///   - sequence: its transaction's.
  ///   - transactionCount: records of its transaction; written where the flags announce it.
  ///   - expiry: when the value ends.
  ///   - flushed: its lines need only a fence afterwards.
  ///   - endsBatch: an ordering point follows: the rest of the line is padded.
  /// - Throws: ``StoreError/poisoned`` where a long value could not be copied whole.
  @inline(__always)
  mutating func write(
    _ kind: RecordKind,
    flags extraFlags: RecordFlags,
    key: RawSpan,
    value: RawSpan,
    sequence: UInt64,
    transactionCount: UInt32 = 1,
    expiry: Expiry? = nil,
    flushed: Bool,
    endsBatch: Bool
  ) throws(StoreError) {
    var flags = extraFlags.union(Self.flags(valueLength: value.byteCount))
    if expiry != nil { flags.insert(.expiry) }
    if tail == durableEnd || claimsBatchStart(flags) { flags.insert(.batchStart) }
    let keyCheck = Checksum.keyCheck(key)
    let header = RecordHeader(
      kind: kind,
      flags: flags,
      keyLength: key.byteCount,
      valueLength: value.byteCount,
      sequenceOffset: UInt32(sequence - active.binding.firstSequence),
      keyCheck: keyCheck
    )
    var fields = RecordFields()
    fields.transactionCount = transactionCount
    fields.expiry = expiry?.millisecondsSince1970 ?? 0
    let record = RecordEncoder(
      header: header,
      fields: fields,
      offset: tail,
      binding: active.binding
    )
    let length: Int
    if flags.contains(.chunkChecksums) {
      length = record.writeChunked(key: key, value: value, endsBatch: endsBatch, to: active.file)
      guard length > 0 else {
        isPoisoned = true
        throw .poisoned
      }
    } else {
      length = record.write(
        key: key,
        value: value,
        flushed: flushed,
        endsBatch: endsBatch,
        to: active.file
      )
    }
    tail += length
    if kind == .put || kind == .delete {
      digest.add(keyCheck: keyCheck, endsTransaction: flags.contains(.transactionEnd))
    }
  }

  /// Whether a record at `tail` with `flags` claims an ordering point that was none.
  @inline(__always)
  private func claimsBatchStart(_ flags: RecordFlags) -> Bool {
    Mutant.batchStartUnproven.isActive && flags.contains(.transactionBegin)
      && tail.isMultiple(of: RecordLimit.lineSize)
  }

  /// After the records of a transaction: the ordering point, or early write-back.
  @inline(__always)
  private mutating func finish(durable: Bool, flushedFrom: Int) throws(StoreError) {
    if durable { return try persist(flushedFrom: flushedFrom) }
    try writeBehindIfLong()
  }

  /// Starts the write-back of a long stretch that nobody has synced.
  ///
  /// Whoever streams a record calls this or `persist` before the append right goes on: what was
  /// streamed is completed, and seen by other threads, only behind its own thread's fence. No
  /// streamed record is short enough to be left.
  @inline(__always)
  mutating func writeBehindIfLong() throws(StoreError) {
    if tail - durableEnd > writeBehindThreshold { try writeBehind() }
  }

  private mutating func writeBehind() throws(StoreError) {
    let file = active.file
    let range = durableEnd..<tail
    let end = try poisoning { () throws(MediumError) in try file.writeBehind(range) }
    if let end { durableEnd = end }
  }

  /// Pads the last line, then makes everything up to `tail` durable: one fence, one device flush.
  @inline(__always)
  mutating func persist(flushedFrom: Int) throws(StoreError) {
    guard tail > durableEnd else { return }
    var flushedFrom = flushedFrom
    if !tail.isMultiple(of: RecordLimit.lineSize) {
      let wasFlushed = flushedFrom < tail
      precondition(!wasFlushed, "a flushed line is not written again")
      tail += RecordEncoder.writePad(at: tail, binding: active.binding, to: active.file)
      flushedFrom = tail
    }
    let file = active.file
    let range = durableEnd..<tail
    try poisoning { () throws(MediumError) in
      try file.persist(range, flushedFrom: min(flushedFrom, range.upperBound))
    }
    durableEnd = tail
  }
}
