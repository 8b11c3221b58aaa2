// Backups: what a program calls.

internal import JournalFormat
package import PersistentMemory
public import SystemPackage

/// Copies of stores that grow with them.
///
/// A backup is a directory of its own, on any medium. It holds the state of one store behind one of its
/// transactions, whole segments of the journal, so the past and everything else that can be read there can
/// be read in a restored store as well. It is no store itself: nothing opens it, and nothing can be written
/// into it by mistake. Every byte of it is covered by a checksum.
///
/// ```swift
/// let report = try Backup.update("/mnt/backups/notes", of: "notes")
/// try Backup.restore("/mnt/backups/notes", to: "notes-again")
/// ```
public enum Backup {
  /// Brings a backup up to the newest state of a store, and begins it where there is none.
  ///
  /// Works beside a writer in any process, and beside its compactions; nobody waits for anybody. The
  /// state is the one behind some transaction, and holds everything that was durable when the call began,
  /// and nothing that a crash of the store could take back later. Of a writer on an ordinary file system
  /// that is what it has synced.
  ///
  /// Copies what the backup lacks: new segments, and of the one that has grown what came since. Each record
  /// is verified in the bytes that are written. What compactions have replaced is removed in the end, so for a
  /// while the directory holds both.
  ///
  /// - Parameters:
  ///   - backup: the backup's directory; it need not exist, and may hold an earlier backup of the same store.
  ///   - store: the store's directory.
  ///   - options: how to treat what is there.
  ///   - progress: gets the bytes that were copied, and those that have to be.
  /// - Returns: what the backup holds now.
  /// - Throws: ``StoreError/noStore(_:)``; ``StoreError/corrupt(file:offset:cause:)`` or
  ///   ``StoreError/mediaError(file:offset:)`` where the store is damaged; ``StoreError/notABackup(_:)`` for a
  ///   directory with other files; ``StoreError/otherBackup(_:)`` where the backup is another store's, or has a
  ///   state that this one never had, which would be lost; ``StoreError/locked(_:)`` where another call
  ///   is at it; ``StoreError/full(_:)``; and what else the media say. Whatever is thrown, an earlier backup
  ///   is still there, and can be restored.
  /// - Durability: the new state is durable on return, as far as the backup's medium goes. A crash before
  ///   leaves the earlier backup, or the new one.
  /// - Complexity: O(bytes copied + the newest segment + segments); memory for one segment.
  @discardableResult
  public static func update(
    _ backup: FilePath,
    of store: FilePath,
    options: BackupOptions = BackupOptions(),
    progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws(StoreError) -> BackupReport {
    guard try Store.isDirectory(store) else { throw .noStore(store) }
    // Unguarded: what is read is copied first, and verified in the copy.
    let from = try directory(store, writable: false)
    let source = try BackupSource(of: from)
    let isNew = try !Store.isDirectory(backup)
    if isNew {
      do throws(MediumError) { try FileSystemDirectory.create(backup) } catch {
        // Someone else was quicker; the lock decides.
        guard error.operation == "mkdir", error.cause == .fileExists else {
          throw StoreError(error)
        }
      }
    } else {
      // Before there is a lock in what is none.
      try requireBackup(at: backup)
    }
    let to = try directory(backup, writable: true)
    defer { to.unlock() }
    do throws(StoreError) {
      return try update(in: to, of: source, options: options, progress: progress)
    } catch {
      // Nobody has asked for an empty directory.
      if isNew { try? FileSystemDirectory.removeEmptied(backup) }
      throw error
    }
  }

  /// Brings a backup in any kind of directory up to a state.
  static func update(
    in directory: any StoreDirectory,
    of source: BackupSource,
    options: BackupOptions,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws(StoreError) -> BackupReport {
    var update = try BackupUpdate(
      of: source,
      in: directory,
      readsParts: options.readsWhatIsThere
    )
    try update.run(createdAt: options.clock.nanosecondsSince1970(), progress)
    return update.report
  }

  /// Brings a backup up to the newest state of a store, both in any kind of directory.
  package static func update(
    in directory: any StoreDirectory,
    of store: any StoreDirectory,
    options: BackupOptions = BackupOptions()
  ) throws(StoreError) -> BackupReport {
    try update(in: directory, of: try BackupSource(of: store), options: options)
  }

  /// Whether a directory holds a backup, or the beginning of one.
  ///
  /// - Parameter path: the directory; it need not exist.
  /// - Returns: false also where there is nothing, or a store.
  /// - Throws: what the medium says.
  public static func exists(at path: FilePath) throws(StoreError) -> Bool {
    guard try Store.isDirectory(path) else { return false }
    return BackupName.areOfBackup(try names(in: path))
  }

  /// Refuses a directory with other files and no backup.
  private static func requireBackup(at path: FilePath) throws(StoreError) {
    let names = try names(in: path)
    guard !BackupName.areOfBackup(names) else { return }
    guard names.allSatisfy({ BackupName($0) == .ownBesides }) else { throw .notABackup(path) }
  }

  static func names(in path: FilePath) throws(StoreError) -> [String] {
    try translatingErrors { () throws(MediumError) in try FileSystemDirectory.names(in: path) }
  }

  static func directory(
    _ path: FilePath,
    writable: Bool
  ) throws(StoreError) -> FileSystemDirectory {
    try translatingErrors { () throws(MediumError) in
      try FileSystemDirectory(path: path, writable: writable, guardsReads: false)
    }
  }
}

/// How a backup is brought up to date.
public struct BackupOptions: Sendable {
  /// Reads the files that are there, and copies again what does not hold.
  ///
  /// Without it a file counts as sound where it has its length.
  public var readsWhatIsThere = false

  /// Dates manifests.
  package var clock = Clock()

  /// What is there is taken to be sound.
  public init() {}
}

/// The result of ``Backup/update(_:of:options:progress:)``.
public struct BackupReport: Sendable, Equatable {
  /// Segments that the backup holds.
  public internal(set) var segmentCount = 0
  /// Bytes that were copied.
  public internal(set) var copiedBytes = 0
  /// Bytes that were there already.
  public internal(set) var keptBytes = 0
  /// Sequence of the newest transaction.
  public internal(set) var sequence: UInt64 = 0
  /// There was an earlier backup.
  public internal(set) var isIncremental = false
}
