// What a backup holds. Whoever has read a manifest may count on its numbers: rows, lengths and ends fit
// together, and every segment's header holds.
//
// Invariant: the parts of a segment lie one behind the other and cover it from where its journal starts
// to its end.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// A segment as far as a backup has it.
struct BackedUpSegment: Sendable, Equatable {
  let header: SegmentHeader
  /// Where the copied bytes end.
  let end: Int
  /// See ``BackupSegmentField/nextSequence``.
  let nextSequence: UInt64
  let parts: [BackupPart]

  /// Whether a transaction is in it; what holds none may be replaced by a recovery.
  var hasTransactions: Bool { nextSequence > header.firstSequence }

  /// Names of its files.
  var partNames: [String] {
    parts.map { BackupName.part(of: header.segmentID, generation: $0.generation) }
  }
}

/// The contents of a manifest.
struct BackupManifest: Sendable, Equatable {
  let storeID: StoreID
  /// Sequence of the newest transaction.
  let sequence: UInt64
  let createdAt: UInt64
  let generation: UInt64
  /// Oldest first; there is one at least.
  let segments: [BackedUpSegment]

  /// Names of all files beside the manifest.
  var partNames: Set<String> { Set(segments.flatMap(\.partNames)) }

  /// No store has so many bytes of segments.
  private static let mostBytes = 1 << 44

  /// Bytes of all parts.
  var length: Int { segments.reduce(0) { $0 + $1.end - SegmentField.journalStart } }

  // MARK: Writing

  /// The bytes of the file.
  var encoded: [UInt8] {
    var header = BackupManifestHeader(
      storeID: storeID,
      sequence: sequence,
      createdAt: createdAt,
      generation: generation,
      segmentCount: segments.count,
      partCount: segments.reduce(0) { $0 + $1.parts.count }
    )
    var storage = [UInt8](repeating: 0, count: header.manifestLength)
    var span = storage.mutableSpan
    var bytes = unsafe span.mutableBytes
    var row = BackupManifestField.headerEnd
    for segment in segments {
      Self.encode(segment.header, into: &bytes, at: row)
      bytes.storeLittleEndian(UInt64(segment.end), at: row + BackupSegmentField.end)
      bytes.storeLittleEndian(segment.nextSequence, at: row + BackupSegmentField.nextSequence)
      let count = UInt32(truncatingIfNeeded: segment.parts.count)
      bytes.storeLittleEndian(count, at: row + BackupSegmentField.partCount)
      row += BackupSegmentField.rowEnd
    }
    for part in segments.flatMap(\.parts) {
      part.encode(into: &bytes, at: row)
      row += BackupPartField.rowEnd
    }
    header.encode(into: &bytes)
    header.checksum = Checksum.crc32c(bytes.bytes.extracting(BackupManifestField.storeID...))
    header.encode(into: &bytes)
    return storage
  }

  private static func encode(
    _ header: SegmentHeader,
    into bytes: inout MutableRawSpan,
    at row: Int
  ) {
    var words = InlineArray<16, UInt64>(repeating: 0)
    var span = words.mutableSpan
    var encoded = unsafe span.mutableBytes
    header.encode(into: &encoded)
    for (number, word) in words.indices.map({ ($0, words[$0]) }) {
      bytes.storeLittleEndian(UInt64(littleEndian: word), at: row + 8 * number)
    }
  }

  // MARK: Reading

  /// Reads the manifest in a directory; nil where there is none.
  ///
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)``, ``StoreError/newerFormat(file:feature:)``, or what
  ///   the medium says.
  static func read(in directory: any StoreDirectory) throws(StoreError) -> BackupManifest? {
    let path = directory.path.appending(BackupName.manifestName)
    let file: SegmentFile
    do throws(MediumError) {
      file = try directory.openSegment(named: BackupName.manifestName, writable: false)
    } catch {
      if error.cause == .noSuchFileOrDirectory { return nil }
      throw StoreError(ofBackupFile: error)
    }
    var found: Result<BackupManifest, StoreError>?
    try translatingErrors { () throws(MediumError) in
      try file.withGuardedBytes(0..<file.length) { (bytes) in
        do throws(StoreError) { found = .success(try BackupManifest(verifying: bytes, path)) } catch
        {
          found = .failure(error)
        }
      }
    }
    return try found?.get()
  }

  private init(verifying bytes: RawSpan, _ path: FilePath) throws(StoreError) {
    func damaged(at offset: Int) -> StoreError {
      .corrupt(file: path, offset: offset, cause: .backupManifest)
    }
    guard let header = BackupManifestHeader(decoding: bytes) else { throw damaged(at: 0) }
    guard header.formatVersion == BackupManifestHeader.formatVersion else {
      throw .newerFormat(file: path, feature: "backup format \(header.formatVersion)")
    }
    let rest = bytes.extracting(BackupManifestField.storeID...)
    guard header.manifestLength == bytes.byteCount, header.segmentCount > 0,
      header.generation < 1 << 62, header.sequence < 1 << 62,
      header.checksum == Checksum.crc32c(rest)
    else { throw damaged(at: BackupManifestField.checksum) }
    var segments: [BackedUpSegment] = []
    var part =
      BackupManifestField.headerEnd + BackupSegmentField.rowEnd * header.segmentCount
    var length = 0
    for number in 0..<header.segmentCount {
      let row = BackupManifestField.headerEnd + BackupSegmentField.rowEnd * number
      guard let segment = BackedUpSegment(verifying: bytes, row, &part),
        segment.header.storeID == header.storeID,
        segment.end <= Self.mostBytes - length
      else { throw damaged(at: row) }
      length += segment.end
      let features = segment.header.requiredFeatures & ~SegmentHeader.knownFeatures
      guard segment.header.formatVersion == SegmentHeader.formatVersion, features == 0 else {
        throw .newerFormat(file: path, feature: "segment \(segment.header.segmentID)")
      }
      segments.append(segment)
    }
    guard part == bytes.byteCount else { throw damaged(at: part) }
    (storeID, sequence) = (header.storeID, header.sequence)
    (createdAt, generation) = (header.createdAt, header.generation)
    self.segments = segments
  }

  init(
    storeID: StoreID,
    sequence: UInt64,
    createdAt: UInt64,
    generation: UInt64,
    segments: [BackedUpSegment]
  ) {
    self.storeID = storeID
    self.sequence = sequence
    self.createdAt = createdAt
    self.generation = generation
    self.segments = segments
  }
}

extension BackedUpSegment {
  /// The segment of a row; nil where the numbers don't fit together.
  ///
  /// - Parameters:
  ///   - bytes: the manifest.
  ///   - row: where the segment's row starts.
  ///   - part: where the row of its first part starts; moved behind its last.
  fileprivate init?(verifying bytes: RawSpan, _ row: Int, _ part: inout Int) {
    guard let header = SegmentHeader(verifying: bytes, at: row), header.isPlausible else {
      return nil
    }
    let end = bytes.littleEndian(at: row + BackupSegmentField.end, as: UInt64.self)
    let count = Int(bytes.littleEndian(at: row + BackupSegmentField.partCount, as: UInt32.self))
    guard end >= UInt64(SegmentField.journalStart), end <= UInt64(header.capacity),
      count <= (bytes.byteCount - part) / BackupPartField.rowEnd
    else { return nil }
    var parts: [BackupPart] = []
    var rest = Int(end) - SegmentField.journalStart
    for _ in 0..<count {
      let next = BackupPart(decoding: bytes, at: part)
      guard next.length > 0, next.length <= rest else { return nil }
      rest -= next.length
      parts.append(next)
      part += BackupPartField.rowEnd
    }
    guard rest == 0 else { return nil }
    self.header = header
    self.end = Int(end)
    nextSequence = bytes.littleEndian(at: row + BackupSegmentField.nextSequence, as: UInt64.self)
    self.parts = parts
  }
}

extension StoreError {
  /// What it means that a file of a backup can't be opened.
  init(ofBackupFile error: MediumError) {
    if error.cause == .noSuchFileOrDirectory {
      self = .corrupt(file: error.path, offset: 0, cause: .missingPart)
    } else if error.cause == .tooManySymbolicLinkLevels {
      self = .corrupt(file: error.path, offset: 0, cause: .notAFile)
    } else if error.operation == "mmap", error.cause == .invalidArgument {
      // None of them is empty.
      self = .corrupt(file: error.path, offset: 0, cause: .backupPart)
    } else {
      self.init(error)
    }
  }
}
