// The first page of a segment file: who it is, what it follows, and (in a sector of its own) where
// the journal ended when it was last closed. Records start at `SegmentField.journalStart`.
//
// A compacted segment stands in the place of one or more journal segments: it has copies of those of
// their records that still counted when it was made, behind them a digest, and is never written again.
//
// Invariant: the fixed part is written once, before the first record (of a compacted segment behind the
// last one), and never changed. Only the
// close mark is rewritten, and it only ever states what was durable before it was written.

/// Byte offsets within a segment file's first page.
package enum SegmentField {
  /// 8 bytes: ``SegmentHeader/magic``.
  package static let magic = 0
  /// `UInt32`: ``SegmentHeader/formatVersion``.
  package static let formatVersion = 8
  /// `UInt32`: features that a reader must know to read; unknown bits are refused.
  package static let requiredFeatures = 12
  /// 16 bytes that all segments of a store share.
  package static let storeID = 16
  /// `UInt32`: never 0, never reused; also the file's name, in hexadecimal.
  package static let segmentID = 32
  /// `UInt32`: segment before this one in the history, 0 for the first.
  package static let predecessorID = 36
  /// `UInt64`: grows with every recovery; part of every checksum's binding.
  package static let incarnation = 40
  /// `UInt64`: bytes of the file.
  package static let capacity = 48
  /// `UInt64`: every record's sequence is this or more.
  package static let firstSequence = 56
  /// `UInt64`: where the predecessor's journal ends, exactly; bytes beyond are not history.
  package static let predecessorEnd = 64
  /// `UInt64`: nanoseconds since 1970 at creation, for people.
  package static let createdAt = 72
  /// `UInt32`: oldest journal segment that a compacted segment stands for; 0 in a journal segment.
  package static let coveredFirst = 80
  /// `UInt32`: newest one.
  package static let coveredLast = 84
  /// `UInt64`: where the records of a compacted segment end, exactly; its digest follows.
  package static let compactedEnd = 88
  /// `UInt64`: a compacted segment holds no version that a transaction before this one superseded.
  package static let compactedThrough = 96
  /// `UInt32`: bytes of a compacted segment's digest.
  package static let digestLength = 104
  /// `UInt32`: CRC32C over binding and digest.
  package static let digestChecksum = 108
  /// `UInt64`: a compacted segment lacks no version that this transaction or a later one superseded; 0
  /// where nobody knows.
  package static let historyFrom = 112
  /// `UInt32`: bytes of a compacted segment's records that are there for readers of the past only, in units
  /// of 8.
  package static let retainedUnits = 120
  /// `UInt32`: CRC32C over bytes 0..<124.
  package static let checksum = 124
  /// Bytes of the fixed part.
  package static let headerEnd = 128

  /// Where the header stands a second time, for the day on which the first one can't be read.
  package static let headerCopy = 1024
  /// Where the close mark stands: a sector of its own, so that rewriting it endangers nothing.
  package static let closeMark = 512
  /// Where the first record stands.
  package static let journalStart = 4096
}

/// Byte offsets within the close mark.
package enum CloseMarkField {
  /// `UInt64`: incarnation of the segment.
  package static let incarnation = 0
  /// `UInt64`: end of the journal that is known to be durable, close record not included.
  package static let end = 8
  /// `UInt64`: sequence that the next transaction was to have.
  package static let nextSequence = 16
  /// `UInt32`: ``CloseMark/State``.
  package static let state = 24
  /// `UInt32`: CRC32C over binding and bytes 0..<28.
  package static let checksum = 28
  /// Bytes of the mark: one store of 32 bytes within a line.
  package static let markEnd = 32
}

/// 16 random bytes that name a store.
package struct StoreID: Sendable, Hashable {
  package let low: UInt64
  package let high: UInt64

  package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }
}

/// The fixed part of a segment's first page.
package struct SegmentHeader: Sendable, Equatable {
  /// "FENCELNE", as a little-endian integer.
  package static let magic: UInt64 = 0x454e_4c45_434e_4546
  /// The version that this module describes.
  package static let formatVersion: UInt32 = 1
  /// The segment is a compacted one.
  package static let compactedFeature: UInt32 = 1
  /// Some of its records are ``RecordFlags/superseded``.
  package static let retainingFeature: UInt32 = 2
  /// Some of its records may have ``RecordFlags/expiry``; in others none has.
  package static let expiringFeature: UInt32 = 4
  /// What this module describes.
  package static let knownFeatures = compactedFeature | retainingFeature | expiringFeature

  package var formatVersion = Self.formatVersion
  package var requiredFeatures: UInt32 = 0
  package var storeID: StoreID
  package var segmentID: UInt32
  package var predecessorID: UInt32
  package var incarnation: UInt64
  package var capacity: Int
  package var firstSequence: UInt64
  package var predecessorEnd: Int
  package var createdAt: UInt64
  /// What a compacted segment stands for; nil for a journal segment.
  package var compaction: Compaction?
  package var checksum: UInt32 = 0

  /// What the header of a compacted segment says beside the rest.
  ///
  /// Its predecessor is that of the oldest segment that it covers, and so is its first sequence; its
  /// incarnation is that of the newest one.
  package struct Compaction: Sendable, Equatable {
    /// The journal segments whose place it takes.
    package var covered: ClosedRange<UInt32>
    /// Where its records end.
    package var end: Int
    /// See ``SegmentField/compactedThrough``.
    package var through: UInt64
    /// See ``SegmentField/historyFrom``.
    package var historyFrom: UInt64
    /// Bytes of records that are there for readers of the past only.
    package var retainedBytes: Int
    package var digestLength: Int
    package var digestChecksum: UInt32

    package init(
      covered: ClosedRange<UInt32>,
      end: Int,
      through: UInt64,
      historyFrom: UInt64,
      retainedBytes: Int,
      digestLength: Int,
      digestChecksum: UInt32
    ) {
      self.covered = covered
      self.end = end
      self.through = through
      self.historyFrom = historyFrom
      self.retainedBytes = retainedBytes
      self.digestLength = digestLength
      self.digestChecksum = digestChecksum
    }
  }

  /// The journal segments in whose place it stands: itself, or those that it covers.
  package var covered: ClosedRange<UInt32> { compaction?.covered ?? segmentID...segmentID }

  /// Whether some of its records may expire.
  package var mayExpire: Bool {
    get { requiredFeatures & Self.expiringFeature != 0 }
    set {
      requiredFeatures &= ~Self.expiringFeature
      if newValue { requiredFeatures |= Self.expiringFeature }
    }
  }

  package init(
    storeID: StoreID,
    segmentID: UInt32,
    predecessorID: UInt32,
    incarnation: UInt64,
    capacity: Int,
    firstSequence: UInt64,
    predecessorEnd: Int,
    createdAt: UInt64
  ) {
    self.storeID = storeID
    self.segmentID = segmentID
    self.predecessorID = predecessorID
    self.incarnation = incarnation
    self.capacity = capacity
    self.firstSequence = firstSequence
    self.predecessorEnd = predecessorEnd
    self.createdAt = createdAt
  }

  /// Writes the fixed part, `checksum` as it stands in the property.
  ///
  /// - Parameter bytes: at least ``SegmentField/headerEnd`` bytes, zero where reserved.
  package func encode(into bytes: inout MutableRawSpan) {
    bytes.storeLittleEndian(Self.magic, at: SegmentField.magic)
    bytes.storeLittleEndian(formatVersion, at: SegmentField.formatVersion)
    bytes.storeLittleEndian(requiredFeatures, at: SegmentField.requiredFeatures)
    bytes.storeLittleEndian(storeID.low, at: SegmentField.storeID)
    bytes.storeLittleEndian(storeID.high, at: SegmentField.storeID + 8)
    bytes.storeLittleEndian(segmentID, at: SegmentField.segmentID)
    bytes.storeLittleEndian(predecessorID, at: SegmentField.predecessorID)
    bytes.storeLittleEndian(incarnation, at: SegmentField.incarnation)
    bytes.storeLittleEndian(UInt64(capacity), at: SegmentField.capacity)
    bytes.storeLittleEndian(firstSequence, at: SegmentField.firstSequence)
    bytes.storeLittleEndian(UInt64(predecessorEnd), at: SegmentField.predecessorEnd)
    bytes.storeLittleEndian(createdAt, at: SegmentField.createdAt)
    if let compaction {
      bytes.storeLittleEndian(compaction.covered.lowerBound, at: SegmentField.coveredFirst)
      bytes.storeLittleEndian(compaction.covered.upperBound, at: SegmentField.coveredLast)
      bytes.storeLittleEndian(UInt64(compaction.end), at: SegmentField.compactedEnd)
      bytes.storeLittleEndian(compaction.through, at: SegmentField.compactedThrough)
      bytes.storeLittleEndian(compaction.historyFrom, at: SegmentField.historyFrom)
      let units = UInt32(truncatingIfNeeded: compaction.retainedBytes >> 3)
      bytes.storeLittleEndian(units, at: SegmentField.retainedUnits)
      let length = UInt32(truncatingIfNeeded: compaction.digestLength)
      bytes.storeLittleEndian(length, at: SegmentField.digestLength)
      bytes.storeLittleEndian(compaction.digestChecksum, at: SegmentField.digestChecksum)
    }
    bytes.storeLittleEndian(checksum, at: SegmentField.checksum)
  }

  /// Decodes what `encode(into:)` wrote, or nil where the magic is another.
  ///
  /// Nothing else is checked: lengths beyond `Int.max` are clamped, which no file's length can
  /// equal.
  package init?(decoding bytes: RawSpan) {
    guard bytes.littleEndian(at: SegmentField.magic, as: UInt64.self) == Self.magic else {
      return nil
    }
    func size(at offset: Int) -> Int {
      Int(clamping: bytes.littleEndian(at: offset, as: UInt64.self))
    }
    formatVersion = bytes.littleEndian(at: SegmentField.formatVersion, as: UInt32.self)
    requiredFeatures = bytes.littleEndian(at: SegmentField.requiredFeatures, as: UInt32.self)
    storeID = StoreID(
      low: bytes.littleEndian(at: SegmentField.storeID, as: UInt64.self),
      high: bytes.littleEndian(at: SegmentField.storeID + 8, as: UInt64.self)
    )
    segmentID = bytes.littleEndian(at: SegmentField.segmentID, as: UInt32.self)
    predecessorID = bytes.littleEndian(at: SegmentField.predecessorID, as: UInt32.self)
    incarnation = bytes.littleEndian(at: SegmentField.incarnation, as: UInt64.self)
    capacity = size(at: SegmentField.capacity)
    firstSequence = bytes.littleEndian(at: SegmentField.firstSequence, as: UInt64.self)
    predecessorEnd = size(at: SegmentField.predecessorEnd)
    createdAt = bytes.littleEndian(at: SegmentField.createdAt, as: UInt64.self)
    if requiredFeatures & Self.compactedFeature != 0 {
      let first = bytes.littleEndian(at: SegmentField.coveredFirst, as: UInt32.self)
      let last = bytes.littleEndian(at: SegmentField.coveredLast, as: UInt32.self)
      compaction = Compaction(
        covered: first...max(first, last),
        end: size(at: SegmentField.compactedEnd),
        through: bytes.littleEndian(at: SegmentField.compactedThrough, as: UInt64.self),
        historyFrom: bytes.littleEndian(at: SegmentField.historyFrom, as: UInt64.self),
        retainedBytes: Int(bytes.littleEndian(at: SegmentField.retainedUnits, as: UInt32.self))
          << 3,
        digestLength: Int(bytes.littleEndian(at: SegmentField.digestLength, as: UInt32.self)),
        digestChecksum: bytes.littleEndian(at: SegmentField.digestChecksum, as: UInt32.self)
      )
    }
    checksum = bytes.littleEndian(at: SegmentField.checksum, as: UInt32.self)
  }
}

/// Where the journal of a segment ended, durably: recovery that finds less has found damage, not an
/// unfinished write.
///
/// Before anything is written behind a close record, the mark says "open": only then are the bytes
/// behind it certain to be untouched while it says "closed". Before anything is written into a
/// successor, it says "followed": a newest segment that says so is not the newest.
package struct CloseMark: Sendable, Equatable {
  /// What may stand behind the mark's end.
  package enum State: UInt32, Sendable {
    /// A close record, and nothing else.
    case closed = 0
    /// Anything: the store was opened again.
    case open = 1
    /// Nothing: the end is that of the segment, and there is a successor.
    case followed = 2
  }

  package var incarnation: UInt64
  package var end: Int
  package var nextSequence: UInt64
  package var state: State
  package var checksum: UInt32 = 0

  package init(incarnation: UInt64, end: Int, nextSequence: UInt64, state: State) {
    self.incarnation = incarnation
    self.end = end
    self.nextSequence = nextSequence
    self.state = state
  }

  /// Writes the mark, `checksum` as it stands in the property.
  ///
  /// - Parameter bytes: at least ``CloseMarkField/markEnd`` bytes, zero where reserved.
  package func encode(into bytes: inout MutableRawSpan) {
    bytes.storeLittleEndian(incarnation, at: CloseMarkField.incarnation)
    bytes.storeLittleEndian(UInt64(end), at: CloseMarkField.end)
    bytes.storeLittleEndian(nextSequence, at: CloseMarkField.nextSequence)
    bytes.storeLittleEndian(state.rawValue, at: CloseMarkField.state)
    bytes.storeLittleEndian(checksum, at: CloseMarkField.checksum)
  }

  /// The mark in a segment's first page.
  package init(decodingFirstPage bytes: RawSpan) {
    let start = SegmentField.closeMark
    incarnation = bytes.littleEndian(at: start + CloseMarkField.incarnation, as: UInt64.self)
    end = Int(clamping: bytes.littleEndian(at: start + CloseMarkField.end, as: UInt64.self))
    nextSequence = bytes.littleEndian(at: start + CloseMarkField.nextSequence, as: UInt64.self)
    let state = bytes.littleEndian(at: start + CloseMarkField.state, as: UInt32.self)
    // What is not known promises nothing.
    self.state = State(rawValue: state) ?? .open
    checksum = bytes.littleEndian(at: start + CloseMarkField.checksum, as: UInt32.self)
  }
}
