// Makes a store of a backup: the segments as they were, and behind them a recovery, as after a crash, whose
// incarnation tells the new store from the old one (see RestoredIncarnation).
//
// Nothing depends on the order in which a restore works: it does so in a directory that nobody takes for the
// store, and which gets the store's name when all of it is durable.

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// A restore into an empty directory.
struct BackupRestore {
  private let backup: OpenedBackup
  private let directory: any StoreDirectory
  private let storeDirectory: any StoreDirectory
  private var done = 0

  /// Bytes that are written at a time.
  private static let stretch = 4 << 20

  /// Prepares a restore.
  ///
  /// - Parameters:
  ///   - backup: what is restored.
  ///   - directory: where the segments go.
  ///   - storeDirectory: the same, for the store that is opened in it in the end, and unlocks it.
  init(
    _ backup: OpenedBackup,
    to directory: any StoreDirectory,
    openedIn storeDirectory: any StoreDirectory
  ) {
    self.backup = backup
    self.directory = directory
    self.storeDirectory = storeDirectory
  }

  /// Does everything.
  ///
  /// - Parameters:
  ///   - options: of the store; nothing is compacted, whatever they say.
  ///   - progress: gets the bytes that were copied, and those that there are.
  /// - Throws: what is wrong with the backup, or what the medium says.
  /// - Durability: all but the directory's name is durable on return; the store is closed.
  mutating func run(
    _ options: StoreOptions,
    _ progress: (Int, Int) -> Void
  ) throws(StoreError) {
    let segments = backup.manifest.segments
    progress(0, backup.manifest.length)
    for number in segments.indices {
      let successor = number + 1 < segments.count ? segments[number + 1].header : nil
      try restore(segments[number], backup.files[number], followedBy: successor, progress)
    }
    let directory = directory
    try translatingErrors { () throws(MediumError) in try directory.synchronize() }
    var options = options
    options.createsIfMissing = false
    options.compactsInBackground = false
    options.segmentOptions.incarnationStep = try RestoredIncarnation.step()
    // Reads and verifies all records once more, as they stand there.
    try Store(writingIn: storeDirectory, options: options).close()
  }

  private mutating func restore(
    _ segment: BackedUpSegment,
    _ files: [Result<BackupFile, StoreError>],
    followedBy successor: SegmentHeader?,
    _ progress: (Int, Int) -> Void
  ) throws(StoreError) {
    let name = SegmentName.name(of: segment.header.segmentID)
    let directory = directory
    let file = try translatingErrors { () throws(MediumError) in
      try directory.createSegment(named: name, length: segment.header.capacity)
    }
    var start = SegmentField.journalStart
    for part in files {
      let part = try part.get()
      let (from, before, all) = (start, done, backup.manifest.length)
      try part.withVerifiedBytes { (bytes) throws(MediumError) in
        var offset = 0
        while offset < bytes.byteCount {
          let end = min(bytes.byteCount, offset + Self.stretch)
          try file.writeBulk(bytes.extracting(offset..<end), at: from + offset)
          offset = end
          progress(before + offset, all)
        }
      }
      start += part.part.length
      done += part.part.length
    }
    try translatingErrors { () throws(MediumError) in
      try file.completeBulk()
      try SegmentEncoder.writeHeader(segment.header, to: file)
      // As the writer left it: a newest segment that says so is not the newest.
      if segment.header.compaction == nil, let successor {
        try SegmentEncoder.markFollowed(file, segment.header, by: successor)
      }
      try directory.publishSegment(named: name)
    }
    if successor != nil { file.settle(at: segment.end) }
  }
}
