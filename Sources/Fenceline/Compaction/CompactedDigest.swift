// The digest of a compacted segment: which keys it has records of, with sequences that have gaps.

internal import JournalFormat
internal import PersistentMemory

/// A compacted segment's digest while its records are written.
struct CompactedDigest {
  private var entries: [DigestEntry] = []
  /// See ``CompactedDigestField``.
  private var pairs: [(run: UInt64, gap: UInt64)] = []
  private var run: UInt64 = 0
  private var expected: UInt64

  init(firstSequence: UInt64) { expected = firstSequence }

  /// Notes a record; sequences come in ascending order.
  mutating func add(keyCheck: UInt16, sequence: UInt64, endsTransaction: Bool) {
    if sequence > expected {
      pairs.append((run, sequence - expected))
      run = 0
      expected = sequence
    }
    entries.append(DigestEntry(keyCheck: keyCheck, endsTransaction: endsTransaction))
    if endsTransaction {
      run += 1
      expected += 1
    }
  }

  /// The bytes that stand behind the records.
  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(CompactedDigestField.entries + DigestEntry.size * entries.count)
    let count = UInt32(truncatingIfNeeded: entries.count)
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: count >> shift))
    }
    for entry in entries {
      bytes.append(UInt8(truncatingIfNeeded: entry.rawValue))
      bytes.append(UInt8(truncatingIfNeeded: entry.rawValue >> 8))
    }
    for pair in pairs {
      bytes.append(groupsOf: pair.run)
      bytes.append(groupsOf: pair.gap)
    }
    return bytes
  }
}

extension SegmentDigest {
  /// Decodes the digest that a compacted segment ends with, or gives nil where it is damaged.
  init?(verifying bytes: RawSpan, of header: SegmentHeader) {
    guard let compaction = header.compaction, bytes.byteCount >= CompactedDigestField.entries,
      Checksum.crc32c(bytes, continuing: SegmentBinding(header).seed) == compaction.digestChecksum
    else { return nil }
    let count = Int(bytes.littleEndian(at: CompactedDigestField.count, as: UInt32.self))
    let pairStart = CompactedDigestField.entries + DigestEntry.size * count
    guard pairStart <= bytes.byteCount else { return nil }
    var gaps: [(run: UInt64, gap: UInt64)] = []
    var offset = pairStart
    while offset < bytes.byteCount {
      guard let run = bytes.number(at: &offset), let gap = bytes.number(at: &offset) else {
        return nil
      }
      gaps.append((run, gap))
    }
    self.init(
      entries: stride(from: CompactedDigestField.entries, to: pairStart, by: DigestEntry.size).map {
        DigestEntry(rawValue: bytes.littleEndian(at: $0, as: UInt16.self))
      },
      firstSequence: header.firstSequence,
      gaps: gaps
    )
  }
}

extension [UInt8] {
  fileprivate mutating func append(groupsOf number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
}

extension RawSpan {
  /// Reads a number in groups of seven bits and moves `offset` behind it.
  fileprivate func number(at offset: inout Int) -> UInt64? {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard offset < byteCount else { return nil }
      let byte = littleEndian(at: offset, as: UInt8.self)
      offset += 1
      number |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return number }
    }
    return nil
  }
}
