// Digests stay where they are in the journal until damage makes them matter.

internal import JournalFormat
internal import PersistentMemory

/// A digest in the journal, read where damage makes it matter.
struct DigestPlace {
  private enum Form {
    /// The value of a close record.
    case close
    /// The value of the record that describes the segment before.
    case predecessor
    /// Behind the records of a compacted segment.
    case compacted(SegmentHeader)
  }

  let file: SegmentFile
  let bytes: Range<Int>
  /// The segment that is described.
  let segmentID: UInt32
  private let form: Form

  /// The value of a close record of `member`, or of its record that `describes` another segment.
  init(_ value: Range<Int>, in member: ChainMember, describes: UInt32?) {
    file = member.file
    bytes = value
    segmentID = describes ?? member.header.segmentID
    form = describes == nil ? .close : .predecessor
  }

  /// The digest that a compacted segment ends with; nil where `member` is none, or has lost it.
  init?(behindRecordsOf member: ChainMember) {
    guard let compaction = member.header.compaction else { return nil }
    bytes = compaction.end..<compaction.end + compaction.digestLength
    guard bytes.upperBound <= member.length else { return nil }
    file = member.file
    segmentID = member.header.segmentID
    form = .compacted(member.header)
  }

  func read() -> SegmentDigest? {
    let digest = try? file.withGuardedBytes(bytes) { (bytes) -> SegmentDigest? in
      switch form {
      case .close: return SegmentDigest(closeValue: bytes)
      case .predecessor:
        return SegmentHeader(verifying: bytes, at: SegmentDigestField.header)
          .map { SegmentDigest(segmentValue: bytes, $0) }
      case .compacted(let header): return SegmentDigest(verifying: bytes, of: header)
      }
    }
    return digest ?? nil
  }
}
