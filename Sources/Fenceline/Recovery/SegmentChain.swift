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

  /// Reads every header and finds the chain.
  ///
  /// Empty where there is no segment.
  ///
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)`` for a damaged, foreign or missing
  ///   segment, ``StoreError/newerFormat(file:feature:)``, or what the medium says.
  package init(in directory: any StoreDirectory) throws(StoreError) {
    let names = try translatingErrors { () throws(MediumError) in try directory.names() }
    var found: [UInt32: ChainMember] = [:]
    for name in names {
      if let id = SegmentName.id(of: name) {
        found[id] = try Self.member(named: name, id: id, in: directory)
        highestID = max(highestID, id)
      } else if name.hasSuffix(FileSystemDirectory.unpublishedSuffix),
        SegmentName.id(of: String(name.dropLast(4))) != nil
      {
        leftovers.append(name)
      } else if name != FileSystemDirectory.lockName {
        foreignNames.append(name)
      }
    }
    guard let newest = found[highestID] else { return }
    try Self.checkStore(of: found.values.sorted { $0.name < $1.name })
    var next: ChainMember? = newest
    while let member = next {
      members.append(member)
      let id = member.header.segmentID
      let predecessorID = member.header.predecessorID
      guard predecessorID != 0 else { break }
      guard predecessorID < id, let predecessor = found[predecessorID] else {
        throw .corrupt(
          file: directory.path.appending(SegmentName.name(of: predecessorID)),
          offset: 0,
          cause: .missingSegment
        )
      }
      let isEndInside =
        member.header.predecessorEnd >= SegmentField.journalStart
        && member.header.predecessorEnd <= predecessor.file.length
      guard isEndInside, predecessor.header.firstSequence <= member.header.firstSequence,
        predecessor.header.incarnation <= member.header.incarnation
      else {
        throw .corrupt(
          file: member.file.path,
          offset: SegmentField.predecessorEnd,
          cause: .segmentHeader
        )
      }
      next = predecessor
    }
    members.reverse()
    let inChain = Set(members.map(\.name))
    leftovers += found.values.map(\.name).filter { !inChain.contains($0) }
  }

  /// Where the journal of `members[index]` ends, as its successor states it; nil for the newest.
  package func statedEnd(of index: Int) -> Int? {
    index + 1 < members.count ? members[index + 1].header.predecessorEnd : nil
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
  ) throws(StoreError) -> ChainMember {
    let file: SegmentFile
    do throws(MediumError) {
      file = try directory.openSegment(named: name, writable: false)
    } catch {
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
    guard header.segmentID == id else {
      throw corrupt(.foreignSegment, at: SegmentField.segmentID)
    }
    guard header.capacity == file.length else {
      throw corrupt(.fileLength, at: min(header.capacity, file.length))
    }
    return header
  }

  private static func checkStore(of members: [ChainMember]) throws(StoreError) {
    guard let first = members.first else { return }
    for member in members where member.header.storeID != first.header.storeID {
      throw .corrupt(
        file: member.file.path,
        offset: SegmentField.storeID,
        cause: .foreignStore
      )
    }
  }
}
