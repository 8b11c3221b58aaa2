// What a store can say about itself.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// A store's medium, durability and size at one moment.
public struct StoreStatistics: Sendable, Equatable {
  /// Kind of medium: "persistentMemory", "persistentMemoryWithFlushOnFailure", "file", "volatile".
  public var medium: String
  /// The environment forced libpmem to take an ordinary mapping for persistent memory.
  public var isForced: Bool
  /// What a commit survives before `sync()`.
  public var bufferedSurvival: Survival
  /// What a durable commit, or one followed by `sync()`, survives.
  public var durableSurvival: Survival
  /// Policy of the copy core: "strict", "trusting" or "plain".
  public var copyPolicy: String
  /// Instruction set of the copy core.
  public var instructionSet: String
  /// Flush instruction of the copy core.
  public var flushInstruction: String
  /// Implementation of the checksum.
  public var checksumImplementation: String
  /// Keys that have a value, in all namespaces; those of dropped ones as long as they take space.
  public var keyCount: Int
  /// Namespaces beside the default one.
  public var namespaceCount: Int
  /// Puts and deletes that opening read: all of the journal's, or those behind an index image.
  public var recordCountAtOpening: Int
  /// The store was closed in order before it was opened.
  public var wasClosed: Bool
  /// Opening cut off an unfinished write.
  public var hadTornTail: Bool
  /// Places in which the journal is damaged.
  public var damageCount: Int
  /// Sequence of the newest transaction.
  public var newestSequence: UInt64
  /// The oldest transaction behind which the store's state can still be read; see
  /// ``Store/openReadOnly(at:asOf:options:)``.
  public var oldestSequence: UInt64
  /// Segments of the journal.
  public var segmentCount: Int
  /// Bytes of all segment files.
  public var journalCapacityInBytes: Int
  /// Bytes that the file system holds for them.
  public var allocatedBytes: Int
  /// What the space of the whole directory is used for.
  public var space: SpaceUsage
  /// Bytes of memory that the table of keys takes (address space; touched as it fills).
  public var indexBytes: Int
}

/// What a store's space is used for: the parts add up to what `du` says of its directory.
public struct SpaceUsage: Sendable, Equatable {
  /// Bytes of records that are the newest of their keys.
  public var liveBytes = 0
  /// Bytes of everything else that was written: superseded records, deletes, pads, digests.
  public var deadBytes = 0
  /// Bytes of superseded records that compactions have kept for readers of the past.
  public var retainedBytes = 0
  /// Bytes that are kept for the store itself: headers, room for deletes, a close and a compaction on
  /// a full medium, a segment made ahead, an index image.
  public var reservedBytes = 0
  /// Bytes that the next records go to.
  public var freeBytes = 0

  /// All bytes that the file system holds for the store.
  public var totalBytes: Int {
    liveBytes + deadBytes + retainedBytes + reservedBytes + freeBytes
  }
}

/// One segment, for listings and export.
public struct SegmentInformation: Sendable, Equatable {
  /// Number of the segment.
  public var number: UInt32
  /// Name of its file.
  public var fileName: String
  /// Bytes of the file.
  public var capacityInBytes: Int
  /// Bytes that the file system holds for it.
  public var allocatedBytes: Int
  /// Recovery generation in which it was begun.
  public var incarnation: UInt64
  /// No record in it has a lower sequence.
  public var firstSequence: UInt64
  /// Nanoseconds since 1970 at its creation.
  public var createdAt: UInt64
  /// Numbers of the journal segments in whose place it stands: its own, or those that a compaction has
  /// brought together in it.
  public var covered: ClosedRange<UInt32>
}

extension Store {
  /// The oldest and the newest transaction behind which the store's state can be read.
  package var readableSequences: (oldest: UInt64, newest: UInt64) {
    let newest = map.committedSequence.load(ordering: .acquiring)
    let headers = map.segments.map(\.header)
    // A compaction may have known more meanwhile.
    return (min(SegmentHeader.oldestSequence(of: headers, newest: newest), newest), newest)
  }

  /// The oldest transaction behind which the state has to be readable where so many bytes of the journal are
  /// retained; nil for none.
  package func oldestRetainedSequence(within bytes: Int) -> UInt64? {
    let stretches = map.committedStretches(orUpTo: recovery.newestEnd)
    return RetentionWindow.start(of: bytes, in: stretches).map {
      max(1, stretches[$0].segment.header.firstSequence) - 1
    }
  }

  /// The store's own account.
  ///
  /// - Throws: ``StoreError/closed``, or what the medium says.
  /// - Complexity: O(segments).
  public func statistics() throws(StoreError) -> StoreStatistics {
    try checkOpen()
    let medium = directory.medium
    try catchUp()
    follower?.settleCounts()
    let segments = try segments()
    let sequences = readableSequences
    // Of a damaged store it may not be known.
    let namespaceCount = (try? catalogue.names().count) ?? 0
    let hasCatalogue = ((try? catalogue.nextNumber()) ?? 1) > 1
    let catalogueCount = hasCatalogue ? 2 * namespaceCount + 1 : 0
    return StoreStatistics(
      medium: medium.kind.rawValue,
      isForced: medium.isForced,
      bufferedSurvival: medium.buffered,
      durableSurvival: medium.synced,
      copyPolicy: medium.copyPolicy,
      instructionSet: medium.instructionSet,
      flushInstruction: medium.flushInstruction,
      checksumImplementation: Checksum.implementationName,
      keyCount: max(0, index.count - catalogueCount),
      namespaceCount: namespaceCount,
      recordCountAtOpening: recovery.recordCount,
      wasClosed: recovery.wasClosed,
      hadTornTail: recovery.hasTornTail,
      damageCount: damage.count,
      newestSequence: sequences.newest,
      oldestSequence: sequences.oldest,
      segmentCount: segments.count,
      journalCapacityInBytes: segments.reduce(0) { $0 + $1.capacityInBytes },
      allocatedBytes: segments.reduce(0) { $0 + $1.allocatedBytes },
      space: try spaceUsage(),
      indexBytes: index.byteCount
    )
  }

  /// What the store's space is used for, at about this moment.
  private func spaceUsage() throws(StoreError) -> SpaceUsage {
    let directory = directory
    let total = try translatingErrors { () throws(MediumError) in try directory.allocatedBytes() }
    var usage = SpaceUsage()
    for (segment, sealedEnd) in map.recordEnds {
      let allocated = try translatingErrors { () throws(MediumError) in
        try segment.file.allocatedBytes()
      }
      let live = max(0, segment.usage.liveBytes)
      let start = SegmentField.journalStart
      let retained = segment.header.compaction?.retainedBytes ?? 0
      usage.liveBytes += live
      usage.retainedBytes += retained
      guard sealedEnd == nil else {
        usage.deadBytes += max(0, allocated - start - live - retained)
        continue
      }
      let end = max(start, isReadOnly ? recovery.newestEnd : writer.recentEnd)
      let reserve = SegmentSizing.deleteReserve(capacity: segment.file.length)
      usage.deadBytes += max(0, end - start - live)
      usage.freeBytes += max(0, allocated - end - reserve)
    }
    usage.reservedBytes = max(0, total - usage.totalBytes)
    return usage
  }

  /// The segments of the journal, oldest first.
  ///
  /// - Throws: ``StoreError/closed``, or what the medium says.
  public func segments() throws(StoreError) -> [SegmentInformation] {
    try checkOpen()
    var result: [SegmentInformation] = []
    for segment in map.segments { result.append(try SegmentInformation(of: segment)) }
    return result
  }

  /// Identity of the store: 32 hexadecimal digits.
  public var identifier: String {
    [storeID.high, storeID.low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
