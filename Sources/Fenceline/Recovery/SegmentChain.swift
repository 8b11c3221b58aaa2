// Which segments are history, and in what order. There is no manifest: names and headers are the
// set. The segment with the highest id is the newest; each names the one that it follows.
//
// Invariant (made by the writer): a file with a segment's name has its whole length and a header
// that was durable before the name was, so anything else is damage, never an unfinished creation.
// A segment that the chain passes by was replaced by a recovery before anything was accepted in it.

package import JournalFormat
package import PersistentMemory
internal import SystemPackage

/// One segment of the chain.
package struct ChainMember: Sendable {
  package let name: String
  package var file: SegmentFile
  package let header: SegmentHeader
  package let binding: SegmentBinding
}

/// The segments of a store, oldest first.
package struct SegmentChain: Sendable {
  package private(set) var members: [ChainMember] = []
  /// Names of files that are no part of history and may be removed by a writer.
  package private(set) var leftovers: [String] = []
  /// The highest id that any file bears.
  package private(set) var highestID: UInt32 = 0
  /// Names that belong to no store.
  package private(set) var foreignNames: [String] = []

  /// What keeps segments from being read as a whole; a writer must not go on.
  package private(set) var damage: [StoreDamage] = []

  /// Reads every header and finds the chain.
  ///
  /// Empty where there is no segment.
  ///
  /// - Parameter directory: the store's.
  /// - Throws: ``StoreError/newerFormat(file:feature:)``, what the medium says, and what is wrong
  ///   with the first segment where there is not one sound header.
  package init(in directory: any StoreDirectory) throws(StoreError) {
    // Beside a writer's recovery a listing can name a file that is gone when it is opened, or show a
    // segment without its predecessor: then list again. Without a writer both are final.
    for _ in 0..<8 {
      let isComplete = try read(directory)
      if isComplete { return }
    }
  }

  /// Lists and reads everything once.
  ///
  /// - Parameter directory: the store's.
  /// - Returns: whether nothing was gone or missing.
  /// - Throws: as `init(in:)`.
  private mutating func read(_ directory: any StoreDirectory) throws(StoreError) -> Bool {
    self = SegmentChain()
    var isComplete = true
    let names = try translatingErrors { () throws(MediumError) in try directory.names() }
    var found: [UInt32: ChainMember] = [:]
    var broken: [UInt32: StoreError] = [:]
    for name in names.sorted() {
      guard let id = SegmentName.id(of: name) else {
        note(otherName: name)
        continue
      }
      do {
        guard let member = try Self.member(named: name, id: id, in: directory) else {
          // Gone since the listing: a writer has removed a leftover.
          isComplete = false
          continue
        }
        found[id] = member
      } catch {
        guard error.isDamage else { throw error }
        broken[id] = error
      }
      highestID = max(highestID, id)
    }
    try Self.moveForeign(from: &found, to: &broken)
    try link(found, broken, in: directory)
    return isComplete && !damage.contains(where: \.isMissingSegment)
  }

  /// Sorts a name that is no segment's.
  private mutating func note(otherName name: String) {
    let suffix = FileSystemDirectory.unpublishedSuffix
    if name.hasSuffix(suffix), SegmentName.id(of: String(name.dropLast(suffix.count))) != nil {
      leftovers.append(name)
    } else if name != FileSystemDirectory.lockName {
      foreignNames.append(name)
    }
  }

  private init() {}

  /// Walks from the newest segment to the first.
  ///
  /// Where one is missing or broken, the walk goes on
  /// with the next lower one, and what may be lost is noted.
  private mutating func link(
    _ found: [UInt32: ChainMember],
    _ broken: [UInt32: StoreError],
    in directory: any StoreDirectory
  ) throws(StoreError) {
    guard let newest = found.keys.max() else {
      if let first = broken.keys.min(), let error = broken[first] { throw error }
      return
    }
    for id in broken.keys.sorted() where id > newest { note(broken[id], before: nil) }
    var next: UInt32? = newest
    while let id = next, let member = found[id] {
      members.append(member)
      let predecessorID = member.header.predecessorID
      guard predecessorID != 0 else { break }
      if let predecessor = found[predecessorID], predecessorID < id {
        if Self.follows(member.header, predecessor) {
          next = predecessorID
          continue
        }
        note(
          .corrupt(
            file: member.file.path,
            offset: SegmentField.predecessorEnd,
            cause: .segmentHeader
          ),
          before: member
        )
      } else {
        let file = directory.path.appending(SegmentName.name(of: predecessorID))
        let missing = StoreError.corrupt(file: file, offset: 0, cause: .missingSegment)
        note(broken[predecessorID] ?? missing, before: member)
      }
      next = found.keys.filter { $0 < id }.max()
    }
    members.reverse()
    let inChain = Set(members.map(\.name))
    leftovers += found.values.map(\.name).filter { !inChain.contains($0) }
  }

  /// Notes that everything before `member`'s first sequence may be lost.
  private mutating func note(_ error: StoreError?, before member: ChainMember?) {
    guard let error else { return }
    damage.append(
      StoreDamage(
        error: error,
        keyCheck: nil,
        firstLost: 0,
        nextSequence: member?.header.firstSequence
      )
    )
  }

  private static func follows(_ header: SegmentHeader, _ predecessor: ChainMember) -> Bool {
    header.predecessorEnd >= SegmentField.journalStart
      && header.predecessorEnd <= predecessor.file.length
      && predecessor.header.firstSequence <= header.firstSequence
      && predecessor.header.incarnation <= header.incarnation
  }

  /// Where the journal of `members[index]` ends, as its successor states it; nil for the newest.
  package func statedEnd(of index: Int) -> Int? {
    guard index + 1 < members.count else { return nil }
    let successor = members[index + 1].header
    let isNeighbour = successor.predecessorID == members[index].header.segmentID
    return isNeighbour ? successor.predecessorEnd : nil
  }

  /// Maps the newest segment for writing.
  package mutating func openNewestForWriting(
    in directory: any StoreDirectory
  ) throws(StoreError) {
    guard let newest = members.last else { return }
    members[members.count - 1].file = try translatingErrors { () throws(MediumError) in
      try directory.openSegment(named: newest.name, writable: true)
    }
  }

  private static func member(
    named name: String,
    id: UInt32,
    in directory: any StoreDirectory
  ) throws(StoreError) -> ChainMember? {
    let file: SegmentFile
    do throws(MediumError) {
      file = try directory.openSegment(named: name, writable: false)
    } catch {
      if error.cause == .noSuchFileOrDirectory { return nil }
      // A published segment is never empty.
      guard error.operation == "mmap", error.cause == .invalidArgument else {
        throw StoreError(error)
      }
      throw .corrupt(file: error.path, offset: 0, cause: .fileLength)
    }
    let header = try Self.header(of: file, id: id)
    return ChainMember(name: name, file: file, header: header, binding: SegmentBinding(header))
  }

  /// Reads and checks the header of the segment that bears `id` in its name.
  private static func header(
    of file: SegmentFile,
    id: UInt32
  ) throws(StoreError) -> SegmentHeader {
    func corrupt(_ cause: CorruptionCause, at offset: Int) -> StoreError {
      .corrupt(file: file.path, offset: offset, cause: cause)
    }
    guard file.length >= SegmentField.journalStart else {
      throw corrupt(.fileLength, at: file.length)
    }
    let (decoded, checksum) = try translatingErrors { () throws(MediumError) in
      try file.withGuardedBytes(0..<SegmentField.headerEnd) { (bytes) in
        let crc = Checksum.crc32c(bytes.extracting(0..<SegmentField.checksum))
        return (SegmentHeader(decoding: bytes), crc)
      }
    }
    guard let header = decoded, header.checksum == checksum else {
      throw corrupt(.segmentHeader, at: 0)
    }
    guard header.formatVersion == SegmentHeader.formatVersion else {
      throw .newerFormat(file: file.path, feature: "format \(header.formatVersion)")
    }
    guard header.requiredFeatures == 0 else {
      let features = String(header.requiredFeatures, radix: 16)
      throw .newerFormat(file: file.path, feature: "required features 0x\(features)")
    }
    guard header.isPlausible else { throw corrupt(.segmentHeader, at: 0) }
    guard header.segmentID == id else {
      throw corrupt(.foreignSegment, at: SegmentField.segmentID)
    }
    guard header.capacity == file.length else {
      throw corrupt(.fileLength, at: min(header.capacity, file.length))
    }
    return header
  }

  /// Sets aside what belongs to another store than most segments do.
  private static func moveForeign(
    from found: inout [UInt32: ChainMember],
    to broken: inout [UInt32: StoreError]
  ) throws(StoreError) {
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
      broken[id] = error
    }
  }
}

extension SegmentHeader {
  /// Whether its numbers leave room to count on: no store gets near these bounds, and arithmetic
  /// with what stands below them can't overflow.
  fileprivate var isPlausible: Bool {
    segmentID < UInt32.max - (1 << 16) && incarnation < 1 << 62 && firstSequence < 1 << 62
  }
}

extension StoreError {
  /// Whether bytes are wrong or can't be read, rather than a call having failed.
  var isDamage: Bool {
    switch self {
    case .corrupt, .mediaError: true
    default: false
    }
  }
}
