// Which segments are history, and in what order. There is no manifest: names and headers are the
// set. The segment with the highest id is the newest; each names the one that it follows.
//
// Invariant (made by the writer): a file with a segment's name has its whole length and a header
// that was durable before the name was, so anything else is damage, never an unfinished creation.
// A segment that the chain passes by was replaced by a recovery before anything was accepted in it.
//
// A compacted segment stands in the place of the journal segments that it covers: where it is there,
// they are not history any more, whether or not they are gone yet. Of two compacted segments that
// end with the same one the newer one was made from the older one.
//
// A segment is known by its header, which stands twice in its first page and once more in the first
// record of its successor; its name is only where it should be found.

internal import CFlush
internal import JournalFormat
package import PersistentMemory
internal import SystemPackage

/// The segments of a store, oldest first.
package struct SegmentChain: Sendable {
  package private(set) var members: [ChainMember] = []
  /// Names of files that never got their own name, and may be removed by a writer.
  private(set) var unpublished: [String] = []
  /// Segments that are no part of history any more, and may be removed by a writer.
  private(set) var superseded: [ChainMember] = []
  /// The highest id that any file bears.
  package private(set) var highestID: UInt32 = 0
  /// The ids that names of files state.
  private var listedIDs: Set<UInt32> = []
  /// There is a file with the name of an index image.
  private(set) var hasImage = false
  /// Numbers of files of changes behind an index image.
  private(set) var changeFiles: Set<UInt32> = []
  /// Names that belong to no store.
  package private(set) var foreignNames: [String] = []

  /// What is wrong with segments as a whole; a writer must not go on.
  package private(set) var damage: [StoreDamage] = []
  /// Segments whose second header is damaged; a writer writes it again and goes on.
  private(set) var membersWithoutSpare: [(member: ChainMember, error: StoreError)] = []

  private var found: [UInt32: ChainMember] = [:]
  /// The newest segment that stands in the place of a journal segment and of some before it.
  private var standIns: [UInt32: UInt32] = [:]
  private var unreadable: [UInt32: (error: StoreError, file: SegmentFile?)] = [:]

  /// Reads every header and finds the chain.
  ///
  /// Empty where there is no segment.
  ///
  /// - Parameter directory: the store's.
  /// - Throws: ``StoreError/newerFormat(file:feature:)``, what the medium says, and what is wrong
  ///   with the first segment where there is not one sound header.
  package init(in directory: any StoreDirectory) throws(StoreError) {
    // Beside a writer's recovery or compaction a listing can name a file that is gone when it is opened,
    // or show a segment without its predecessor: then list again. Without a writer both are final.
    for attempt in 0..<Self.mostListings {
      let isComplete = try read(directory)
      if isComplete || attempt >= Self.fewListings && !hasLostFile { return }
    }
  }

  /// Listings where something is missing, and where files go while they are being opened.
  private static let fewListings = 8
  private static let mostListings = 256

  /// A file was gone when it was opened.
  private var hasLostFile = false

  private init() {}

  // MARK: Files

  /// Lists and reads everything once.
  ///
  /// - Parameter directory: the store's.
  /// - Returns: whether nothing was gone or missing.
  /// - Throws: as `init(in:)`.
  private mutating func read(_ directory: any StoreDirectory) throws(StoreError) -> Bool {
    self = SegmentChain()
    var misplaced: [(id: UInt32, member: ChainMember)] = []
    let names = try translatingErrors { () throws(MediumError) in try directory.names() }
    for name in names.sorted() {
      guard let id = SegmentName.id(of: name) else {
        note(otherName: name)
        continue
      }
      listedIDs.insert(id)
      switch try SegmentCandidate(named: name, in: directory) {
      case .gone:
        // Since the listing: a writer has removed a leftover, or what it has compacted.
        hasLostFile = true
        continue
      case .headless(let error, let file):
        unreadable[id] = (error, file)
      case .sound(let member, let findings, let spareFinding):
        damage += findings.map { StoreDamage(harmless: $0) }
        if let spareFinding { membersWithoutSpare.append((member, spareFinding)) }
        if member.header.segmentID == id {
          found[id] = member
        } else {
          misplaced.append((id, member))
        }
      }
      highestID = max(highestID, id)
    }
    for (id, member) in misplaced { place(member, foundAt: id) }
    try setForeignAside()
    if !found.isEmpty || !unreadable.isEmpty { try link(in: directory) }
    found = [:]
    standIns = [:]
    unreadable = [:]
    return !hasLostFile && !damage.contains(where: \.isMissingSegment)
  }

  /// Sorts a name that is no segment's.
  private mutating func note(otherName name: String) {
    let suffix = FileSystemDirectory.unpublishedSuffix
    let published = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    if published != name {
      let isOwn =
        SegmentName.id(of: published) != nil || ChangeFile.number(of: published) != nil
        || published == IndexImage.fileName
      if isOwn { unpublished.append(name) } else { foreignNames.append(name) }
    } else if name == IndexImage.fileName {
      hasImage = true
    } else if let number = ChangeFile.number(of: name) {
      changeFiles.insert(number)
    } else if ![FileSystemDirectory.lockName, FileSystemDirectory.reserveName].contains(name) {
      foreignNames.append(name)
    }
  }

  /// Takes a segment that bears another's name for what its header says, if that one is not there.
  private mutating func place(_ member: ChainMember, foundAt id: UInt32) {
    let error = StoreError.corrupt(
      file: member.file.path,
      offset: SegmentField.segmentID,
      cause: .foreignSegment
    )
    damage.append(StoreDamage(harmless: error))
    let trueID = member.header.segmentID
    highestID = max(highestID, trueID)
    if found[trueID] == nil {
      var member = member
      member.isSuspect = true
      found[trueID] = member
      unreadable[trueID] = nil
    }
    if found[id] == nil { unreadable[id] = (error, nil) }
  }

  /// Sets aside what belongs to another store than most segments do.
  private mutating func setForeignAside() throws(StoreError) {
    let counts = found.values.reduce(into: [:]) { $0[$1.header.storeID, default: 0] += 1 }
    guard counts.count > 1 else { return }
    let most = counts.values.max() ?? 0
    let owners = counts.filter { $0.value == most }
    for (id, member) in found.sorted(by: { $0.key < $1.key }) {
      if owners.count == 1, owners[member.header.storeID] != nil { continue }
      let error = StoreError.corrupt(
        file: member.file.path,
        offset: SegmentField.storeID,
        cause: .foreignStore
      )
      // Two stores of equal size: nobody can tell which one this is.
      guard owners.count == 1 else { throw error }
      found[id] = nil
      unreadable[id] = (error, nil)
    }
  }

  // MARK: Order

  /// Walks from the newest segment to the first.
  ///
  /// Where one is missing or unreadable, its successor's description takes its place, as far as
  /// there is one; what may be lost is noted.
  private mutating func link(in directory: any StoreDirectory) throws(StoreError) {
    for member in found.values where !Mutant.compactedIgnored.isActive || !member.isCompacted {
      let last = member.header.covered.upperBound
      standIns[last] = max(standIns[last] ?? 0, member.header.segmentID)
    }
    // A compacted segment is never the newest: it has a successor, so something is missing then.
    let journal = found.values.filter { !$0.isCompacted }
    let newestJournal = journal.map(\.header.segmentID).max()
    let newestCovered = standIns.keys.max().flatMap { standIns[$0] }
    guard let newest = newestJournal ?? newestCovered else {
      if let first = unreadable.keys.min(), let broken = unreadable[first] { throw broken.error }
      return
    }
    // A compacted segment's own number says nothing about its place.
    let newestEnd = found[newest]?.header.covered.upperBound ?? newest
    for id in unreadable.keys.sorted() where id > newestEnd {
      guard let error = unreadable[id]?.error else { continue }
      damage.append(StoreDamage(error, in: id, firstLost: 0, nextSequence: nil))
    }
    var next = found[newest]
    while let member = next {
      members.append(member)
      next = predecessor(of: member, in: directory)
    }
    members.reverse()
    let inChain = Set(members.map(\.name))
    // In one order: what a recovery does follows from what it finds, and from nothing else.
    superseded += found.values.filter { !inChain.contains($0.name) }
      .sorted { $0.header.segmentID < $1.header.segmentID }
  }

  /// The next older segment that can be read.
  private mutating func predecessor(
    of member: ChainMember,
    in directory: any StoreDirectory
  ) -> ChainMember? {
    var header = member.header
    // One round for a neighbour that is there, another one behind each that is only described.
    while header.predecessorID != 0 {
      let id = header.predecessorID
      if let neighbour = standIns[id].flatMap({ found[$0] }),
        neighbour.header.isFollowed(by: header)
      {
        return neighbour.followed(by: header)
      }
      let error = self.error(of: id, in: directory)
      let isDirect = header.segmentID == member.header.segmentID
      guard isDirect, let description = member.describedPredecessor() else {
        damage.append(
          StoreDamage(error, in: id, firstLost: 0, nextSequence: header.firstSequence)
        )
        let lower = standIns.keys.filter { $0 < min(id, header.covered.lowerBound) }.max()
          .flatMap { standIns[$0] }.flatMap { found[$0] }
        return lower?.followed(by: header)
      }
      if let file = unreadable[id]?.file {
        // Only its header is gone.
        damage.append(StoreDamage(harmless: error))
        let name = SegmentName.name(of: id)
        return ChainMember(name: name, file: file, header: description).followed(by: header)
      }
      damage.append(
        StoreDamage(
          error,
          in: id,
          firstLost: description.firstSequence,
          nextSequence: header.firstSequence
        )
      )
      header = description
    }
    return nil
  }

  /// What is wrong with a segment that should be there.
  private func error(of id: UInt32, in directory: any StoreDirectory) -> StoreError {
    if let error = unreadable[id]?.error { return error }
    // What stood in its place may be a file whose header nobody can read.
    if let broken = unreadable.filter({ $0.key > id }).min(by: { $0.key < $1.key }) {
      return broken.value.error
    }
    if let member = found[id] {
      // Another one of the same name: it does not lead to what its successor builds on.
      return .corrupt(file: member.file.path, offset: 0, cause: .segmentHeader)
    }
    let file = directory.path.appending(SegmentName.name(of: id))
    return .corrupt(file: file, offset: 0, cause: .missingSegment)
  }

  /// Whether a segment is history.
  func holds(_ id: UInt32) -> Bool { members.contains { $0.header.segmentID == id } }

  /// Whether there is a segment by now that comes behind those that were listed.
  ///
  /// Its number need not be the highest: a compacted segment may have got one later and its name sooner.
  func hasGrown(in directory: any StoreDirectory) throws(StoreError) -> Bool {
    let newest = members.last?.header.covered.upperBound ?? 0
    let names = try translatingErrors { () throws(MediumError) in try directory.names() }
    return names.compactMap(SegmentName.id(of:)).contains {
      $0 > newest && !listedIDs.contains($0)
    }
  }

  /// What it means that there is no segment.
  func absence(in directory: any StoreDirectory) -> StoreError {
    BackupName.areOfBackup(foreignNames) ? .isBackup(directory.path) : .noStore(directory.path)
  }

  /// Takes note of a segment that was replaced.
  mutating func noteReplaced(_ member: ChainMember) { superseded.append(member) }

  /// Maps the newest segment for writing.
  package mutating func openNewestForWriting(
    in directory: any StoreDirectory
  ) throws(StoreError) {
    guard let newest = members.last else { return }
    members[members.count - 1].file = try translatingErrors { () throws(MediumError) in
      try directory.openSegment(named: newest.name, writable: true)
    }
  }
}

extension SegmentHeader {
  /// Whether the segment of `successor` can stand behind this one.
  fileprivate func isFollowed(by successor: SegmentHeader) -> Bool {
    covered.upperBound < successor.covered.lowerBound
      && successor.predecessorEnd >= SegmentField.journalStart
      && (successor.predecessorEnd <= capacity || compaction != nil)
      && firstSequence <= successor.firstSequence
      && incarnation <= successor.incarnation
  }
}

extension ChainMember {
  /// This segment with what its successor says of it; only the sequence where they are no
  /// neighbours.
  fileprivate func followed(by successor: SegmentHeader) -> ChainMember {
    var member = self
    if let compaction = header.compaction {
      member.statedEnd = compaction.end
    } else if successor.predecessorID == header.segmentID, !Mutant.statedEndIgnored.isActive {
      member.statedEnd = successor.predecessorEnd
    }
    member.nextSequence = successor.firstSequence
    return member
  }

  /// The header of the segment before, as this one's first record gives it.
  fileprivate func describedPredecessor() -> SegmentHeader? {
    let described = try? file.withGuardedBytes(0..<length) { (bytes) -> SegmentHeader? in
      guard let value = JournalReader.digestOfPredecessor(in: bytes, binding: binding) else {
        return nil
      }
      return SegmentHeader(verifying: bytes.extracting(value), at: SegmentDigestField.header)
    }
    guard let before = described ?? nil, before.storeID == header.storeID,
      before.segmentID == header.predecessorID, before.isPlausible, before.isFollowed(by: header)
    else { return nil }
    return before
  }
}
