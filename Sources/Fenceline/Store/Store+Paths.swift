// What is at a path before anything is created there.

internal import PersistentMemory
internal import SystemPackage

extension Store {
  /// Whether a directory is there.
  static func isDirectory(_ path: FilePath) throws(StoreError) -> Bool {
    try translatingErrors { () throws(MediumError) in try FileSystemDirectory.exists(path) }
  }

  /// Refuses a directory that holds no store and is not empty either (or may not be empty).
  static func requireStore(at path: FilePath, orEmpty mayBeEmpty: Bool) throws(StoreError) {
    let names = try translatingErrors { () throws(MediumError) in
      try FileSystemDirectory.names(in: path)
    }
    if names.contains(where: { SegmentName.id(of: $0) != nil }) { return }
    if BackupName.areOfBackup(names) { throw .isBackup(path) }
    guard mayBeEmpty else { throw .noStore(path) }
    let foreign = names.filter { name in
      name != FileSystemDirectory.lockName && name != FileSystemDirectory.reserveName
        && !name.hasSuffix(FileSystemDirectory.unpublishedSuffix)
    }
    guard foreign.isEmpty else { throw .notAStore(path) }
  }
}
