// One segment file, opened: its header, from either of the two places where it stands, and what is
// wrong with the file as a whole.

internal import CFlush
package import JournalFormat
package import PersistentMemory
internal import SystemPackage

/// One segment of the chain.
package struct ChainMember: Sendable {
  package let name: String
  package var file: SegmentFile
  package let header: SegmentHeader
  package let binding: SegmentBinding
  /// Where its journal ends, as its successor states it; nil where nobody does.
  package var statedEnd: Int?
  /// First sequence of its successor; nil for the newest.
  package var nextSequence: UInt64?
  /// Something is wrong with the file, so a torn end is no sign of an unfinished write.
  var isSuspect = false

  package init(name: String, file: SegmentFile, header: SegmentHeader) {
    self.name = name
    self.file = file
    self.header = header
    binding = SegmentBinding(header)
  }

  /// Whether it was made by a compaction.
  package var isCompacted: Bool { header.compaction != nil }

  /// Bytes that are there and belong to the segment.
  package var length: Int { min(file.length, header.capacity) }

  /// Whether the file has lost its end.
  package var isCutOff: Bool { file.length < header.capacity }
}

/// What opening a file with a segment's name gives.
enum SegmentCandidate {
  /// A header that holds; `findings` cost nothing, `spareFinding` not even the right to write.
  case sound(ChainMember, findings: [StoreError], spareFinding: StoreError?)
  /// No header that holds.
  case headless(StoreError, SegmentFile?)
  /// There is no such file any more.
  case gone

  /// Opens the file.
  ///
  /// - Throws: ``StoreError/newerFormat(file:feature:)``, or what the medium says.
  init(named name: String, in directory: any StoreDirectory) throws(StoreError) {
    let file: SegmentFile
    do throws(MediumError) {
      file = try directory.openSegment(named: name, writable: false)
    } catch {
      if error.cause == .noSuchFileOrDirectory {
        self = .gone
        return
      }
      if error.cause == .tooManySymbolicLinkLevels {
        self = .headless(.corrupt(file: error.path, offset: 0, cause: .notAFile), nil)
        return
      }
      // A published segment is never empty.
      guard error.operation == "mmap", error.cause == .invalidArgument else {
        throw StoreError(error)
      }
      self = .headless(.corrupt(file: error.path, offset: 0, cause: .fileLength), nil)
      return
    }
    do {
      self = try Self.examine(file, named: name)
    } catch {
      guard error.isDamage else { throw error }
      self = .headless(error, nil)
    }
  }

  private static func examine(
    _ file: SegmentFile,
    named name: String
  ) throws(StoreError) -> SegmentCandidate {
    func corrupt(_ cause: CorruptionCause, at offset: Int) -> StoreError {
      .corrupt(file: file.path, offset: offset, cause: cause)
    }
    guard file.length >= SegmentField.journalStart else {
      return .headless(corrupt(.fileLength, at: file.length), nil)
    }
    let (first, second) = try translatingErrors { () throws(MediumError) in
      try file.withGuardedBytes(0..<SegmentField.journalStart) { (page) in
        (
          SegmentHeader(verifying: page, at: 0),
          SegmentHeader(verifying: page, at: SegmentField.headerCopy)
        )
      }
    }
    guard let header = first ?? second else {
      return .headless(corrupt(.segmentHeader, at: 0), file)
    }
    guard header.formatVersion == SegmentHeader.formatVersion else {
      throw .newerFormat(file: file.path, feature: "format \(header.formatVersion)")
    }
    guard header.requiredFeatures & ~SegmentHeader.knownFeatures == 0 else {
      let unknown = header.requiredFeatures & ~SegmentHeader.knownFeatures
      let features = String(unknown, radix: 16)
      throw .newerFormat(file: file.path, feature: "required features 0x\(features)")
    }
    guard header.isPlausible else { return .headless(corrupt(.segmentHeader, at: 0), file) }
    var findings: [StoreError] = []
    if first == nil { findings.append(corrupt(.segmentHeader, at: 0)) }
    if header.capacity != file.length {
      findings.append(corrupt(.fileLength, at: min(header.capacity, file.length)))
    }
    var member = ChainMember(name: name, file: file, header: header)
    member.isSuspect = !findings.isEmpty
    return .sound(
      member,
      findings: findings,
      spareFinding: second == nil ? corrupt(.segmentHeader, at: SegmentField.headerCopy) : nil
    )
  }
}

extension SegmentHeader {
  /// The header that stands at `offset`, or nil where its checksum does not hold.
  init?(verifying bytes: RawSpan, at offset: Int) {
    guard bytes.byteCount >= offset + SegmentField.headerEnd else { return nil }
    let bytes = bytes.extracting(offset..<offset + SegmentField.headerEnd)
    guard let header = SegmentHeader(decoding: bytes),
      header.checksum == Checksum.crc32c(bytes.extracting(0..<SegmentField.checksum))
        || Mutant.segmentHeaderUnchecked.isActive
    else { return nil }
    self = header
  }

  /// Whether its numbers leave room to count on: no store gets near these bounds, and arithmetic with what
  /// stands below them can't overflow.
  ///
  /// A segment has its first page at least.
  var isPlausible: Bool {
    guard segmentID < UInt32.max - (1 << 16), incarnation < 1 << 62, firstSequence < 1 << 62,
      capacity >= SegmentField.journalStart
    else { return false }
    guard let compaction else { return true }
    return compaction.covered.lowerBound > 0 && compaction.covered.upperBound < segmentID
      && compaction.end >= SegmentField.journalStart && compaction.end <= capacity
      && compaction.digestLength <= capacity - compaction.end
      && compaction.retainedBytes <= compaction.end - SegmentField.journalStart
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
