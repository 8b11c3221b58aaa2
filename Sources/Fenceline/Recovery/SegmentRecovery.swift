// What one segment holds: its complete transactions, as positions and hashes, and a judgement on
// the place where it stops. Runs on a worker thread; touches nothing but the segment.
//
//   stops at the end that its successor states        complete
//   newest segment, nothing valid follows the stop     torn tail: an unfinished write, cut off
//   anything else                                      damage

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// What reading one segment gave.
struct SegmentRecovery: Sendable {
  private(set) var entries = RecoveredEntries()
  /// The digest of the segment; only for segments that a writer may have to describe.
  var digest: [UInt16] = []
  /// Where digests stand that close records hold.
  var closeDigests: [Range<Int>] = []
  /// Where the description of the segment before stands.
  var predecessorDigest: Range<Int>?
  var scan: TransactionScan?
  /// Records in complete transactions, on both sides of damage.
  private(set) var recordCount = 0
  var damage: [StoreDamage] = []
  /// Bytes of an unfinished write behind the accepted end.
  var hasTornTail = false
  /// The close mark says that nothing was written behind the close record with which it ends.
  var isClosed = false
  /// The close mark says that there is a successor.
  var isFollowed = false
  var failure: StoreError?
  /// Entries of transactions before the marks that were asked for.
  private(set) var countBeforeStart = 0
  private var countBeforeEnd = 0
  /// As they stand.
  private var found: [RecoveredEntry] = []

  private let options: SegmentReading
  /// What the close mark said before the journal was read: of what a writer does meanwhile it must not say
  /// more than was read.
  private var mark: CloseMark?

  /// Reads `member`.
  ///
  /// - Parameters:
  ///   - member: the segment, with its header read.
  ///   - options: how.
  init(of member: ChainMember, _ options: SegmentReading) {
    self.options = options
    let needed = Self.memory(for: member, options)
    guard Memory.claim(needed) else {
      failure = .noMemory(for: member.file.path)
      return
    }
    defer { Memory.release(needed) }
    defer {
      entries = RecoveredEntries(found, startMark: countBeforeStart, endMark: countBeforeEnd)
      found = []
    }
    do {
      try translatingErrors { () throws(MediumError) in
        try member.file.withGuardedBytes(0..<member.length) { (bytes) in read(bytes, member) }
      }
    } catch {
      for number in damage.indices { damage[number].nameMemoryError(in: member.file) }
      // Before an end that is known zeros are damage like any other, which has been noted.
      if !damage.isEmpty, isEndKnown(of: member) { return }
      // What could be read stays readable; what could not may have been anything.
      let unknown = StoreDamage(
        error,
        in: member.header.segmentID,
        firstLost: member.header.firstSequence,
        nextSequence: member.nextSequence
      )
      damage.insert(unknown, at: 0)
    }
  }

  /// Bytes that a segment's entries take at most while it is read, and the copy that is read where the file
  /// is not guarded.
  private static func memory(for member: ChainMember, _ options: SegmentReading) -> Int {
    let count = mostEntries(in: max(0, member.length - options.start))
    let mark = options.collectsDigest ? 3 * MemoryLayout<UInt16>.stride : 0
    // They are grouped by copying them.
    let entry = options.collectsEntries ? 2 * MemoryLayout<RecoveredEntry>.stride : 0
    let copy = member.file.isGuarded ? 0 : member.length
    return count * (entry + mark) + copy
  }

  /// Entries for which room is made in advance.
  private static func mostEntries(in length: Int) -> Int {
    min(1 << 20, length / RecordLimit.smallestRecord)
  }

  /// Whether every page that can't be read lies before the segment's end.
  private func isEndKnown(of member: ChainMember) -> Bool {
    if member.statedEnd != nil || isClosed { return true }
    guard let end = scan?.acceptedEnd, end < member.length else { return scan != nil }
    return member.file.isGuarded && member.file.firstFault(in: end..<member.length) == nil
  }

  private mutating func read(_ bytes: RawSpan, _ member: ChainMember) {
    let limit = min(member.statedEnd ?? bytes.byteCount, bytes.byteCount)
    mark = Self.closeMark(bytes, member)
    isFollowed = member.isCompacted || mark?.state == .followed
    var start = options.start
    var before = JournalNeighbour.record
    while true {
      let scan = scan(bytes, member, from: start, behind: before, limit: limit)
      guard let stop = scan.stop else {
        checkEnd(scan, bytes, member)
        return
      }
      if case .unknownFlags = stop.fault {
        failure = stop.error(in: member.file.path)
        return
      }
      let reader = JournalReader(binding: member.binding, from: stop.offset, limit: limit)
      // Nothing is written behind a close before its mark says otherwise.
      let isClosed = member.statedEnd == nil && Self.isClosed(bytes, member, scan)
      if member.statedEnd == nil,
        isClosed || !provesMore(reader, bytes, member, after: scan, stop)
      {
        hasTornTail = Self.isWritten(bytes, from: scan.acceptedEnd, limit: limit)
        self.isClosed = isClosed
        checkEnd(scan, bytes, member)
        return
      }
      if member.statedEnd == nil, isStillBeingWritten(bytes, member, scan, limit: limit) {
        (start, before) = (scan.acceptedEnd, scan.last)
        mark = Self.closeMark(bytes, member)
        continue
      }
      // Damage: go on at the next transaction, so that undamaged keys can be read.
      let resumed = reader.firstTransactionBegin(in: bytes, from: stop.offset + 8)
      note(stop, after: scan, resumed, bytes, member, limit: limit)
      guard let resumed else {
        // Behind a close mark that was opened again nobody knows how much a cut took.
        let isOpen = mark.map { $0.state == .open } ?? true
        if member.statedEnd == nil, member.isCutOff, isOpen { checkEnd(scan, bytes, member) }
        return
      }
      (start, before) = (resumed.offset, .record)
    }
  }

  /// Takes complete transactions from `start` up to the first thing that fails.
  private mutating func scan(
    _ bytes: RawSpan,
    _ member: ChainMember,
    from start: Int,
    behind before: JournalNeighbour,
    limit: Int
  ) -> TransactionScan {
    var found: [RecoveredEntry] = []
    // Address space alone: a record takes more than an entry, and pages that are not used cost nothing.
    if options.collectsEntries { found.reserveCapacity(Self.mostEntries(in: limit - start)) }
    var marks: [UInt16] = []
    // Copies: a closure that had self would copy all of it for each record.
    var (countBeforeStart, countBeforeEnd) = (countBeforeStart, countBeforeEnd)
    let (options, header) = (options, member.header)
    let scan = TransactionScan(
      bytes,
      binding: member.binding,
      from: start,
      behind: before,
      lowestSequence: start == options.start ? options.lowestSequence : nil,
      limit: limit
    ) {
      if options.collectsEntries, options.shows($0, of: header),
        !options.skipsKnown || $0.sequence >= options.startMark
      {
        found.append(RecoveredEntry($0, in: bytes, hashSeed: options.hashSeed))
        if $0.sequence < options.startMark { countBeforeStart += 1 }
        if $0.sequence < options.endMark { countBeforeEnd += 1 }
      }
      guard options.collectsDigest else { return }
      let endsTransaction = $0.flags.contains(.transactionEnd)
      marks.append(
        DigestEntry(keyCheck: $0.keyCheck, endsTransaction: endsTransaction).rawValue
      )
    }
    (self.countBeforeStart, self.countBeforeEnd) = (countBeforeStart, countBeforeEnd)
    // The array itself where nothing was there: it may be long.
    self.found = self.found.isEmpty ? found : self.found + found
    digest += marks
    closeDigests += scan.closeDigests
    predecessorDigest = predecessorDigest ?? scan.predecessorDigest
    self.scan = scan
    recordCount += scan.recordCount
    return scan
  }

  /// Notes where a segment ends before the point that is known to have been written.
  private mutating func checkEnd(
    _ scan: TransactionScan,
    _ bytes: RawSpan,
    _ member: ChainMember
  ) {
    // A compaction merges segments by their sequences: they must not overlap.
    if let nextSequence = member.nextSequence, scan.nextSequence > nextSequence {
      damage.append(
        StoreDamage(
          harmless: .corrupt(file: member.file.path, offset: scan.acceptedEnd, cause: .recordOrder)
        )
      )
    }
    let isComplete: Bool
    if let statedEnd = member.statedEnd {
      isComplete = scan.acceptedEnd == statedEnd
    } else if let mark, mark.state != .open,
      !Mutant.closeMarkProvesNothing.isActive
    {
      isComplete = scan.acceptedEnd >= mark.end
    } else {
      isComplete = !member.isCutOff && !(member.isSuspect && hasTornTail)
    }
    guard !isComplete else { return }
    damage.append(
      StoreDamage(
        .corrupt(file: member.file.path, offset: scan.acceptedEnd, cause: .journalEndsEarly),
        in: member.header.segmentID,
        firstLost: scan.nextSequence,
        nextSequence: member.nextSequence
      )
    )
  }

  /// Notes damage between the accepted end and the transaction at which reading goes on, or the end
  /// that is known; takes the records between that are whole.
  ///
  /// Their transactions were committed: something durable came later.
  private mutating func note(
    _ stop: ScanStop,
    after scan: TransactionScan,
    _ resumed: JournalRecord?,
    _ bytes: RawSpan,
    _ member: ChainMember,
    limit: Int
  ) {
    let nextSequence = resumed?.sequence ?? member.nextSequence ?? mark?.nextSequence
    var knownEnd = resumed?.offset ?? limit
    if resumed == nil, member.statedEnd == nil { knownEnd = min(limit, mark?.end ?? 0) }
    var salvaged: [SalvagedRecord] = []
    let reader = JournalReader(binding: member.binding, from: scan.acceptedEnd, limit: knownEnd)
    var found: [RecoveredEntry] = []
    reader.forEachWholeRecord(in: bytes, from: scan.acceptedEnd) { (record) in
      guard record.isPut || record.isA(.delete),
        record.sequence >= salvaged.last?.sequence ?? scan.nextSequence,
        record.sequence < nextSequence ?? 0
      else { return }
      if options.collectsEntries, options.shows(record, of: member.header) {
        found.append(RecoveredEntry(record, in: bytes, hashSeed: options.hashSeed))
      }
      salvaged.append(
        SalvagedRecord(
          sequence: record.sequence,
          keyMark: DigestEntry.mark(record.keyCheck)
        )
      )
    }
    self.found += found
    damage.append(
      Self.damage(
        stop,
        member,
        firstLost: scan.nextSequence,
        nextSequence: nextSequence,
        salvaged: salvaged,
        damagedRecords: reader.damagedRecords(in: bytes),
        end: resumed?.offset
      )
    )
  }

  /// Whether the newest segment is known to have been durable beyond the stop.
  private func provesMore(
    _ reader: JournalReader,
    _ bytes: RawSpan,
    _ member: ChainMember,
    after scan: TransactionScan,
    _ stop: ScanStop
  ) -> Bool {
    if let mark, scan.acceptedEnd < mark.end,
      !Mutant.closeMarkProvesNothing.isActive
    {
      return true
    }
    return reader.firstBatchStart(in: bytes, from: stop.offset + 1) != nil
      && !Mutant.batchStartProvesNothing.isActive
  }

  /// Whether the record at the stop has become valid meanwhile: a reader beside a writer.
  private func isStillBeingWritten(
    _ bytes: RawSpan,
    _ member: ChainMember,
    _ scan: TransactionScan,
    limit: Int
  ) -> Bool {
    let again = TransactionScan(
      bytes,
      binding: member.binding,
      from: scan.acceptedEnd,
      behind: scan.last,
      // As the next look at it takes it, or this would never end.
      lowestSequence: scan.nextSequence,
      limit: limit,
      visit: { _ in }
    )
    return again.acceptedEnd > scan.acceptedEnd
  }

  /// The close mark, where one was written in this incarnation and is whole.
  private static func closeMark(_ bytes: RawSpan, _ member: ChainMember) -> CloseMark? {
    let mark = CloseMark(verifying: bytes, member.binding)
    return mark?.incarnation == member.header.incarnation ? mark : nil
  }

  private static func damage(
    _ stop: ScanStop,
    _ member: ChainMember,
    firstLost: UInt64,
    nextSequence: UInt64?,
    salvaged: [SalvagedRecord],
    damagedRecords: [DamagedRecord],
    end: Int?
  ) -> StoreDamage {
    var lostKeys = LostKeys.any
    // One key only if just this record is missing: a page may have taken its neighbours along.
    if case .body(let check, let isWholeTransaction) = stop.fault, isWholeTransaction,
      nextSequence == firstLost &+ 1
    {
      lostKeys = .marked([DigestEntry.mark(check): firstLost])
    }
    return StoreDamage(
      stop.error(in: member.file.path),
      in: member.header.segmentID,
      firstLost: firstLost,
      nextSequence: nextSequence,
      salvaged: salvaged,
      damagedRecords: damagedRecords,
      end: end,
      lostKeys: lostKeys
    )
  }

  /// Whether appends may go on behind the accepted end: it is a close record with its pad, and the
  /// close mark says that nothing was written behind it.
  private static func isClosed(
    _ bytes: RawSpan,
    _ member: ChainMember,
    _ scan: TransactionScan
  ) -> Bool {
    guard scan.endsWithClose, scan.acceptedEnd.isMultiple(of: RecordLimit.lineSize),
      let mark = closeMark(bytes, member)
    else { return false }
    return (mark.state == .closed || Mutant.openMarkIgnored.isActive)
      && mark.end == scan.lastBatchStart
  }

  /// Whether anything seems to stand behind the accepted end, as far as fresh segments are zero.
  private static func isWritten(_ bytes: RawSpan, from start: Int, limit: Int) -> Bool {
    start + 8 <= limit && bytes.littleEndian(at: start, as: UInt64.self) != 0
  }
}

extension ScanStop {
  /// What is wrong there, for people.
  func error(in file: FilePath) -> StoreError {
    switch fault {
    case .unknownFlags(let flags) where !isMisplaced:
      .newerFormat(file: file, feature: "record flags 0x\(String(flags, radix: 16))")
    case .header, .length, .unknownFlags:
      .corrupt(file: file, offset: offset, cause: isMisplaced ? .recordOrder : .recordHeader)
    case .body: .corrupt(file: file, offset: offset, cause: .recordBody)
    }
  }
}

extension CloseMark {
  /// The mark in a segment's first page, or nil where its checksum does not hold.
  init?(verifying page: RawSpan, _ binding: SegmentBinding) {
    self.init(decodingFirstPage: page)
    let start = SegmentField.closeMark
    let crc = Checksum.crc32c(
      page.extracting(start..<start + CloseMarkField.checksum),
      continuing: binding.seed
    )
    guard crc == checksum || Mutant.closeMarkUnchecked.isActive else { return nil }
  }
}
