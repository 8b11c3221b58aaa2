// How one segment is read, and what is taken of each record.

internal import JournalFormat
internal import PersistentMemory

/// One put or delete, as the index takes it.
struct RecoveredEntry: Sendable {
  let hash: UInt64
  /// Both in units of 8 bytes: a segment is below 32 GiB, a record below 16 GiB.
  private let offsetUnits: UInt32
  private let lengthUnitsAndKind: UInt32

  /// - Parameters:
  ///   - record: a put or a delete.
  ///   - bytes: of its segment.
  ///   - seed: of the keys' hashes.
  @inline(__always)
  init(_ record: JournalRecord, in bytes: RawSpan, hashSeed seed: UInt64) {
    hash = Checksum.hash64(bytes.extracting(record.keyRange), seed: seed)
    offsetUnits = UInt32(truncatingIfNeeded: record.offset >> 3)
    let lengthUnits = UInt32(truncatingIfNeeded: record.shape.totalLength >> 3)
    lengthUnitsAndKind = lengthUnits << 1 | (record.isPut ? 0 : 1)
  }

  var offset: Int { Int(offsetUnits) << 3 }
  var length: Int { Int(lengthUnitsAndKind >> 1) << 3 }
  var isDelete: Bool { lengthUnitsAndKind & 1 == 1 }
}

/// How one segment is read.
struct SegmentReading: Sendable {
  /// The index's.
  let hashSeed: UInt64
  /// Where a transaction starts.
  var start = SegmentField.journalStart
  /// No transaction from there on has a lower sequence; nil for the segment's first.
  var lowestSequence: UInt64?
  /// Puts and deletes are for an index.
  var collectsEntries = true
  /// A writer may have to describe the segment.
  var collectsDigest = false
  /// Entries before the start mark are known.
  var skipsKnown = false
  /// Transactions behind this one are left out; with them, in a compacted segment, goes what was kept for
  /// readers of the past.
  var newestSequence: UInt64?
  /// Sequences before which entries are counted.
  var startMark: UInt64 = 0
  var endMark: UInt64 = 0

  /// Whether a record counts.
  @inline(__always)
  func shows(_ record: JournalRecord, of header: SegmentHeader) -> Bool {
    guard let newestSequence else { return !header.isOnlyPast(record) }
    return record.sequence <= newestSequence
  }
}
