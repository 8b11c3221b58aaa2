// From a directory to an open journal: read everything, build the index, and find out whom damage
// concerns. Changes nothing; JournalOpening+Writing.swift goes on from here.

internal import CFlush
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
  var chain: SegmentChain
  private(set) var newestScan: TransactionScan?
  /// Digests of the newest segment and of the one before, for a writer that has to describe them.
  private(set) var newestDigest: [UInt16] = []
  private(set) var digestBeforeNewest: [UInt16] = []
  private var digestPlaces: [DigestPlace] = []
  /// The newest segment that is there says that another one came.
  private var isNewestFollowed = false

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
    try noteMissingNewest(in: directory)
    if !damage.isEmpty { narrowDamage() }
  }

  /// Whether there is a store at all.
  var isEmpty: Bool { chain.members.isEmpty }
  var foreignNames: [String] { chain.foreignNames }
  /// What is wrong with bytes that are kept for emergencies only.
  var spareFindings: [StoreError] { chain.membersWithoutSpare.map(\.error) }
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
      let old = unsafe place.unit
      if entry.isDelete {
        unsafe index.remove(place)
        if old != 0 { map.countDead(old) }
        map.countTombstone(unit, length: entry.length)
      } else {
        unsafe index.set(place, entry.hash, to: unit)
        map.countLive(unit, length: entry.length, replacing: old)
      }
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
    digestBeforeNewest = newestDigest
    newestDigest = result.digest
    newestScan = result.scan
    report.recordCount += result.scan?.recordCount ?? 0
    report.journalBytes += result.scan?.acceptedEnd ?? 0
    report.newestEnd = result.scan?.acceptedEnd ?? 0
    report.hasTornTail = result.hasTornTail
    report.wasClosed = result.isClosed
    isNewestFollowed = result.isFollowed
  }

  /// Notes a newest segment that is not there at all.
  private mutating func noteMissingNewest(
    in directory: any StoreDirectory
  ) throws(StoreError) {
    guard isNewestFollowed, !Mutant.followedMarkIgnored.isActive,
      let newest = chain.members.last?.header.segmentID
    else { return }
    let isNoted = damage.contains { $0.segmentID > newest && !chain.holds($0.segmentID) }
    guard !isNoted else { return }
    // Beside a writer it may have come after the listing: then what was read is a state of before.
    let names = try translatingErrors { () throws(MediumError) in try directory.names() }
    guard !names.compactMap(SegmentName.id(of:)).contains(where: { $0 > chain.highestID }) else {
      return
    }
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

/// What opening found.
struct RecoveryReport: Sendable {
  /// Records in accepted transactions.
  var recordCount = 0
  /// Bytes of all segments up to their accepted ends.
  var journalBytes = 0
  /// The accepted end of the newest segment.
  var newestEnd = 0
  /// An unfinished write was cut off.
  var hasTornTail = false
  /// The journal ended with a close record.
  var wasClosed = false
}
