// What of a run of segments still counts. Reads the sources once and the index beside writers, without
// a lock: a record that dies meanwhile is copied for nothing, and no more.
//
//   put      counts as long as the index points to it
//   delete   counts as long as an older segment may hold what it removed, and the key is not there
//   else     for readers of the past only, and where it has to be retained: RetentionWindow.swift

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization
internal import SystemPackage

/// A record that goes into the compacted segment.
struct KeptRecord {
  let hash: UInt64
  let unit: UInt64
  let sequence: UInt64
  /// Bytes of the record that is copied.
  var sourceLength = 0
  /// Bytes of the copy.
  var length = 0
  let isDelete: Bool
  /// It is there for readers of the past only.
  var isSuperseded = false
  /// It was before.
  var wasSuperseded = false
}

/// A run of segments and what is kept of it.
struct CompactionPlan {
  let sources: [MappedSegment]
  private(set) var kept: [KeptRecord] = []
  /// Bytes of the copies.
  private(set) var recordBytes = 0
  /// Of those, bytes of what is there for readers of the past only.
  private(set) var retainedBytes = 0
  /// Some of the copies expire.
  private(set) var mayExpire = false
  /// Records that are not kept.
  private(set) var droppedCount = 0
  private(set) var digest: CompactedDigest
  let through: UInt64
  private var window: RetentionWindow
  /// See ``SegmentField/historyFrom``: what the sources say, or nil where they don't know, until it is known
  /// which transactions the index showed while it was read.
  private(set) var historyFrom: UInt64?

  /// The transactions' own records, where they are one or many, need room for their number.
  private static let countFieldLength = 8

  /// Reads the sources.
  ///
  /// - Parameters:
  ///   - run: the sources in history order, with the ends of their records.
  ///   - older: the segments before them.
  ///   - newer: what comes behind them.
  ///   - window: what has to stay readable.
  ///   - through: a sequence up to which the index shows every transaction.
  ///   - index: the store's.
  ///   - map: the store's.
  ///   - hashSeed: the index's.
  ///   - pause: called now and then.
  /// - Throws: what is wrong with the first record that can't be read; its segment is marked then.
  init(
    _ run: [(segment: MappedSegment, end: Int)],
    behind older: [MappedSegment],
    before newer: [JournalStretch],
    retaining window: RetentionWindow,
    through: UInt64,
    index: HashIndex,
    map: SegmentMap,
    hashSeed: UInt64,
    pause: () -> Void
  ) throws(StoreError) {
    let needed = Self.memory(for: run, index, map)
    guard Memory.claim(needed) else { throw .noMemory(beside: map) }
    defer { Memory.release(needed) }
    sources = run.map(\.segment)
    self.through = through
    historyFrom = SegmentHeader.historyFrom(of: sources.map(\.header))
    digest = CompactedDigest(firstSequence: sources[0].header.firstSequence)
    // What a transaction before this one removed is in no older segment.
    let certain = older.map { $0.usage.compactedThrough.load(ordering: .relaxed) }.min() ?? .max
    let certainOfPast = older.map(\.holdsNothingSupersededBefore).min() ?? .max
    var retained = RetainedVersions(map)
    self.window = window
    for (segment, end) in run {
      let records = try Self.records(of: segment, upTo: end, hashSeed: hashSeed, pause)
      for number in records.indices {
        if number.isMultiple(of: Self.recordsBetweenPauses) { pause() }
        let ahead = number + Self.prefetchDistance
        if ahead < records.count { index.prefetchToRead(records[ahead].hash) }
        var record = records[number]
        retained.noteLater(record.hash, record.unit)
        if !record.wasSuperseded, Self.counts(record, certain, index, map) {
          kept.append(record)
        } else if mayBeRetained(record, certainOfPast, index, map) {
          record.isSuperseded = true
          retained.note(record.hash, record.unit, at: kept.count)
          kept.append(record)
        } else {
          droppedCount += 1
        }
      }
    }
    if let first = window.firstSequence {
      retained.lookThrough(newer, before: first, hashSeed: hashSeed, pause)
    }
    var rejected = retained.rejected
    if retained.isUncertain {
      // The past is given up. Deletes hide what is older, whether or not they are the newest.
      rejected.formUnion(kept.indices.filter { kept[$0].isSuperseded && !kept[$0].isDelete })
      self.window = .none
    }
    droppedCount += rejected.count
    if !rejected.isEmpty {
      kept = kept.indices.filter { !rejected.contains($0) }.map { kept[$0] }
    }
    measure(map, pause)
  }

  /// Bytes for the records of the sources, as far as they are as long as others, each in two arrays that
  /// grow.
  private static func memory(
    for run: [(segment: MappedSegment, end: Int)],
    _ index: HashIndex,
    _ map: SegmentMap
  ) -> Int {
    let usual = max(RecordLimit.smallestRecord, map.liveBytes / max(1, index.count))
    let count = run.reduce(0) { $0 + $1.end } / usual
    return count * 5 * MemoryLayout<KeptRecord>.stride
  }

  private static let prefetchDistance = 12
  private static let recordsBetweenPauses = 1 << 14

  /// Every put and delete of a segment, all of which are verified.
  private static func records(
    of segment: MappedSegment,
    upTo end: Int,
    hashSeed: UInt64,
    _ pause: () -> Void
  ) throws(StoreError) -> [KeptRecord] {
    var records: [KeptRecord] = []
    do throws(StoreError) {
      let isWhole = try translatingErrors { () throws(MediumError) in
        try segment.file.withGuardedBytes(0..<end) { (bytes) in
          let scan = TransactionScan(bytes, binding: segment.binding, limit: end) { (record) in
            if records.count.isMultiple(of: recordsBetweenPauses) { pause() }
            records.append(
              KeptRecord(
                hash: Checksum.hash64(bytes.extracting(record.keyRange), seed: hashSeed),
                unit: segment.unit(at: record.offset),
                sequence: record.sequence,
                isDelete: record.header.kind == .delete,
                wasSuperseded: segment.header.isOnlyPast(record)
              )
            )
          }
          return scan.acceptedEnd == end ? nil : scan.acceptedEnd
        }
      }
      if let damaged = isWhole {
        throw StoreError.corrupt(file: segment.file.path, offset: damaged, cause: .recordBody)
      }
    } catch {
      segment.usage.isUnreadable.store(true, ordering: .relaxed)
      throw error
    }
    return records
  }

  private static func counts(
    _ record: KeptRecord,
    _ certain: UInt64,
    _ index: HashIndex,
    _ map: SegmentMap
  ) -> Bool {
    guard record.isDelete else { return index.search(record.hash) { $0 == record.unit } }
    if record.sequence < certain || Mutant.tombstonesDropped.isActive { return false }
    // A value that is there is newer.
    return !map.withUnverifiedKey(at: record.unit) { (key) in
      index.search(record.hash) { map.surelyHasKey(key, at: $0) }
    }
  }

  /// Whether a record that counts no more may be the newest of its key before the window, as far as the
  /// index says it.
  private func mayBeRetained(
    _ record: KeptRecord,
    _ certain: UInt64,
    _ index: HashIndex,
    _ map: SegmentMap
  ) -> Bool {
    // A delete hides older versions of its key, and where there is none it is none itself.
    if record.isDelete, record.sequence < certain { return false }
    guard record.isDelete || window.firstSequence != nil else { return false }
    if Mutant.retainedVersionForgotten.isActive { return false }
    var current: UInt64?
    _ = map.withUnverifiedKey(at: record.unit) { (key) in
      index.search(record.hash) { (unit) in
        guard map.surelyHasKey(key, at: unit) else { return false }
        current = map.sequence(at: unit)
        return true
      }
    }
    // Without a window the newest version is the only one.
    guard let current else { return true }
    guard let first = window.firstSequence else { return false }
    return current >= first
  }

  /// Records that were not there for readers of the past only, and are now.
  var newlyRetainedCount: Int { kept.count { $0.isSuperseded && !$0.wasSuperseded } }

  /// Notes that the index, while it was read, showed no transaction from `nextSequence` on.
  ///
  /// Nor did any that a compaction before this one has read.
  mutating func noteReading(before nextSequence: UInt64) {
    guard let known = historyFrom, droppedCount == 0 || Mutant.historyNotNoted.isActive else {
      historyFrom = window.firstSequence.map { max($0, historyFrom ?? 0) } ?? nextSequence
      return
    }
    historyFrom = known
  }

  /// Finds out what the copies take, transaction by transaction.
  private mutating func measure(_ map: SegmentMap, _ pause: () -> Void) {
    for number in kept.indices {
      if number.isMultiple(of: Self.recordsBetweenPauses) { pause() }
      let source = map.header(at: kept[number].unit)
      let flags = flags(ofKept: number, source)
      kept[number].sourceLength = source.shape.totalLength
      kept[number].length =
        RecordShape(
          flags: flags,
          keyLength: source.keyLength,
          valueLength: source.valueLength
        ).totalLength
      recordBytes += kept[number].length
      if flags.contains(.expiry) { mayExpire = true }
      if kept[number].isSuperseded { retainedBytes += kept[number].length }
      digest.add(
        keyCheck: source.keyCheck,
        sequence: kept[number].sequence,
        endsTransaction: flags.contains(.transactionEnd)
      )
    }
  }

  /// The flags of a copy: its place among what is left of its transaction.
  func flags(ofKept number: Int, _ source: RecordHeader) -> RecordFlags {
    let sequence = kept[number].sequence
    let lasting = RecordFlags.chunkChecksums.union(.expiry)
    var flags = RecordFlags(rawValue: source.flags.rawValue & lasting.rawValue)
    let begins = number == 0 || kept[number - 1].sequence != sequence
    let ends = number == kept.count - 1 || kept[number + 1].sequence != sequence
    if begins { flags.insert(.transactionBegin) }
    if ends { flags.insert(.transactionEnd) }
    if ends, !begins { flags.insert(.transactionCount) }
    if kept[number].isSuperseded { flags.insert(.superseded) }
    if sequence - sources[0].header.firstSequence > UInt64(UInt32.max) {
      flags.insert(.wideSequence)
    }
    return flags
  }

  /// Records of the transaction that ends with a copy.
  func transactionCount(ofKept number: Int) -> UInt32 {
    let sequence = kept[number].sequence
    let first = kept[..<number].lastIndex { $0.sequence != sequence }.map { $0 + 1 } ?? 0
    return UInt32(truncatingIfNeeded: number - first + 1)
  }
}
