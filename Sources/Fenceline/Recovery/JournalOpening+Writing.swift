// Going on where the journal ends: the half of an opening that writes.
//
// Writing after a crash, in this order:
//   1. accept complete transactions up to the first thing that fails
//   2. make the newest segment's accepted bytes durable again (they may be dirty in a cache)
//   3. create the next segment, whose header states that end and a first sequence beyond any that
//      could have been used; header durable, then its name: this is the decision
//   4. mark the one that it follows, or whose place it takes, durably, before anything is written into it
// A crash before the end of 3 repeats everything with the same result; one before the end of 4 leaves
// an empty segment, which is replaced. Of the torn segment only the mark in its first page is ever
// written again. After an orderly close nothing was torn, and appends go on behind the close record.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

extension JournalOpening {
  /// Goes on writing where the journal ends, durably decided.
  mutating func beginWriting(
    in directory: any StoreDirectory,
    options: SegmentOptions
  ) throws(StoreError) -> JournalWriter {
    if let damage = damage.first { throw damage.error }
    if isEmpty { return try createStore(in: directory, options: options) }
    try chain.openNewestForWriting(in: directory)
    guard let scan = newestScan, let newest = chain.members.last else {
      preconditionFailure("a chain has a newest segment that was read")
    }
    let goesOn =
      report.wasClosed
      || Mutant.tornSegmentContinued.isActive
        && scan.acceptedEnd.isMultiple(of: RecordLimit.lineSize)
    let writer =
      goesOn && JournalWriter.hasRoomToContinue(newest, scan)
      ? try continueAfterClose(newest, scan, in: directory, options: options)
      : try decide(newest, scan, in: directory, options: options)
    try removeLeftovers(in: directory)
    try translatingErrors { () throws(MediumError) in try removeUnusedImage(in: directory) }
    restoreSpareHeaders(in: directory)
    return writer
  }

  /// Removes an image that does not fit the journal of now, and changes that were not used.
  ///
  /// They might seem to fit once the journal is longer: an older copy of the segments may have been put
  /// back, and another history follows it.
  ///
  /// - Throws: what the medium says: a writer must not go on beside them.
  private func removeUnusedImage(in directory: any StoreDirectory) throws(MediumError) {
    let used = Set(changes.files.map(\.header.number))
    for number in chain.changeFiles.subtracting(used) {
      try Self.removeFile(ChangeFile.name(of: number), in: directory)
    }
    guard imageHeader == nil, chain.hasImage else { return }
    try Self.removeFile(IndexImage.fileName, in: directory)
    try directory.synchronize()
  }

  /// Removes a file; a directory of its name can never be taken for it.
  private static func removeFile(
    _ name: String,
    in directory: any StoreDirectory
  ) throws(MediumError) {
    do throws(MediumError) { try directory.removeSegment(named: name) } catch {
      guard error.cause == .isDirectory else { throw error }
    }
  }

  /// Writes second headers again that were damaged; a failure leaves them for the next opening.
  private func restoreSpareHeaders(in directory: any StoreDirectory) {
    for (member, _) in chain.membersWithoutSpare {
      try? SegmentEncoder.writeHeaderCopy(
        member.header,
        to: directory.openSegment(named: member.name, writable: true)
      )
    }
  }

  private mutating func continueAfterClose(
    _ newest: ChainMember,
    _ scan: TransactionScan,
    in directory: any StoreDirectory,
    options: SegmentOptions
  ) throws(StoreError) -> JournalWriter {
    let tail = scan.acceptedEnd
    let granuleStart = tail / SegmentMap.granuleSize * SegmentMap.granuleSize
    try translatingErrors { () throws(MediumError) in
      try newest.file.beginAppending(at: tail, sharing: granuleStart..<tail)
    }
    let active = map.replaceNewest(with: newest.file)
    map.redirectToAppends(of: active, from: granuleStart)
    return writer(
      in: directory,
      options: options,
      active: active,
      header: newest.header,
      tail: tail,
      nextSequence: scan.nextSequence,
      digest: newestDigest,
      close: CloseOnMedium(record: scan.lastBatchStart..<tail, isCertain: false)
    )
  }

  private mutating func decide(
    _ newest: ChainMember,
    _ scan: TransactionScan,
    in directory: any StoreDirectory,
    options: SegmentOptions
  ) throws(StoreError) -> JournalWriter {
    try translatingErrors { () throws(MediumError) in
      if !Mutant.acceptedNotDurable.isActive {
        try newest.file.makeDurableAgain(0..<scan.acceptedEnd, synchronizing: true)
      }
    }
    // Lost records may have used sequences: as many as fit behind the accepted end.
    let lostLength = newest.file.length - scan.acceptedEnd
    let possiblyUsed =
      Mutant.usedSequencesReissued.isActive ? 0 : lostLength / RecordLimit.smallestRecord + 1
    let isNewestEmpty = scan.isEmpty
    // A compacted segment describes itself, and is never taken for the newest.
    let followed = isNewestEmpty ? chain.members.dropLast().last : newest
    let described = followed?.isCompacted == true ? nil : followed
    let digest = isNewestEmpty ? described.map(digest) ?? [] : newestDigest
    let id = chain.highestID + 1
    var header = SegmentHeader(
      storeID: newest.header.storeID,
      segmentID: id,
      // A segment in which nothing was accepted is replaced, not followed.
      predecessorID: isNewestEmpty ? newest.header.predecessorID : newest.header.segmentID,
      incarnation: newest.header.incarnation(
        behind: Mutant.incarnationKept.isActive ? 0 : options.incarnationStep
      ),
      capacity: 0,
      firstSequence: scan.nextSequence + UInt64(possiblyUsed),
      predecessorEnd: isNewestEmpty ? newest.header.predecessorEnd : scan.acceptedEnd,
      createdAt: options.clock.nanosecondsSince1970()
    )
    header.mayExpire = newest.header.mayExpire
    if isNewestEmpty { map.removeNewest() }
    if isNewestEmpty, Mutant.replacedRemovedFirst.isActive {
      try? directory.removeSegment(named: newest.name)
    }
    let active = try create(
      header,
      in: directory,
      options: options,
      preferring: described == nil ? 0 : KeyDigest.segmentRecordLength(digest.count)
    )
    // Also where it stands there already: it may have been read from a cache.
    if let described, !Mutant.recoveryMarkMissing.isActive {
      try mark(described, followedBy: active.header, in: directory)
    }
    if isNewestEmpty {
      chain.noteReplaced(newest)
    } else {
      // Decided, durably: nothing behind the accepted end will be read again.
      Self.settle(newest.file, at: scan.acceptedEnd)
    }
    var writer = writer(
      in: directory,
      options: options,
      active: active,
      header: header,
      tail: SegmentField.journalStart,
      nextSequence: header.firstSequence,
      digest: [],
      close: nil
    )
    if let described { try writer.describe(described.header, digest, leaving: 0) }
    return writer
  }

  /// The digest of a segment that is not the newest, read again.
  private func digest(of member: ChainMember) -> [UInt16] {
    SegmentRecovery(of: member, SegmentReading(hashSeed: hashSeed, collectsDigest: true)).digest
  }

  /// Lets a segment say that it has a successor, before anything is written into that one.
  private func mark(
    _ member: ChainMember,
    followedBy successor: SegmentHeader,
    in directory: any StoreDirectory
  ) throws(StoreError) {
    let isNewest = member.header.segmentID == chain.members.last?.header.segmentID
    try translatingErrors { () throws(MediumError) in
      // Only the newest one is open for writing; a crash has come before another one's mark.
      let file =
        try isNewest ? member.file : directory.openSegment(named: member.name, writable: true)
      try SegmentEncoder.markFollowed(file, member.header, by: successor)
    }
  }

  private mutating func createStore(
    in directory: any StoreDirectory,
    options: SegmentOptions
  ) throws(StoreError) -> JournalWriter {
    let newID = StoreID(low: try Random.word(), high: try Random.word())
    let header = SegmentHeader(
      storeID: options.storeID ?? newID,
      segmentID: 1,
      predecessorID: 0,
      incarnation: options.firstIncarnation,
      capacity: 0,
      firstSequence: 1,
      predecessorEnd: 0,
      createdAt: options.clock.nanosecondsSince1970()
    )
    // Before there is a segment: whoever finds one may count on the directory.
    if !Mutant.storeNameUnsynced.isActive {
      try translatingErrors { () throws(MediumError) in try directory.synchronizeName() }
    }
    let active = try create(header, in: directory, options: options, preferring: 0)
    return writer(
      in: directory,
      options: options,
      active: active,
      header: header,
      tail: SegmentField.journalStart,
      nextSequence: 1,
      digest: [],
      close: nil
    )
  }

  /// Gives back what is behind the end of a segment: a long hole takes milliseconds, which nobody has to
  /// wait for.
  private static func settle(_ file: SegmentFile, at end: Int) {
    guard file.length - end >= largestFirstSegment else { return file.settle(at: end) }
    _ = Worker { file.settle(at: end) }
  }

  /// Bytes of a segment that an opening makes: the next one is made in the background.
  private static let largestFirstSegment = 8 << 20

  private mutating func create(
    _ header: SegmentHeader,
    in directory: any StoreDirectory,
    options: SegmentOptions,
    preferring extra: Int
  ) throws(StoreError) -> MappedSegment {
    let name = SegmentName.name(of: header.segmentID)
    var sizing = SegmentSizing(options: options, liveBytes: map.liveBytes)
    sizing.mostBytes = Self.largestFirstSegment
    let file = try sizing.create(
      name,
      roomFor: RecordLimit.smallestRecord,
      preferring: extra,
      in: directory
    )
    file.prefaultWrites()
    var header = header
    header.capacity = file.length
    let finished = header
    try translatingErrors { () throws(MediumError) in
      if !Mutant.firstHeaderLate.isActive { try SegmentEncoder.writeHeader(finished, to: file) }
      try directory.publishSegment(named: name)
      if !Mutant.firstNameUnsynced.isActive { try directory.synchronize() }
      if Mutant.firstHeaderLate.isActive { try SegmentEncoder.writeHeader(finished, to: file) }
    }
    let active = try map.add(file, finished)
    map.redirectToAppends(of: active, from: 0)
    return active
  }

  private func writer(
    in directory: any StoreDirectory,
    options: SegmentOptions,
    active: MappedSegment,
    header: SegmentHeader,
    tail: Int,
    nextSequence: UInt64,
    digest: [UInt16],
    close: CloseOnMedium?
  ) -> JournalWriter {
    JournalWriter(
      directory: directory,
      map: map,
      epochs: epochs,
      options: options,
      storeID: header.storeID,
      incarnation: header.incarnation,
      active: active,
      tail: tail,
      nextSequence: nextSequence,
      digest: KeyDigest(entries: digest, nextSequence: nextSequence),
      nextSegmentID: max(header.segmentID, chain.highestID) + 1,
      closeOnMedium: close,
      writtenBytes: writtenBytes
    )
  }

  /// Removes files that no history needs; unpublished ones that can't be removed wait for the next
  /// opening.
  ///
  /// A segment that was replaced says so, durably, before the first record is written. Whether its
  /// removal is durable is no matter then: where the one in its place were lost later, it would not pass
  /// for the newest.
  private func removeLeftovers(in directory: any StoreDirectory) throws(StoreError) {
    for name in chain.unpublished { try? directory.removeSegment(named: name) }
    try translatingErrors { () throws(MediumError) in
      for member in chain.superseded {
        try markReplaced(member, in: directory)
        try directory.removeSegment(named: member.name)
      }
    }
  }

  /// Lets a segment say that the history goes on in another one, also to whoever follows it, has it
  /// mapped, and will see nothing else change there.
  private func markReplaced(
    _ member: ChainMember,
    in directory: any StoreDirectory
  ) throws(MediumError) {
    let id = member.header.segmentID
    // What was compacted has had successors, and its mark says so.
    let isCompacted = chain.members.contains {
      $0.isCompacted && $0.header.covered.contains(id)
    }
    guard !isCompacted, !Mutant.replacedUnmarked.isActive else { return }
    let file = try directory.openSegment(named: member.name, writable: true)
    try SegmentEncoder.markReplaced(file, member.header)
  }
}
