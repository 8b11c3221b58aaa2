// What one segment holds: its complete transactions, as positions and hashes, and a judgement on
// the place where it stops. Runs on a worker thread; touches nothing but the segment.
//
//   stops at the end that its successor states        complete
//   newest segment, nothing valid follows the stop     torn tail: an unfinished write, cut off
//   anything else                                      damage

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// One put or delete, as the index takes it.
struct RecoveredEntry: Sendable {
  let hash: UInt64
  private let offsetAndKind: UInt64

  init(hash: UInt64, offset: Int, isDelete: Bool) {
    self.hash = hash
    offsetAndKind = UInt64(offset) << 1 | (isDelete ? 1 : 0)
  }

  var offset: Int { Int(offsetAndKind >> 1) }
  var isDelete: Bool { offsetAndKind & 1 == 1 }
}

/// Bytes that were written once and are not there any more.
package struct StoreDamage: Sendable, Equatable {
  /// Names file, offset and cause.
  package let error: StoreError
  /// The check of the only key that is concerned, or nil where it may be any.
  let keyCheck: UInt16?
  /// Transactions from this sequence on may be lost...
  let firstLost: UInt64
  /// ...up to this one; nil where nothing valid follows.
  let nextSequence: UInt64?

  /// Whether a whole segment is not there.
  var isMissingSegment: Bool {
    guard case .corrupt(_, _, .missingSegment) = error else { return false }
    return true
  }

  /// Whether transactions can be missing.
  ///
  /// Where sequences have no gap, only a pad or a close record was hit.
  var losesTransactions: Bool { nextSequence != firstLost }

  /// Whether a version of a key may have been superseded by something that was lost.
  ///
  /// A sequence of 0 stands for "no version found".
  func concerns(keyCheck: UInt16, sequence: UInt64) -> Bool {
    guard losesTransactions else { return false }
    if let nextSequence, sequence >= nextSequence { return false }
    return self.keyCheck == nil || self.keyCheck == keyCheck
  }
}

/// What reading one segment gave.
struct SegmentRecovery: Sendable {
  var entries: [RecoveredEntry] = []
  var scan: TransactionScan?
  var damage: [StoreDamage] = []
  /// Bytes of an unfinished write behind the accepted end.
  var hasTornTail = false
  /// The close mark says that nothing was written behind the close record with which it ends.
  var isClosed = false
  var failure: StoreError?

  /// Reads `member`.
  ///
  /// - Parameters:
  ///   - member: the segment, with its header read.
  ///   - statedEnd: where its successor says that it ends; nil for the newest segment.
  ///   - nextSequence: first sequence of its successor, if there is one.
  ///   - hashSeed: the index's.
  init(of member: ChainMember, statedEnd: Int?, nextSequence: UInt64?, hashSeed: UInt64) {
    let limit = statedEnd ?? member.file.length
    do {
      try translatingErrors { () throws(MediumError) in
        try member.file.withGuardedBytes(0..<member.file.length) { (bytes) in
          read(
            bytes,
            member,
            limit: limit,
            statedEnd: statedEnd,
            nextSequence: nextSequence,
            hashSeed: hashSeed
          )
        }
      }
    } catch {
      // What could be read stays readable; what could not may have been anything.
      damage.append(
        StoreDamage(
          error: error,
          keyCheck: nil,
          firstLost: member.header.firstSequence,
          nextSequence: nextSequence
        )
      )
    }
  }

  private mutating func read(
    _ bytes: RawSpan,
    _ member: ChainMember,
    limit: Int,
    statedEnd: Int?,
    nextSequence: UInt64?,
    hashSeed: UInt64
  ) {
    var start = SegmentField.journalStart
    while true {
      var found: [RecoveredEntry] = []
      let scan = TransactionScan(bytes, binding: member.binding, from: start, limit: limit) {
        let key = bytes.extracting($0.keyRange)
        found.append(
          RecoveredEntry(
            hash: Checksum.hash64(key, seed: hashSeed),
            offset: $0.offset,
            isDelete: $0.header.kind == .delete
          )
        )
      }
      entries += found
      self.scan = scan
      guard let stop = scan.stop else {
        if let statedEnd, scan.acceptedEnd != statedEnd {
          damage.append(
            StoreDamage(
              error: .corrupt(
                file: member.file.path,
                offset: scan.acceptedEnd,
                cause: .journalEndsEarly
              ),
              keyCheck: nil,
              firstLost: scan.nextSequence,
              nextSequence: nextSequence
            )
          )
        }
        return
      }
      if case .unknownFlags(let flags) = stop.fault {
        failure = .newerFormat(
          file: member.file.path,
          feature: "record flags 0x\(String(flags, radix: 16))"
        )
        return
      }
      let reader = JournalReader(binding: member.binding, from: stop.offset, limit: limit)
      if statedEnd == nil, !provesMore(reader, bytes, member, after: scan, stop) {
        hasTornTail = Self.isWritten(bytes, from: scan.acceptedEnd, limit: limit)
        isClosed = Self.isClosed(bytes, member, scan)
        return
      }
      if statedEnd == nil, isStillBeingWritten(bytes, member, scan, limit: limit) {
        start = scan.acceptedEnd
        continue
      }
      // Damage: go on at the next transaction, so that undamaged keys can be read.
      let resumed = reader.firstTransactionBegin(in: bytes, from: stop.offset + 8)
      let next = resumed?.sequence ?? nextSequence ?? Self.closeMark(bytes, member)?.nextSequence
      damage.append(
        Self.damage(stop, member, firstLost: scan.nextSequence, nextSequence: next)
      )
      guard let resumed else { return }
      start = resumed.offset
    }
  }

  /// Whether the newest segment is known to have been durable beyond the stop.
  private func provesMore(
    _ reader: JournalReader,
    _ bytes: RawSpan,
    _ member: ChainMember,
    after scan: TransactionScan,
    _ stop: ScanStop
  ) -> Bool {
    if let mark = Self.closeMark(bytes, member), scan.acceptedEnd < mark.end { return true }
    return reader.firstBatchStart(in: bytes, from: stop.offset + 1) != nil
  }

  /// Whether the record at the stop has become valid meanwhile: a reader beside a writer.
  private func isStillBeingWritten(
    _ bytes: RawSpan,
    _ member: ChainMember,
    _ scan: TransactionScan,
    limit: Int
  ) -> Bool {
    let again = TransactionScan(
      bytes,
      binding: member.binding,
      from: scan.acceptedEnd,
      limit: limit,
      visit: { _ in }
    )
    return again.acceptedEnd > scan.acceptedEnd
  }

  /// The close mark, where one was written in this incarnation and is whole.
  private static func closeMark(_ bytes: RawSpan, _ member: ChainMember) -> CloseMark? {
    let mark = CloseMark(decodingFirstPage: bytes)
    let start = SegmentField.closeMark
    let crc = Checksum.crc32c(
      bytes.extracting(start..<start + CloseMarkField.checksum),
      continuing: member.binding.seed
    )
    let isWhole = crc == mark.checksum && mark.incarnation == member.header.incarnation
    return isWhole ? mark : nil
  }

  private static func damage(
    _ stop: ScanStop,
    _ member: ChainMember,
    firstLost: UInt64,
    nextSequence: UInt64?
  ) -> StoreDamage {
    let cause: CorruptionCause
    var keyCheck: UInt16?
    switch stop.fault {
    case .header, .length, .unknownFlags: cause = stop.isMisplaced ? .recordOrder : .recordHeader
    case .body(let check, let isWholeTransaction):
      cause = .recordBody
      // One key only if just this record is missing: a page may have taken its neighbours along.
      keyCheck = isWholeTransaction && nextSequence == firstLost &+ 1 ? check : nil
    }
    return StoreDamage(
      error: .corrupt(file: member.file.path, offset: stop.offset, cause: cause),
      keyCheck: keyCheck,
      firstLost: firstLost,
      nextSequence: nextSequence
    )
  }

  /// Whether appends may go on behind the accepted end: it is a close record with its pad, and the
  /// close mark says that nothing was written behind it.
  private static func isClosed(
    _ bytes: RawSpan,
    _ member: ChainMember,
    _ scan: TransactionScan
  ) -> Bool {
    guard scan.endsWithClose, scan.acceptedEnd.isMultiple(of: RecordLimit.lineSize),
      !isWritten(bytes, from: scan.acceptedEnd, limit: bytes.byteCount),
      let mark = closeMark(bytes, member)
    else { return false }
    return !mark.isOpen && mark.end == scan.lastBatchStart
  }

  /// Whether anything was ever written behind the accepted end (fresh segments are zero).
  private static func isWritten(_ bytes: RawSpan, from start: Int, limit: Int) -> Bool {
    start + 8 <= limit && bytes.littleEndian(at: start, as: UInt64.self) != 0
  }
}
