// From a directory to an open journal: read everything, build the index, and find out whom damage
// concerns. Changes nothing; JournalOpening+Writing.swift goes on from here.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// An open journal and the index over it.
struct JournalOpening {
  /// What an opening makes of an index image.
  enum ImageUse {
    /// Reads everything, and builds no index: only to say what is wrong.
    case noIndex
    /// Reads everything.
    case none
    /// Fills the table from it.
    case load
    /// Looks keys up in it, where that is possible.
    case lookUp
  }

  let map = SegmentMap()
  private(set) var index = HashIndex()
  let epochs = ReaderEpochs()
  let hashSeed: UInt64
  private(set) var damage: [StoreDamage] = []
  private(set) var report = RecoveryReport()
  var chain: SegmentChain
  private(set) var newestScan: TransactionScan?
  /// Digest of the newest segment, for a writer that has to describe it.
  private(set) var newestDigest: [UInt16] = []
  private var digestPlaces: [DigestPlace] = []
  /// The newest segment that is there says that another one came.
  private var isNewestFollowed = false
  /// The image that was used, and how.
  private let plan: ReplayPlan?
  private let use: ImageUse
  /// The changes that were used with it.
  let changes: OpenedChanges
  /// Bytes that were written to the journal since the store was created.
  private(set) var writtenBytes = 0
  /// Where reading ended, by segment.
  private var acceptedEnds: [UInt32: Int] = [:]
  private var hasPrefaulted = false
  /// Transactions behind this one are left out; nil where the present is read.
  private let newestSequence: UInt64?

  /// Reads the journal in `directory` and changes nothing.
  ///
  /// - Parameters:
  ///   - directory: where the segments are; it may hold none.
  ///   - use: what to make of an index image that is there; one that does not fit is passed over.
  ///   - seed: of the keys' hashes, where no image gives it; nil for a random one.
  ///   - progress: gets the number of segments read and the number of all.
  /// - Returns: the journal, its damage noted.
  /// - Throws: as `SegmentChain.init(in:)`, and ``StoreError/addressSpaceExhausted``.
  static func read(
    _ directory: any StoreDirectory,
    image use: ImageUse = .none,
    hashSeed seed: UInt64? = nil,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws(StoreError) -> JournalOpening {
    let chain = try SegmentChain(in: directory)
    if use == .load || use == .lookUp, chain.damage.isEmpty,
      let opening = Self(chain, in: directory, beside: use)
    {
      return opening
    }
    let hashSeed = if let seed { seed } else { try Random.word() }
    return try Self(chain, in: directory, hashSeed, use == .noIndex ? .noIndex : .none, progress)
  }

  /// Reads the journal in `directory` as it was behind a transaction.
  ///
  /// - Parameters:
  ///   - directory: where the segments are.
  ///   - sequence: of the transaction.
  /// - Returns: the journal, its damage noted.
  /// - Throws: ``StoreError/pastIsGone(sequence:oldest:)``, ``StoreError/notYetWritten(sequence:newest:)``,
  ///   and as `read(_:image:hashSeed:progress:)`.
  static func read(
    _ directory: any StoreDirectory,
    asOf sequence: UInt64
  ) throws(StoreError) -> JournalOpening {
    let chain = try SegmentChain(in: directory)
    guard !chain.members.isEmpty else { throw chain.absence(in: directory) }
    let seed = try Random.word()
    let opening = try Self(chain, in: directory, seed, .none, upTo: sequence) { _, _ in }
    let headers = chain.members.map(\.header)
    // Of a newest segment that can't be read the header says what was there before.
    let newest = opening.newestSequenceFound ?? max(1, headers.last?.firstSequence ?? 1) - 1
    guard sequence <= newest || !opening.damage.isEmpty else {
      throw .notYetWritten(sequence: sequence, newest: newest)
    }
    let oldest = SegmentHeader.oldestSequence(of: headers, newest: newest)
    guard sequence >= oldest else { throw .pastIsGone(sequence: sequence, oldest: oldest) }
    return opening
  }

  /// Reads everything.
  private init(
    _ chain: SegmentChain,
    in directory: any StoreDirectory,
    _ seed: UInt64,
    _ use: ImageUse,
    upTo newestSequence: UInt64? = nil,
    _ progress: (Int, Int) -> Void
  ) throws(StoreError) {
    hashSeed = seed
    self.newestSequence = newestSequence
    (self.chain, damage, plan, self.use) = (chain, chain.damage, nil, use)
    imageHeader = nil
    changes = OpenedChanges(withoutUseOf: chain.changeFiles)
    let readings = readings
    try recover(readings, Self.begin(readings), progress)
    try noteMissingNewest(in: directory)
    if !damage.isEmpty { narrowDamage() }
  }

  /// Reads the journal behind an image; nil where there is none, where it does not fit, or where anything
  /// is wrong with what is read: then everything has to be.
  private init?(_ chain: SegmentChain, in directory: any StoreDirectory, beside use: ImageUse) {
    guard let image = IndexImage(in: directory) else { return nil }
    var changes = OpenedChanges(behind: image, chain.changeFiles, in: directory)
    var fitting = ReplayPlan(image, changes.files, chain)
    while fitting == nil, changes.leaveOutLast() {
      fitting = ReplayPlan(image, changes.files, chain)
    }
    guard let plan = fitting else { return nil }
    image.keepWords(to: plan.firstUnits)
    newestSequence = nil
    (hashSeed, imageHeader) = (image.header.hashSeed, image.header)
    (self.chain, self.plan, self.use, self.changes) = (chain, plan, use, changes)
    // Beside the image: that is memory, and this is mostly checksums.
    let readings = readings
    let first = Self.begin(readings)
    if use == .lookUp, plan.isComplete, plan.countsHold, image.isGuarded,
      let front = HashIndex.table(inFrontOf: image, changes.files, to: plan.firstUnits)
    {
      index = front
      // What the image counted is counted; of what came behind it, counting can wait.
      index.leavesPutsUnsettled = plan.header.startSequence == plan.header.endSequence
    } else {
      guard let loaded = HashIndex.load(image, changes.files, to: plan.firstUnits) else {
        return nil
      }
      index = loaded
      if changes.series != nil { index.changes.start() }
    }
    do throws(StoreError) {
      try recover(readings, first)
      try noteMissingNewest(in: directory)
    } catch {
      return nil
    }
    guard damage.isEmpty, !index.hasMetDamage, plan.isReached(by: chain, acceptedEnds) else {
      return nil
    }
    index.endLeavingPutsUnsettled()
    writtenBytes += plan.header.journalBytes
    report.changeFileCount = changes.files.count
    if !plan.countsHold { map.recount(map.segments, index) }
  }

  /// Sequence of the newest transaction in the newest segment, or of the one before that; nil where that can't
  /// be read.
  var newestSequenceFound: UInt64? {
    // A header may say 0, which no transaction has.
    newestScan.map { max(1, $0.nextSequence) - 1 }
  }

  /// Whether the index was built.
  var hasIndex: Bool { use != .noIndex }

  /// Whether there is a store at all.
  var isEmpty: Bool { chain.members.isEmpty }
  var foreignNames: [String] { chain.foreignNames }
  /// What it means that there is no store.
  func absence(in directory: any StoreDirectory) -> StoreError { chain.absence(in: directory) }
  /// What is wrong with bytes that are kept for emergencies only.
  var spareFindings: [StoreError] { chain.membersWithoutSpare.map(\.error) }
  var storeID: StoreID? { chain.members.first?.header.storeID }
  /// The image that was used.
  let imageHeader: IndexImageHeader?

  // MARK: Reading

  /// A segment that has to be read.
  private struct Reading: Sendable {
    /// In the chain.
    let number: Int
    let member: ChainMember
    let options: SegmentReading
  }

  private var readings: [Reading] {
    chain.members.enumerated().compactMap { (number, member) in
      reading(of: number).map { Reading(number: number, member: member, options: $0) }
    }
  }

  /// Begins to read the first segments in threads of their own, where that is worth their start.
  private static func begin(_ readings: [Reading]) -> Later<[SegmentRecovery]>? {
    let length = readings.reduce(0) { $0 + $1.member.file.length }
    guard length >= smallestParallelLength else { return nil }
    return Later { read(readings.prefix(Parallel.processorCount)) }
  }

  private static func read(_ readings: ArraySlice<Reading>) -> [SegmentRecovery] {
    let readings = Array(readings)
    return Parallel.map(readings.count) {
      SegmentRecovery(of: readings[$0].member, readings[$0].options)
    }
  }

  /// Takes what segments hold into the index, in order.
  ///
  /// - Parameters:
  ///   - readings: which segments.
  ///   - first: the first of them, where they are being read.
  ///   - progress: as for `read(_:image:hashSeed:progress:)`.
  /// - Throws: ``StoreError/addressSpaceExhausted``, and what a segment's reading gave.
  private mutating func recover(
    _ readings: [Reading],
    _ first: Later<[SegmentRecovery]>?,
    _ progress: (Int, Int) -> Void = { _, _ in }
  ) throws(StoreError) {
    let segments = try mapMembers()
    // A wave of segments at a time bounds the memory that entries take on their way to the index. Where there
    // are none, waves are longer, for at the end of each the threads wait for each other.
    let isParallel = first != nil
    var wave = isParallel ? Parallel.processorCount : 1
    var count = 0
    while count < readings.count {
      let share = readings[count..<min(count + wave, readings.count)]
      let results = count == 0 ? first?.take() : nil
      let found = results ?? Self.read(share)
      if let plan {
        prefaultUnread(plan, where: found)
      } else if count == 0, isParallel {
        let rest = readings.dropFirst(found.count).reduce(0) { $0 + ($1.member.statedEnd ?? 0) }
        IndexReplay(map: map, index: index).makeRoom(for: found, andMore: rest)
      }
      for (reading, result) in zip(share, found) {
        try accept(result, of: reading.number, segments[reading.number])
        count += 1
        progress(count, readings.count)
      }
      if !hasIndex, isParallel { wave = 8 * Parallel.processorCount }
    }
    if plan == nil { Memory.giveBack(index.count * MemoryLayout<RecoveredEntry>.stride) }
  }

  /// Bytes of segments from which on threads are worth their start.
  private static let smallestParallelLength = 1 << 20

  /// Gets everything that was not read under the mapping, where much was read that overwrites it: the
  /// older records stand anywhere.
  private mutating func prefaultUnread(
    _ plan: ReplayPlan,
    where results: [SegmentRecovery]
  ) {
    let count = results.reduce(0) { $0 + $1.entries.all.count - $1.countBeforeStart }
    guard !hasPrefaulted, count >= Self.smallestPrefaulting else { return }
    let samples = results.flatMap { $0.entries.all.suffix(Self.sampleSize) }
    let known = samples.count { index.candidate($0.hash) != 0 }
    guard known >= samples.count / 4 else { return }
    hasPrefaulted = true
    let members = chain.members
    _ = Parallel.map(members.count) { number in
      guard plan.shares[number].start == nil else { return }
      members[number].file.prefault(upTo: members[number].length)
    }
  }

  /// Records that cost more page faults than all that there are to take at once.
  private static let smallestPrefaulting = 1 << 17
  private static let sampleSize = 256

  /// Gives every segment its positions: those that an image names have theirs already.
  private func mapMembers() throws(StoreError) -> [MappedSegment] {
    var segments: [MappedSegment?] = Array(repeating: nil, count: chain.members.count)
    for isNamed in [true, false] {
      for (number, member) in chain.members.enumerated() {
        let share = plan?.shares[number]
        guard (share?.firstUnit != nil) == isNamed else { continue }
        let segment = try map.map(member.file, member.header, at: share?.firstUnit)
        if let share {
          segment.usage.set(
            live: share.usage?.liveBytes ?? share.liveBytes,
            tombstones: share.usage?.tombstoneBytes ?? 0
          )
        }
        segments[number] = segment
      }
    }
    let all = segments.compactMap(\.self)
    map.setSegments(all)
    return all
  }

  /// How a segment is read; nil where it is not.
  private func reading(of number: Int) -> SegmentReading? {
    // Whoever goes on writing in the newest segment has to describe all of it.
    let isNewest = number + 1 == chain.members.count
    let collectsDigest = isNewest && use != .lookUp
    guard let plan else {
      return SegmentReading(
        hashSeed: hashSeed,
        collectsEntries: hasIndex,
        collectsDigest: collectsDigest && hasIndex,
        newestSequence: newestSequence
      )
    }
    let share = plan.shares[number]
    guard let start = share.start else { return nil }
    let unseen = isNewest && !Mutant.changesTrusted.isActive ? plan.unseen : nil
    return SegmentReading(
      hashSeed: hashSeed,
      start: collectsDigest ? SegmentField.journalStart : unseen?.start ?? start,
      lowestSequence: collectsDigest ? nil : unseen?.lowestSequence ?? share.lowestSequence,
      collectsDigest: collectsDigest,
      skipsKnown: share.usage != nil,
      startMark: plan.header.startSequence,
      endMark: plan.header.endSequence
    )
  }

  private mutating func accept(
    _ result: SegmentRecovery,
    of number: Int,
    _ segment: MappedSegment
  ) throws(StoreError) {
    if let failure = result.failure { throw failure }
    let member = chain.members[number]
    if hasIndex {
      try IndexReplay(map: map, index: index)
        .apply(result, of: segment, isNamed: plan?.shares[number].usage != nil)
    }
    if let place = DigestPlace(behindRecordsOf: member) { digestPlaces.append(place) }
    damage += result.damage
    for value in result.closeDigests {
      digestPlaces.append(DigestPlace(value, in: member, describes: nil))
    }
    if let value = result.predecessorDigest {
      digestPlaces.append(
        DigestPlace(value, in: member, describes: member.header.predecessorID)
      )
    }
    newestDigest = result.digest
    newestScan = result.scan
    report.recordCount += result.recordCount
    report.newestEnd = result.scan?.acceptedEnd ?? 0
    report.hasTornTail = result.hasTornTail
    report.wasClosed = result.isClosed
    if number + 1 == chain.members.count { isNewestFollowed = result.isFollowed }
    let start = plan?.shares[number].start ?? SegmentField.journalStart
    let end = result.scan?.acceptedEnd ?? start
    acceptedEnds[member.header.segmentID] = end
    if !member.isCompacted { writtenBytes += end - start }
  }

  /// Notes a newest segment that is not there at all.
  private mutating func noteMissingNewest(
    in directory: any StoreDirectory
  ) throws(StoreError) {
    guard let last = chain.members.last, isNewestFollowed || last.isCompacted,
      !Mutant.followedMarkIgnored.isActive
    else { return }
    let newest = last.header.covered.upperBound
    let isNoted = damage.contains { $0.segmentID > newest && !chain.holds($0.segmentID) }
    guard !isNoted else { return }
    // Beside a writer it may have come after the listing: then what was read is a state of before.
    guard try !chain.hasGrown(in: directory) else { return }
    let name = SegmentName.name(of: newest + 1)
    damage.append(
      StoreDamage(
        .corrupt(file: directory.path.appending(name), offset: 0, cause: .missingSegment),
        in: newest + 1,
        firstLost: 0,
        nextSequence: nil
      )
    )
  }

  /// Finds out whom damage concerns.
  private mutating func narrowDamage() {
    let newest = chain.members.last?.header.segmentID ?? 0
    for index in damage.indices {
      let id = damage[index].segmentID
      // What bears a higher number never was history if the newest segment has no successor.
      // (The number of a compacted segment says nothing about its place.)
      if id > newest, !isNewestFollowed, !chain.holds(id) { damage[index].becomeHarmless() }
      let digests = digestPlaces.filter { $0.segmentID == id }.compactMap { $0.read() }
      damage[index].narrow(with: digests)
    }
  }
}
