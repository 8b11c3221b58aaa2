// What is wrong with a backup.

internal import JournalFormat
package import PersistentMemory
public import SystemPackage

/// The result of ``Backup/verify(_:progress:)``.
public struct BackupVerification: Sendable, Equatable {
  /// Segments that the backup holds.
  public var segmentCount: Int
  /// Files that hold them.
  public var fileCount: Int
  /// Bytes of these files.
  public var byteCount: Int
  /// Sequence of the newest transaction.
  public var sequence: UInt64
  /// Files of a backup that was not finished; they are no damage, and the next one removes them.
  public var leftoverCount: Int
  /// What is damaged, missing or foreign; each is a ``StoreError`` that names file and offset.
  public var findings: [StoreError]

  /// Whether nothing is damaged.
  public var isSound: Bool { findings.isEmpty }
}

extension Backup {
  /// Reads every byte of a backup and compares it with the checksums that were made when it was copied.
  ///
  /// Changes nothing, and works beside a call that brings the backup up to date.
  ///
  /// - Parameters:
  ///   - backup: the backup's directory.
  ///   - progress: gets the bytes that were read, and those that there are.
  /// - Returns: what was found, damage included.
  /// - Throws: ``StoreError/noBackup(_:)``, ``StoreError/corrupt(file:offset:cause:)`` where the manifest is
  ///   damaged, and what the medium says.
  /// - Complexity: O(bytes of the backup); memory for its largest file.
  public static func verify(
    _ backup: FilePath,
    progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws(StoreError) -> BackupVerification {
    guard try Store.isDirectory(backup) else { throw .noBackup(backup) }
    return try verify(in: try directory(backup, writable: false), progress: progress)
  }

  /// Verifies a backup in any kind of directory.
  package static func verify(
    in directory: any StoreDirectory,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws(StoreError) -> BackupVerification {
    let backup = try OpenedBackup(in: directory)
    let manifest = backup.manifest
    var result = BackupVerification(
      segmentCount: manifest.segments.count,
      fileCount: manifest.segments.reduce(1) { $0 + $1.parts.count },
      byteCount: manifest.length,
      sequence: manifest.sequence,
      leftoverCount: 0,
      findings: []
    )
    var done = 0
    for file in backup.files.joined() {
      do throws(StoreError) {
        let file = try file.get()
        try file.withVerifiedBytes()
        done += file.part.length
      } catch {
        guard error.isDamage else { throw error }
        result.findings.append(error)
      }
      progress(done, manifest.length)
    }
    let named = manifest.partNames
    for name in backup.names.sorted() where !named.contains(name) {
      switch BackupName(name) {
      case .part: result.leftoverCount += 1
      case .ownBesides where name != FileSystemDirectory.lockName: result.leftoverCount += 1
      case .manifest, .ownBesides: break
      case .foreign:
        let file = directory.path.appending(name)
        result.findings.append(.corrupt(file: file, offset: 0, cause: .foreignFile))
      }
    }
    return result
  }
}
