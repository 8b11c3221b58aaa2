// Brings a backup up to a state of its store.
//
// Order:
//   1. the parts that are missing are written, durable, then named
//   2. the directory is synchronised: a manifest never names a file whose name a crash can take
//   3. the new manifest is written, durable, and takes the place of the old one
//   4. the directory is synchronised: from here on the backup is the new one
//   5. files that only the old manifest named are removed
//
// A part never changes and its name, which holds the number of the backup that it came with, is never given
// twice, so whatever stops this leaves the old backup as it was, or the new one.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// One backup in the making.
struct BackupUpdate {
  private let source: BackupSource
  private let directory: any StoreDirectory
  /// What the directory holds.
  private let base: BackupManifest?
  private let names: [String]
  private let generation: UInt64
  private let readsParts: Bool
  /// Names that were given so far.
  private var written: [String] = []
  private(set) var report = BackupReport()

  /// Bytes that are written at a time.
  private static let stretch = 4 << 20

  /// Looks at what is there; changes nothing.
  ///
  /// - Parameters:
  ///   - source: what to take.
  ///   - directory: the backup's, locked.
  ///   - readsParts: files that are there are read, and those that don't hold are written anew.
  /// - Throws: ``StoreError/notABackup(_:)``, ``StoreError/otherBackup(_:)``, a damaged manifest, and what the
  ///   medium says.
  init(
    of source: BackupSource,
    in directory: any StoreDirectory,
    readsParts: Bool
  ) throws(StoreError) {
    self.source = source
    self.directory = directory
    self.readsParts = readsParts
    names = try translatingErrors { () throws(MediumError) in try directory.names() }
    base = try BackupManifest.read(in: directory)
    guard base != nil || !names.contains(where: { BackupName($0) == .foreign }) else {
      throw .notABackup(directory.path)
    }
    generation = (base?.generation ?? 0) + 1
    if let base, try !source.continues(base) { throw .otherBackup(directory.path) }
  }

  /// Does everything.
  ///
  /// - Parameters:
  ///   - createdAt: nanoseconds since 1970.
  ///   - progress: gets the bytes that were copied and those that have to be.
  /// - Throws: what is wrong with the store, or what the medium says; what was there before is then the backup
  ///   still.
  /// - Durability: durable on return.
  mutating func run(createdAt: UInt64, _ progress: (Int, Int) -> Void) throws(StoreError) {
    let manifest: BackupManifest
    do throws(StoreError) {
      try copy(progress)
      manifest = BackupManifest(
        storeID: source.storeID,
        sequence: source.sequence,
        createdAt: createdAt,
        generation: generation,
        segments: segments
      )
      try prepare(manifest)
    } catch {
      // No manifest names them.
      for name in written { try? directory.removeSegment(named: name) }
      throw error
    }
    report.segmentCount = segments.count
    report.sequence = source.sequence
    report.isIncremental = base != nil
    let directory = directory
    try translatingErrors { () throws(MediumError) in
      try directory.publishSegment(named: BackupName.manifestName, replacing: true)
      if !Mutant.backupManifestUnsynced.isActive { try directory.synchronize() }
    }
    removeUnneeded(manifest)
  }

  /// Makes everything durable but the new manifest's name.
  private func prepare(_ manifest: BackupManifest) throws(StoreError) {
    try translatingErrors { () throws(MediumError) in
      if base == nil { try directory.synchronizeName() }
      if !written.isEmpty, !Mutant.backupPartsUnsynced.isActive { try directory.synchronize() }
      let bytes = manifest.encoded
      try Self.write(unsafe bytes.span.bytes, named: BackupName.manifestName, in: directory)
    }
  }

  private var segments: [BackedUpSegment] = []

  // MARK: Copying

  private mutating func copy(_ progress: (Int, Int) -> Void) throws(StoreError) {
    let kept = try source.segments.map { (segment) throws(StoreError) in try keptParts(of: segment)
    }
    var all = 0
    for (segment, parts) in zip(source.segments, kept) {
      let length = parts.reduce(0) { $0 + $1.length }
      report.keptBytes += length
      all += segment.end - SegmentField.journalStart - length
    }
    progress(0, all)
    for (segment, parts) in zip(source.segments, kept) {
      segments.append(try copy(segment, behind: parts, all, progress))
    }
  }

  /// Parts that are there and stay: those whose bytes are still the segment's, as far as what comes behind them
  /// is not so much that one file may as well hold both.
  ///
  /// So a segment that grows from backup to backup has few files, and each byte is copied a few times at most.
  private func keptParts(of segment: BackupSource.Segment) throws(StoreError) -> [BackupPart] {
    guard let known = base?.segments.first(where: { $0.header == segment.header }),
      known.end <= segment.end
    else { return [] }
    for (part, name) in zip(known.parts, known.partNames) {
      guard try BackupFile.isSound(part, named: name, in: directory, isRead: readsParts) else {
        return []
      }
    }
    var (kept, end) = (known.parts, known.end)
    while end < segment.end, let last = kept.last, last.length <= segment.end - end {
      kept.removeLast()
      end -= last.length
    }
    return kept
  }

  private mutating func copy(
    _ segment: BackupSource.Segment,
    behind kept: [BackupPart],
    _ all: Int,
    _ progress: (Int, Int) -> Void
  ) throws(StoreError) -> BackedUpSegment {
    let start = kept.reduce(SegmentField.journalStart) { $0 + $1.length }
    var parts = kept
    if start < segment.end {
      let name = BackupName.part(of: segment.header.segmentID, generation: generation)
      let length = segment.end - start
      let (directory, copied) = (directory, report.copiedBytes)
      var checksum: UInt32 = 0
      try segment.withVerifiedBytes(from: start) {
        (bytes) throws(MediumError) in
        let bytes = bytes.extracting(start..<segment.end)
        checksum = Checksum.crc32c(bytes)
        try Self.write(bytes, named: name, in: directory) { progress(copied + $0, all) }
        try directory.publishSegment(named: name, replacing: true)
      }
      written.append(name)
      report.copiedBytes += length
      parts.append(BackupPart(generation: generation, length: length, checksum: checksum))
    }
    return BackedUpSegment(
      header: segment.header,
      end: segment.end,
      nextSequence: segment.nextSequence,
      parts: parts
    )
  }

  /// Writes a file, durable, that has no name yet.
  ///
  /// - Parameters:
  ///   - bytes: one at least.
  ///   - name: what it will be named.
  ///   - directory: where.
  ///   - progress: gets the bytes that were written.
  /// - Throws: what the medium says; nothing is left behind then.
  /// - Durability: the bytes are durable on return, and the name after `publishSegment` and a sync.
  private static func write(
    _ bytes: RawSpan,
    named name: String,
    in directory: any StoreDirectory,
    _ progress: (Int) -> Void = { _ in }
  ) throws(MediumError) {
    let file = try directory.createSegment(named: name, length: bytes.byteCount)
    do throws(MediumError) {
      var offset = 0
      while offset < bytes.byteCount {
        let end = min(bytes.byteCount, offset + stretch)
        try file.writeBulk(bytes.extracting(offset..<end), at: offset)
        offset = end
        progress(offset)
      }
      if !Mutant.backupFileUnsynced.isActive { try file.completeBulk() }
    } catch {
      try? directory.removeSegment(named: name + FileSystemDirectory.unpublishedSuffix)
      throw error
    }
  }

  /// Removes what the manifest does not name; what can't be removed goes with the next backup.
  private func removeUnneeded(_ manifest: BackupManifest) {
    let needed = manifest.partNames
    for name in names {
      switch BackupName(name) {
      case .part where !needed.contains(name): try? directory.removeSegment(named: name)
      case .ownBesides where name != FileSystemDirectory.lockName:
        try? directory.removeSegment(named: name)
      default: break
      }
    }
  }
}

extension BackupSource {
  /// Whether this is a later state of what a backup holds: nothing that the backup has would be lost.
  ///
  /// - Throws: what is wrong with the segment that both have.
  fileprivate func continues(_ base: BackupManifest) throws(StoreError) -> Bool {
    guard storeID == base.storeID, sequence >= base.sequence else { return false }
    guard let last = base.segments.last(where: \.hasTransactions) else { return true }
    let id = last.header.segmentID
    if let segment = segments.first(where: { $0.header.segmentID == id }) {
      guard segment.header == last.header, segment.end >= last.end else { return false }
      return try segment.begins(with: last.parts)
    }
    // It was compacted since, or never was. Where the store was restored in between nobody knows from what.
    return segments.contains { (segment) in
      segment.member.isCompacted && segment.header.covered.contains(id)
        && segment.header.incarnation >= last.header.incarnation
        && !RestoredIncarnation.isRestored(
          segment.header.incarnation,
          since: last.header.incarnation
        )
    }
  }
}

extension BackupSource.Segment {
  /// Whether the journal begins with the bytes of these parts: a copy of the store that went on by itself has the
  /// same header.
  fileprivate func begins(with parts: [BackupPart]) throws(StoreError) -> Bool {
    var isSame = true
    try withVerifiedBytes(from: SegmentField.journalStart) { (bytes) in
      var start = SegmentField.journalStart
      for part in parts {
        let stretch = bytes.extracting(start..<start + part.length)
        isSame = isSame && Checksum.crc32c(stretch) == part.checksum
        start += part.length
      }
    }
    return isSame
  }
}
