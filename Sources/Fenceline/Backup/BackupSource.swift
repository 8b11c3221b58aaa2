// The state of a store that a backup takes: segments that stay readable whatever the writer does, and how far
// each of them is taken.
//
// Invariants:
//   everything in it is durable: no crash of the store takes back what a backup has
//   everything that was durable when it began is in it
//   nothing is handed out that was not verified in the very bytes that are handed out

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// Segments of a store, mapped, for a backup.
struct BackupSource {
  /// One of them.
  struct Segment {
    let member: ChainMember
    /// Where what is taken of it ends.
    let end: Int
    /// See ``BackupSegmentField/nextSequence``.
    let nextSequence: UInt64
  }

  /// Oldest first; there is one at least.
  let segments: [Segment]
  /// Sequence of the newest transaction.
  let sequence: UInt64

  var storeID: StoreID { segments[0].member.header.storeID }

  private static let mostAttempts = 8

  /// Takes the newest state that can be seen, and makes it durable.
  ///
  /// - Parameter directory: the store's, whose reads are not guarded: they then are copies that nothing
  ///   changes behind the reader's back.
  /// - Throws: ``StoreError/noStore(_:)``, ``StoreError/isBackup(_:)``, what is damaged, or what the medium says.
  /// - Durability: the newest segment's records are durable in the store on return.
  init(of directory: any StoreDirectory) throws(StoreError) {
    var chain = try SegmentChain(in: directory)
    for attempt in 1... {
      guard let newest = chain.members.last else { throw chain.absence(in: directory) }
      if let damage = chain.damage.first { throw damage.error }
      let reading = SegmentRecovery(of: newest, SegmentReading(hashSeed: 0))
      if let failure = reading.failure ?? reading.damage.first?.error { throw failure }
      guard let scan = reading.scan else { preconditionFailure("a segment was read") }
      if reading.isFollowed {
        // What has come since the listing is no part of what was durable before; without it, a segment is gone.
        let hasGrown = try chain.hasGrown(in: directory)
        if newest.isCompacted || !hasGrown {
          guard hasGrown, attempt < Self.mostAttempts else {
            let name = SegmentName.name(of: newest.header.covered.upperBound + 1)
            let file = directory.path.appending(name)
            throw .corrupt(file: file, offset: 0, cause: .missingSegment)
          }
          chain = try SegmentChain(in: directory)
          continue
        }
      }
      if !Mutant.backupSourceUnsynced.isActive {
        try translatingErrors { () throws(MediumError) in
          let range = SegmentField.journalStart..<scan.acceptedEnd
          try newest.file.makeDurable(range, named: newest.name, in: directory)
        }
      }
      let older = chain.members.dropLast().map { (member) in
        Segment(
          member: member,
          // In whole words, as everything in a journal: of a digest that is beyond its last byte.
          end: member.header.compaction.map { ($0.end + $0.digestLength + 7) & ~7 }
            ?? member.statedEnd ?? SegmentField.journalStart,
          nextSequence: member.nextSequence ?? 0
        )
      }
      let last = Segment(member: newest, end: scan.acceptedEnd, nextSequence: scan.nextSequence)
      segments = older + [last]
      sequence = max(1, scan.nextSequence) - 1
      return
    }
    preconditionFailure("the loop returns or throws")
  }
}

extension BackupSource.Segment {
  var header: SegmentHeader { member.header }

  /// Hands out the segment's bytes up to its end, verified from `start` on: every record of them, and that
  /// nothing is missing.
  ///
  /// - Parameters:
  ///   - start: where a transaction starts; bytes before are not to be looked at.
  ///   - body: gets the bytes from the segment's first one on.
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)`` or ``StoreError/mediaError(file:offset:)``, before
  ///   `body` is called; and what `body` throws.
  func withVerifiedBytes(
    from start: Int,
    _ body: (RawSpan) throws(MediumError) -> Void
  ) throws(StoreError) {
    guard Memory.isThere(end) else { throw .noMemory(for: member.file.path) }
    guard end <= member.length else {
      throw .corrupt(file: member.file.path, offset: member.length, cause: .fileLength)
    }
    var finding: StoreError?
    try translatingErrors { () throws(MediumError) in
      try member.file.withGuardedBytes(0..<end, readFrom: start) {
        (bytes) throws(MediumError) in
        finding = fault(in: bytes, from: start)
        if finding == nil { try body(bytes) }
      }
    }
    if let finding { throw finding }
  }

  /// What is wrong with bytes, if anything.
  private func fault(in bytes: RawSpan, from start: Int) -> StoreError? {
    let file = member.file.path
    let recordsEnd = header.compaction?.end ?? end
    let scan = TransactionScan(
      bytes,
      binding: member.binding,
      from: start,
      limit: recordsEnd,
      visit: { _ in }
    )
    if let stop = scan.stop { return stop.error(in: file) }
    guard scan.acceptedEnd == recordsEnd else {
      return .corrupt(file: file, offset: scan.acceptedEnd, cause: .journalEndsEarly)
    }
    guard scan.nextSequence <= nextSequence else {
      return .corrupt(file: file, offset: recordsEnd, cause: .recordOrder)
    }
    guard let compaction = header.compaction else { return nil }
    let digestBytes = bytes.extracting(recordsEnd..<recordsEnd + compaction.digestLength)
    let digest = SegmentDigest(verifying: digestBytes, of: header)
    return digest == nil ? .corrupt(file: file, offset: recordsEnd, cause: .recordBody) : nil
  }
}
