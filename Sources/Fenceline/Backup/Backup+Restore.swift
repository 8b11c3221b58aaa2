// A store from a backup.

internal import JournalFormat
package import PersistentMemory
public import SystemPackage

extension Backup {
  /// Ending of the directory's name in which a restore works.
  static let restoringSuffix = ".restoring"

  /// Makes a store of a backup.
  ///
  /// The new store shows what the old one showed behind the backup's newest transaction, its past included.
  /// It bears the old one's identifier and goes on by itself: tokens of changes that the backup
  /// has are good in both, those of later ones in the store that gave them; the other refuses them.
  ///
  /// Works in a directory beside the store's, whose name ends in `.restoring`, and gives it the store's name in
  /// the end. A call that was killed leaves that one; the next one for the same store clears it away.
  ///
  /// - Parameters:
  ///   - backup: the backup's directory.
  ///   - store: where the store will be: nothing, or an empty directory that is no mount point.
  ///   - progress: gets the bytes that were copied, and those that there are.
  /// - Returns: what was restored.
  /// - Throws: ``StoreError/noBackup(_:)``; ``StoreError/notEmpty(_:)`` where something is in the way;
  ///   ``StoreError/corrupt(file:offset:cause:)`` or ``StoreError/mediaError(file:offset:)`` where the backup is
  ///   damaged; ``StoreError/locked(_:)`` where another call restores to the same place;
  ///   ``StoreError/full(_:)``; and what else the media say. Nothing is at `store` then, unless it is the
  ///   store's name that could not be made durable.
  /// - Durability: the store is durable on return, as far as its medium goes.
  /// - Complexity: O(bytes of the backup); memory for its largest file.
  @discardableResult
  public static func restore(
    _ backup: FilePath,
    to store: FilePath,
    progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws(StoreError) -> BackupReport {
    guard try exists(at: backup) else { throw .noBackup(backup) }
    let opened = try OpenedBackup(in: try directory(backup, writable: false))
    let place = try place(for: store)
    let to = try directory(place, writable: true)
    // Until the directory has its name: the store that is opened in it meanwhile has no lock to give up.
    defer { to.unlock() }
    do throws(StoreError) {
      try clear(to)
      let unlocked = try directory(place, writable: false)
      var restore = BackupRestore(opened, to: to, openedIn: unlocked)
      try restore.run(StoreOptions(), progress)
      try translatingErrors { () throws(MediumError) in
        try FileSystemDirectory.rename(place, to: store)
      }
    } catch {
      try? clear(to)
      try? FileSystemDirectory.removeEmptied(place)
      if case .system("rename", _, let cause) = error,
        [.directoryNotEmpty, .fileExists, .notDirectory].contains(cause)
      {
        throw .notEmpty(store)
      }
      throw error
    }
    try translatingErrors { () throws(MediumError) in try to.synchronizeName() }
    var report = BackupReport()
    report.segmentCount = opened.manifest.segments.count
    report.copiedBytes = opened.manifest.length
    report.sequence = opened.manifest.sequence
    return report
  }

  /// Restores into an empty directory of any kind.
  package static func restore(
    in backup: any StoreDirectory,
    to directory: any StoreDirectory,
    options: StoreOptions
  ) throws(StoreError) {
    let opened = try OpenedBackup(in: backup)
    var restore = BackupRestore(opened, to: directory, openedIn: directory)
    try restore.run(options) { _, _ in }
    try translatingErrors { () throws(MediumError) in try directory.synchronizeName() }
  }

  /// Makes the directory in which a restore works.
  private static func place(for store: FilePath) throws(StoreError) -> FilePath {
    guard let name = store.lastComponent, name.kind == .regular else { throw .notEmpty(store) }
    if try Store.isDirectory(store) {
      guard try names(in: store).isEmpty else { throw .notEmpty(store) }
    }
    let place = store.removingLastComponent().appending(name.string + restoringSuffix)
    do throws(MediumError) { try FileSystemDirectory.create(place) } catch {
      // A restore that was killed.
      guard error.cause == .fileExists else { throw StoreError(error) }
      guard try names(in: place).allSatisfy(isOfRestore) else { throw .notEmpty(place) }
    }
    return place
  }

  /// Removes what an earlier restore has left.
  private static func clear(_ directory: FileSystemDirectory) throws(StoreError) {
    try translatingErrors { () throws(MediumError) in
      for name in try directory.names() where name != FileSystemDirectory.lockName {
        guard isOfRestore(name) else { continue }
        try directory.removeSegment(named: name)
      }
    }
  }

  /// Whether a restore makes files of such a name.
  private static func isOfRestore(_ name: String) -> Bool {
    let suffix = FileSystemDirectory.unpublishedSuffix
    let published = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    return SegmentName.id(of: published) != nil || published == IndexImage.fileName
      || ChangeFile.number(of: published) != nil
      || [FileSystemDirectory.lockName, FileSystemDirectory.reserveName].contains(name)
  }
}
