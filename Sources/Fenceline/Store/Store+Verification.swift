// Reads everything and says what is wrong with it: an opening that passes over an index image, and reports
// instead of going on.

internal import JournalFormat
package import PersistentMemory
public import SystemPackage

/// The result of ``Store/verify(at:options:countingKeys:progress:)``.
public struct VerificationReport: Sendable, Equatable {
  /// Records in complete transactions.
  public var recordCount: Int
  /// Keys that have a value, where they were counted: those of all namespaces, of dropped ones as long as they
  /// take space, and the two entries of each namespace in the catalogue with the one of its counter.
  public var keyCount: Int?
  /// Segments that were read.
  public var segmentCount: Int
  /// An unfinished write stands at the end; it is no damage.
  public var hasTornTail: Bool
  /// The store was closed in order.
  public var isClosed: Bool
  /// What is damaged, in history order; each is a ``StoreError`` that names file and offset.
  public var findings: [StoreError]
  /// The same with all that is known of each place, and an unfinished write behind them.
  public var places: [VerificationFinding]

  /// Whether nothing is damaged.
  public var isSound: Bool { findings.isEmpty }
}

extension Store {
  /// Reads and verifies every byte of the journal at `path`.
  ///
  /// Changes nothing.
  ///
  /// - Parameters:
  ///   - path: the store's directory.
  ///   - options: as for ``openReadOnly(at:options:)``.
  ///   - countsKeys: whether to count the keys that have a value, for which an index has to be built: several
  ///     times the time, and the memory of an index.
  ///   - progress: gets the number of segments read and the number of all.
  /// - Returns: what was found, damage included.
  /// - Throws: ``StoreError/noStore(_:)``, and whatever keeps the journal from being read at all: a
  ///   damaged segment header, for one.
  /// - Complexity: O(journal), in parallel over segments.
  public static func verify(
    at path: FilePath,
    options: StoreOptions = StoreOptions(),
    countingKeys countsKeys: Bool = false,
    progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws(StoreError) -> VerificationReport {
    let directory = try directoryToRead(path, options)
    return try verify(in: directory, countingKeys: countsKeys, progress: progress)
  }

  /// Verifies the journal in any kind of directory.
  package static func verify(
    in directory: any StoreDirectory,
    countingKeys countsKeys: Bool = false,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws(StoreError) -> VerificationReport {
    let opening = try JournalOpening.read(
      directory,
      image: countsKeys ? .none : .noIndex,
      progress: progress
    )
    guard !opening.isEmpty else { throw opening.absence(in: directory) }
    return VerificationReport(opening, of: directory)
  }

  /// What verifying would have found when this handle was opened: opening reads the same bytes, except
  /// beside an index image.
  package var verificationAtOpening: VerificationReport {
    follower?.settleCounts()
    return VerificationReport(
      recovery,
      map,
      keyCount: index.count,
      damage,
      spareFindings: spareFindings,
      of: directory
    )
  }

  /// Whether opening read the journal behind an index image only.
  package var openedBesideImage: Bool { maintenance.images.hasImage }

  /// The segments that are history, by name, with the end of what was accepted in each.
  package var acceptedEnds: [(name: String, end: Int)] {
    map.recordEnds.map { (segment, end) in
      (SegmentName.name(of: segment.header.segmentID), end ?? recovery.newestEnd)
    }
  }
}

extension VerificationReport {
  /// What an opening found that has read everything.
  init(_ opening: JournalOpening, of directory: any StoreDirectory) {
    self.init(
      opening.report,
      opening.map,
      keyCount: opening.hasIndex ? opening.index.count : nil,
      opening.damage,
      spareFindings: opening.spareFindings,
      of: directory
    )
  }

  fileprivate init(
    _ recovery: RecoveryReport,
    _ map: SegmentMap,
    keyCount: Int?,
    _ damage: [StoreDamage],
    spareFindings: [StoreError],
    of directory: any StoreDirectory
  ) {
    recordCount = recovery.recordCount
    self.keyCount = keyCount
    segmentCount = map.segments.count
    hasTornTail = recovery.hasTornTail
    isClosed = recovery.wasClosed
    findings = damage.map(\.error) + spareFindings
    let path = directory.path
    places =
      damage.map { VerificationFinding($0, in: path) }
      + spareFindings.map { VerificationFinding($0, in: path) }
    if hasTornTail, let newest = map.segments.last {
      places.append(VerificationFinding(tornAt: recovery.newestEnd, of: newest.file.path))
    }
  }
}
