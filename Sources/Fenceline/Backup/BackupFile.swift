// Reading a backup's files. Each is read whole, compared with its checksum, and only then used, in the very
// bytes that were compared.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// One file of a backup, opened.
struct BackupFile {
  let part: BackupPart
  private let file: SegmentFile

  /// Opens the file; it stays readable when a later backup removes it.
  ///
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)`` where it is missing or has another length, or what
  ///   the medium says.
  init(
    _ part: BackupPart,
    named name: String,
    in directory: any StoreDirectory
  ) throws(StoreError) {
    do throws(MediumError) {
      file = try directory.openSegment(named: name, writable: false)
    } catch { throw StoreError(ofBackupFile: error) }
    self.part = part
    guard file.length == part.length else {
      let offset = min(file.length, part.length)
      throw .corrupt(file: file.path, offset: offset, cause: .backupPart)
    }
  }

  /// Hands out the file's bytes.
  ///
  /// - Parameter body: is called once the checksum was found to hold.
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)`` where it does not,
  ///   ``StoreError/mediaError(file:offset:)``, and what `body` throws.
  func withVerifiedBytes(
    _ body: (RawSpan) throws(MediumError) -> Void = { (_) in }
  ) throws(StoreError) {
    guard Memory.isThere(part.length) else { throw .noMemory(for: file.path) }
    var isSound = false
    try translatingErrors { () throws(MediumError) in
      try file.withGuardedBytes(0..<part.length) { (bytes) throws(MediumError) in
        isSound = Checksum.crc32c(bytes) == part.checksum
        if isSound { try body(bytes) }
      }
    }
    guard isSound else { throw .corrupt(file: file.path, offset: 0, cause: .backupPart) }
  }

  /// Whether a file is what it should be.
  ///
  /// - Parameters:
  ///   - part: the manifest's row.
  ///   - name: the file's.
  ///   - directory: where.
  ///   - isRead: compares its checksum; otherwise only its length.
  /// - Returns: false where it is damaged.
  /// - Throws: what the medium says.
  static func isSound(
    _ part: BackupPart,
    named name: String,
    in directory: any StoreDirectory,
    isRead: Bool
  ) throws(StoreError) -> Bool {
    do throws(StoreError) {
      let file = try BackupFile(part, named: name, in: directory)
      if isRead { try file.withVerifiedBytes() }
      return true
    } catch {
      guard error.isDamage else { throw error }
      return false
    }
  }
}

/// A backup whose files are open: a later backup, in this process or another, changes nothing for who reads it.
struct OpenedBackup {
  let manifest: BackupManifest
  /// Of each segment, or what is wrong with them.
  let files: [[Result<BackupFile, StoreError>]]
  /// Names of everything in the directory, when the files were opened.
  let names: [String]

  private static let mostAttempts = 8

  /// Opens everything in a backup's directory.
  ///
  /// - Throws: ``StoreError/noBackup(_:)``, a damaged manifest, and what the medium says.
  init(in directory: any StoreDirectory) throws(StoreError) {
    for attempt in 1... {
      guard let manifest = try BackupManifest.read(in: directory) else {
        throw .noBackup(directory.path)
      }
      let names = try translatingErrors { () throws(MediumError) in try directory.names() }
      let files = manifest.segments.map { (segment) in
        zip(segment.parts, segment.partNames).map { (part, name) in
          Result { () throws(StoreError) in try BackupFile(part, named: name, in: directory) }
        }
      }
      let isWhole = files.joined().allSatisfy { (file) in
        if case .success = file { true } else { false }
      }
      // Beside a backup that goes on files may go; its manifest then is another one.
      if !isWhole, attempt < Self.mostAttempts,
        try BackupManifest.read(in: directory)?.generation != manifest.generation
      {
        continue
      }
      (self.manifest, self.files, self.names) = (manifest, files, names)
      return
    }
    preconditionFailure("the loop returns or throws")
  }
}
