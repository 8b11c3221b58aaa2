// What is not there any more, and whom it concerns.
//
//   no transaction is missing         nobody: a pad, a close record, a header that stands twice
//   digests name the lost records     their keys
//   nothing names them                every key, for what is older than what was lost

internal import JournalFormat
internal import PersistentMemory

/// Whose versions were lost.
enum LostKeys: Sendable, Equatable {
  /// Any key may be concerned.
  case any
  /// The highest lost sequence of each key mark (see ``DigestEntry``); other keys are safe.
  case marked([UInt16: UInt64])
  /// Nothing was lost.
  case none
}

/// Bytes that were written once and are not there any more.
package struct StoreDamage: Sendable, Equatable {
  /// Names file, offset and cause.
  package private(set) var error: StoreError
  /// The segment that is concerned.
  let segmentID: UInt32
  /// Transactions from this sequence on may be lost...
  let firstLost: UInt64
  /// ...up to this one; nil where nothing valid follows.
  let nextSequence: UInt64?
  /// Records of lost transactions that are whole.
  let salvaged: [SalvagedRecord]
  /// Damaged records whose keys can be read.
  let damagedRecords: [DamagedRecord]
  /// Offset in the same file behind which everything is as it was written; nil where that is unknown.
  let end: Int?
  /// Whose versions were lost; `any` until digests have been asked.
  private(set) var lostKeys: LostKeys

  /// Damage that may have cost transactions.
  init(
    _ error: StoreError,
    in segmentID: UInt32,
    firstLost: UInt64,
    nextSequence: UInt64?,
    salvaged: [SalvagedRecord] = [],
    damagedRecords: [DamagedRecord] = [],
    end: Int? = nil,
    lostKeys: LostKeys = .any
  ) {
    self.error = error
    self.segmentID = segmentID
    self.firstLost = firstLost
    self.nextSequence = nextSequence
    self.salvaged = salvaged
    self.damagedRecords = damagedRecords
    self.end = end
    // Without a gap in the sequences only a record of the journal's own was hit.
    self.lostKeys = firstLost == nextSequence ? .none : lostKeys
  }

  /// Damage that cost nothing but has to be repaired.
  init(harmless error: StoreError) {
    self.init(error, in: 0, firstLost: 0, nextSequence: 0)
  }

  /// Lets what follows from a memory error say so.
  mutating func nameMemoryError(in file: SegmentFile) {
    guard case .corrupt(_, let offset, _) = error, offset < file.length,
      let fault = file.firstFault(in: offset..<file.length)
    else { return }
    error = .mediaError(file: file.path, offset: fault)
  }

  /// Whether a whole segment is not there.
  var isMissingSegment: Bool {
    guard case .corrupt(_, _, .missingSegment) = error else { return false }
    return true
  }

  /// Whether transactions can be missing.
  var losesTransactions: Bool { lostKeys != .none }

  /// Whether a version of a key may have been superseded by something that was lost.
  ///
  /// A sequence of 0 stands for "no version found".
  func concerns(keyCheck: UInt16, sequence: UInt64) -> Bool {
    switch lostKeys {
    case .none: false
    case .marked(let marks): marks[DigestEntry.mark(keyCheck), default: 0] > sequence
    case .any: nextSequence.map { sequence < $0 } ?? true
    }
  }

  /// It turned out that nothing was lost.
  mutating func becomeHarmless() { lostKeys = .none }

  /// Narrows the damage to the keys that digests name, where they cover everything that was lost.
  mutating func narrow(with digests: [SegmentDigest]) {
    guard lostKeys == .any else { return }
    let whole = digests.first(where: \.isWholeSegment)
    let used = whole.map { [$0] } ?? digests
    guard whole != nil || covers(used) else { return }
    var lost: [SalvagedRecord: Int] = [:]
    for digest in used {
      digest.forEach { (record) in
        guard record.sequence >= firstLost, record.sequence < nextSequence ?? .max else { return }
        lost[record, default: 0] += 1
      }
    }
    for record in salvaged { lost[record]? -= 1 }
    var marks: [UInt16: UInt64] = [:]
    for (record, count) in lost where count > 0 {
      marks[record.keyMark] = max(marks[record.keyMark] ?? 0, record.sequence)
    }
    lostKeys = marks.isEmpty ? .none : .marked(marks)
  }

  /// Whether the digests of close records name every transaction that may be lost.
  private func covers(_ digests: [SegmentDigest]) -> Bool {
    guard let nextSequence else { return false }
    var covered = firstLost
    for digest in digests.sorted(by: { $0.firstSequence < $1.firstSequence })
    where digest.firstSequence <= covered {
      covered = max(covered, digest.nextSequence)
    }
    return covered >= nextSequence
  }
}

/// A record as digests know it.
struct SalvagedRecord: Sendable, Hashable {
  let sequence: UInt64
  /// See ``DigestEntry``.
  let keyMark: UInt16
}

/// A digest that was read back.
struct SegmentDigest: Sendable {
  let firstSequence: UInt64
  /// It describes all records of its segment.
  let isWholeSegment: Bool
  private let entries: [DigestEntry]
  /// How many transactions come without a gap in their sequences, and how many are left out then.
  private let gaps: [(run: UInt64, gap: UInt64)]

  /// The digest of a whole segment whose sequences have gaps.
  init(entries: [DigestEntry], firstSequence: UInt64, gaps: [(run: UInt64, gap: UInt64)]) {
    self.firstSequence = firstSequence
    isWholeSegment = true
    self.entries = entries
    self.gaps = gaps
  }

  /// Decodes the value of a close record.
  init(closeValue value: RawSpan) {
    firstSequence = value.littleEndian(at: CloseDigestField.firstSequence, as: UInt64.self)
    isWholeSegment = false
    gaps = []
    entries = Self.entries(value, from: CloseDigestField.entries)
  }

  /// Decodes the value of a digest record, whose header was read before.
  init(segmentValue value: RawSpan, _ header: SegmentHeader) {
    firstSequence = header.firstSequence
    isWholeSegment = true
    gaps = []
    entries = Self.entries(value, from: SegmentDigestField.entries)
  }

  private static func entries(_ value: RawSpan, from start: Int) -> [DigestEntry] {
    stride(from: start, to: value.byteCount - 1, by: DigestEntry.size).map {
      DigestEntry(rawValue: value.littleEndian(at: $0, as: UInt16.self))
    }
  }

  /// The sequence behind the last transaction that is described.
  var nextSequence: UInt64 {
    firstSequence &+ UInt64(entries.count { $0.endsTransaction })
  }

  /// Visits every record that is described.
  func forEach(_ body: (SalvagedRecord) -> Void) {
    var sequence = firstSequence
    var run: UInt64 = 0
    var gap = 0
    for entry in entries {
      while gap < gaps.count, gaps[gap].run == run {
        sequence &+= gaps[gap].gap
        run = 0
        gap += 1
      }
      body(SalvagedRecord(sequence: sequence, keyMark: entry.keyMark))
      guard entry.endsTransaction else { continue }
      sequence &+= 1
      run += 1
    }
  }
}
