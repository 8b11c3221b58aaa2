// The digest of the active segment, kept while it is written: two bytes of memory a record.
//
// Invariant: entries stand in journal order, and their sequences have no gap: a sequence is lost only
// with a failed append, after which nothing more is written.

internal import JournalFormat
internal import PersistentMemory

/// Which keys the active segment has records of.
struct KeyDigest {
  /// One ``DigestEntry`` per put and delete of the segment.
  private(set) var entries: [UInt16]
  /// Entries before this one stand in a close record.
  private let closedCount: Int
  /// Sequence of the entry behind them.
  private let firstOpenSequence: UInt64

  /// Goes on behind `entries`, all of which a close record covers.
  init(entries: [UInt16], nextSequence: UInt64) {
    self.entries = entries
    closedCount = entries.count
    firstOpenSequence = nextSequence
  }

  /// Whether the segment has no put and no delete.
  var isEmpty: Bool { entries.isEmpty }

  /// Notes a record.
  @inline(__always)
  mutating func add(keyCheck: UInt16, endsTransaction: Bool) {
    entries.append(DigestEntry(keyCheck: keyCheck, endsTransaction: endsTransaction).rawValue)
  }

  /// Bytes that the digest of the next close record takes if `count` records are added before it.
  @inline(__always)
  func closeLength(adding count: Int) -> Int {
    let length = CloseDigestField.entries + DigestEntry.size * (entries.count - closedCount + count)
    return length + 4 * (length / RecordLimit.chunkSize + 1)
  }

  /// The value of a close record; empty where no record came since the last one.
  func closeValue() -> [UInt8] {
    guard entries.count > closedCount else { return [] }
    let open = entries[closedCount...]
    var value = [UInt8](repeating: 0, count: CloseDigestField.entries)
    value.withMutableBytes { $0.storeLittleEndian(firstOpenSequence, at: 0) }
    value.append(entries: open)
    return value
  }

  /// The value of the record that describes a whole segment to its successor's readers.
  static func segmentValue(_ header: SegmentHeader, _ entries: [UInt16]) -> [UInt8] {
    var value = [UInt8](repeating: 0, count: SegmentDigestField.entries)
    value.withMutableBytes { SegmentEncoder.encode(header, into: &$0) }
    value.append(entries: entries[...])
    return value
  }

  /// Bytes in the journal of the record that describes a segment of `count` records.
  static func segmentRecordLength(_ count: Int) -> Int {
    let length = SegmentDigestField.entries + DigestEntry.size * count
    return RecordShape(
      flags: length > RecordLimit.chunkSize ? .chunkChecksums : RecordFlags(rawValue: 0),
      keyLength: 0,
      valueLength: length
    ).totalLength
  }
}

extension [UInt8] {
  fileprivate mutating func withMutableBytes(_ body: (inout MutableRawSpan) -> Void) {
    var span = mutableSpan
    var bytes = unsafe span.mutableBytes
    body(&bytes)
  }

  fileprivate mutating func append(entries: ArraySlice<UInt16>) {
    reserveCapacity(count + DigestEntry.size * entries.count)
    for entry in entries {
      append(UInt8(truncatingIfNeeded: entry))
      append(UInt8(truncatingIfNeeded: entry >> 8))
    }
  }
}
