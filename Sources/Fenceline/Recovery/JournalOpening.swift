// From a directory to an open journal: read everything, build the index, and, for writing, make the
// decision durable that everything later builds on.
//
// Writing after a crash, in this order:
//   1. accept complete transactions up to the first thing that fails
//   2. make the newest segment's accepted bytes durable again (they may be dirty in a cache)
//   3. create the next segment, whose header states that end and a first sequence beyond any that
//      could have been used; header durable, then its name: this is the decision
// A crash before the end of 3 repeats everything with the same result. The torn segment itself is
// never written to. After an orderly close nothing was torn, and appends go on behind the close
// record.

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// An open journal and the index over it.
struct JournalOpening {
  let map = SegmentMap()
  let index = HashIndex()
  let epochs = ReaderEpochs()
  let hashSeed: UInt64
  private(set) var damage: [StoreDamage] = []
  private(set) var report = RecoveryReport()
  private var chain: SegmentChain
  private var newestScan: TransactionScan?
  /// Digests of the newest segment and of the one before, for a writer that has to describe them.
  private var newestDigest: [UInt16] = []
  private var digestBeforeNewest: [UInt16] = []
  private var digestPlaces: [DigestPlace] = []

  /// Reads the journal in `directory` and changes nothing.
  ///
  /// - Parameters:
  ///   - directory: where the segments are; it may hold none.
  ///   - progress: gets the number of segments read and the number of all.
  /// - Throws: as `SegmentChain.init(in:)`, and ``StoreError/addressSpaceExhausted``. Damaged
  ///   records are noted in `damage`.
  init(
    reading directory: any StoreDirectory,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws(StoreError) {
    let seed = try Random.word()
    let found = try SegmentChain(in: directory)
    hashSeed = seed
    chain = found
    damage = found.damage
    try recover(progress)
    if !damage.isEmpty { narrowDamage() }
  }

  /// Whether there is a store at all.
  var isEmpty: Bool { chain.members.isEmpty }
  var foreignNames: [String] { chain.foreignNames }
  /// What is wrong with bytes that are kept for emergencies only.
  var spareFindings: [StoreError] { chain.spareFindings }
  var storeID: StoreID? { chain.members.first?.header.storeID }

  // MARK: Reading

  private mutating func recover(_ progress: (Int, Int) -> Void) throws(StoreError) {
    let members = chain.members
    let seed = hashSeed
    // A wave of segments at a time bounds the memory that entries take on their way to the index. A
    // small store is read before another thread would have started.
    let length = members.reduce(0) { $0 + $1.file.length }
    let wave = length < Self.smallestParallelLength ? 1 : Parallel.processorCount
    for first in stride(from: 0, to: members.count, by: wave) {
      let results = Parallel.map(min(wave, members.count - first)) { offset in
        let number = first + offset
        return SegmentRecovery(
          of: members[number],
          collectsDigest: number + 2 >= members.count,
          hashSeed: seed
        )
      }
      for (offset, result) in results.enumerated() {
        try accept(result, of: members[first + offset])
        progress(first + offset + 1, members.count)
      }
    }
  }

  /// Bytes of segments from which on threads are worth their start.
  private static let smallestParallelLength = 1 << 20

  private mutating func accept(
    _ result: SegmentRecovery,
    of member: ChainMember
  ) throws(StoreError) {
    if let failure = result.failure { throw failure }
    let segment = try map.add(member.file, member.header)
    for entry in result.entries {
      let unit = segment.unit(at: entry.offset)
      index.growIfNeeded()
      let place = unsafe try index.locate(entry.hash) { (candidate) throws(StoreError) in
        try map.keysMatch(candidate, unit)
      }
      if entry.isDelete {
        unsafe index.remove(place)
      } else {
        unsafe index.set(place, entry.hash, to: unit)
      }
    }
    damage += result.damage
    for value in result.closeDigests {
      digestPlaces.append(DigestPlace(file: member.file, value: value, describes: nil, in: member))
    }
    if let value = result.predecessorDigest {
      digestPlaces.append(
        DigestPlace(
          file: member.file,
          value: value,
          describes: member.header.predecessorID,
          in: member
        )
      )
    }
    digestBeforeNewest = newestDigest
    newestDigest = result.digest
    newestScan = result.scan
    report.recordCount += result.scan?.recordCount ?? 0
    report.journalBytes += result.scan?.acceptedEnd ?? 0
    report.hasTornTail = result.hasTornTail
    report.wasClosed = result.isClosed
  }

  /// Finds out whom damage concerns.
  private mutating func narrowDamage() {
    let newest = chain.members.last?.header.segmentID ?? 0
    for index in damage.indices {
      let id = damage[index].segmentID
      // A store that was closed in order has nothing behind its newest segment.
      if id > newest, report.wasClosed { damage[index].becomeHarmless() }
      let digests = digestPlaces.filter { $0.segmentID == id }.compactMap { $0.read() }
      damage[index].narrow(with: digests)
    }
  }

  // MARK: Writing

  /// Goes on writing where the journal ends, durably decided.
  mutating func beginWriting(
    in directory: any StoreDirectory,
    sizes: SegmentSizes
  ) throws(StoreError) -> JournalWriter {
    if let damage = damage.first { throw damage.error }
    if isEmpty { return try createStore(in: directory, sizes: sizes) }
    try chain.openNewestForWriting(in: directory)
    guard let scan = newestScan, let newest = chain.members.last else {
      preconditionFailure("a chain has a newest segment that was read")
    }
    let writer =
      report.wasClosed && JournalWriter.hasRoomToContinue(newest, scan)
      ? try continueAfterClose(newest, scan, in: directory, sizes: sizes)
      : try decide(newest, scan, in: directory, sizes: sizes)
    removeLeftovers(in: directory)
    return writer
  }

  private mutating func continueAfterClose(
    _ newest: ChainMember,
    _ scan: TransactionScan,
    in directory: any StoreDirectory,
    sizes: SegmentSizes
  ) throws(StoreError) -> JournalWriter {
    let tail = scan.acceptedEnd
    let granuleStart = tail / SegmentMap.granuleSize * SegmentMap.granuleSize
    try translatingErrors { () throws(MediumError) in
      try newest.file.makeDurableAgain(scan.lastBatchStart..<tail)
      try newest.file.beginAppending(at: tail, sharing: granuleStart..<tail)
    }
    let active = map.replaceNewest(with: newest.file)
    map.redirectToAppends(of: active, from: granuleStart)
    return writer(
      in: directory,
      sizes: sizes,
      active: active,
      header: newest.header,
      tail: tail,
      nextSequence: scan.nextSequence,
      digest: newestDigest,
      isClosed: true
    )
  }

  private mutating func decide(
    _ newest: ChainMember,
    _ scan: TransactionScan,
    in directory: any StoreDirectory,
    sizes: SegmentSizes
  ) throws(StoreError) -> JournalWriter {
    try translatingErrors { () throws(MediumError) in
      try newest.file.makeDurableAgain(0..<scan.acceptedEnd)
    }
    // Lost records may have used sequences: as many as fit behind the accepted end.
    let possiblyUsed = (newest.file.length - scan.acceptedEnd) / RecordLimit.smallestRecord + 1
    let isNewestEmpty = scan.isEmpty
    let described = isNewestEmpty ? chain.members.dropLast().last : newest
    let digest = isNewestEmpty ? digestBeforeNewest : newestDigest
    let id = chain.highestID + 1
    let header = SegmentHeader(
      storeID: newest.header.storeID,
      segmentID: id,
      // A segment in which nothing was accepted is replaced, not followed.
      predecessorID: isNewestEmpty ? newest.header.predecessorID : newest.header.segmentID,
      incarnation: newest.header.incarnation + 1,
      capacity: 0,
      firstSequence: scan.nextSequence + UInt64(possiblyUsed),
      predecessorEnd: isNewestEmpty ? newest.header.predecessorEnd : scan.acceptedEnd,
      createdAt: Clock.nanosecondsSince1970()
    )
    if isNewestEmpty { map.removeNewest() }
    let active = try create(
      header,
      in: directory,
      sizes: sizes,
      preferring: described == nil ? 0 : KeyDigest.segmentRecordLength(digest.count)
    )
    if isNewestEmpty {
      try? directory.removeSegment(named: newest.name)
    } else {
      // Decided, durably: nothing behind the accepted end will be read again.
      newest.file.settle(at: scan.acceptedEnd)
    }
    var writer = writer(
      in: directory,
      sizes: sizes,
      active: active,
      header: header,
      tail: SegmentField.journalStart,
      nextSequence: header.firstSequence,
      digest: [],
      isClosed: false
    )
    if let described { try writer.describe(described.header, digest, leaving: 0) }
    return writer
  }

  private mutating func createStore(
    in directory: any StoreDirectory,
    sizes: SegmentSizes
  ) throws(StoreError) -> JournalWriter {
    let header = SegmentHeader(
      storeID: StoreID(low: try Random.word(), high: try Random.word()),
      segmentID: 1,
      predecessorID: 0,
      incarnation: 1,
      capacity: 0,
      firstSequence: 1,
      predecessorEnd: 0,
      createdAt: Clock.nanosecondsSince1970()
    )
    let active = try create(header, in: directory, sizes: sizes, preferring: 0)
    directory.synchronizeName()
    return writer(
      in: directory,
      sizes: sizes,
      active: active,
      header: header,
      tail: SegmentField.journalStart,
      nextSequence: 1,
      digest: [],
      isClosed: false
    )
  }

  private mutating func create(
    _ header: SegmentHeader,
    in directory: any StoreDirectory,
    sizes: SegmentSizes,
    preferring extra: Int
  ) throws(StoreError) -> MappedSegment {
    let name = SegmentName.name(of: header.segmentID)
    let file = try SegmentSizing(sizes: sizes, journalBytes: report.journalBytes)
      .create(name, roomFor: RecordLimit.smallestRecord, preferring: extra, in: directory)
    var header = header
    header.capacity = file.length
    let finished = header
    try translatingErrors { () throws(MediumError) in
      try SegmentEncoder.writeHeader(finished, to: file)
      try directory.publishSegment(named: name)
      try directory.synchronize()
    }
    let active = try map.add(file, finished)
    map.redirectToAppends(of: active, from: 0)
    return active
  }

  private func writer(
    in directory: any StoreDirectory,
    sizes: SegmentSizes,
    active: MappedSegment,
    header: SegmentHeader,
    tail: Int,
    nextSequence: UInt64,
    digest: [UInt16],
    isClosed: Bool
  ) -> JournalWriter {
    JournalWriter(
      directory: directory,
      map: map,
      epochs: epochs,
      sizes: sizes,
      storeID: header.storeID,
      incarnation: header.incarnation,
      active: active,
      tail: tail,
      nextSequence: nextSequence,
      digest: KeyDigest(entries: digest, nextSequence: nextSequence),
      journalBytes: report.journalBytes - (isClosed ? tail : 0),
      isClosedOnMedium: isClosed
    )
  }

  /// Files that no history needs; a failure leaves them for the next opening.
  private func removeLeftovers(in directory: any StoreDirectory) {
    for name in chain.leftovers { try? directory.removeSegment(named: name) }
  }
}

/// A digest in the journal, read where damage makes it matter.
private struct DigestPlace {
  let file: SegmentFile
  let value: Range<Int>
  /// The segment that is described.
  let segmentID: UInt32
  private let isWholeSegment: Bool

  /// The value of a close record of `member`, or of its record that `describes` another segment.
  init(file: SegmentFile, value: Range<Int>, describes: UInt32?, in member: ChainMember) {
    self.file = file
    self.value = value
    segmentID = describes ?? member.header.segmentID
    isWholeSegment = describes != nil
  }

  func read() -> SegmentDigest? {
    let isWholeSegment = isWholeSegment
    let digest = try? file.withGuardedBytes(value) { (bytes) -> SegmentDigest? in
      guard isWholeSegment else { return SegmentDigest(closeValue: bytes) }
      return SegmentHeader(verifying: bytes, at: SegmentDigestField.header)
        .map { SegmentDigest(segmentValue: bytes, $0) }
    }
    return digest ?? nil
  }
}

/// What opening found.
struct RecoveryReport: Sendable {
  /// Records in accepted transactions.
  var recordCount = 0
  /// Bytes of all segments up to their accepted ends.
  var journalBytes = 0
  /// An unfinished write was cut off.
  var hasTornTail = false
  /// The journal ended with a close record.
  var wasClosed = false
}
