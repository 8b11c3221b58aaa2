// Digests stay where they are in the journal until damage makes them matter.

internal import JournalFormat
internal import PersistentMemory

/// A digest in the journal, read where damage makes it matter.
struct DigestPlace {
  let file: SegmentFile
  let value: Range<Int>
  /// The segment that is described.
  let segmentID: UInt32
  private let isWholeSegment: Bool

  /// The value of a close record of `member`, or of its record that `describes` another segment.
  init(_ value: Range<Int>, in member: ChainMember, describes: UInt32?) {
    file = member.file
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
