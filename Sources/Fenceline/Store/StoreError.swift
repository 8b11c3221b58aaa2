// Every way in which a store can refuse. Callers switch on the case; people read the description.

internal import PersistentMemory
public import SystemPackage

/// What a store reports instead of an answer.
public enum StoreError: Error, Sendable, Equatable {
  /// There is no store at the path.
  case noStore(FilePath)
  /// The directory holds other things and no store; nothing was created in it.
  case notAStore(FilePath)
  /// Another handle, in this process or another, has the store open for writing.
  case locked(FilePath)
  /// Bytes are not what was written there. Nothing that depends on them is handed out.
  case corrupt(file: FilePath, offset: Int, cause: CorruptionCause)
  /// The file was written by a newer version; `feature` names what this one does not know.
  case newerFormat(file: FilePath, feature: String)
  /// The device could not read these bytes.
  case mediaError(file: FilePath, offset: Int)
  /// The medium has no room. Everything committed stays readable.
  case full(FilePath)
  /// A system call failed for a reason of its own.
  case system(operation: String, path: FilePath, cause: Errno)
  /// A key is longer than `limit`: ``Store/maximumKeyLength``, or ``Namespace/maximumKeyLength``.
  case keyTooLong(length: Int, limit: Int = Store.maximumKeyLength)
  /// A value is longer than ``Store/maximumValueLength``.
  case valueTooLong(length: Int)
  /// The store was opened for reading only.
  case readOnly
  /// The store was closed.
  case closed
  /// An earlier write or sync failed, so what is durable is unknown until the store is opened again.
  case poisoned
  /// The medium survives less than was asked for.
  case insufficientDurability(required: Survival, offered: Survival)
  /// The environment forces a copy core that this CPU does not have.
  case copyCoreUnavailable
  /// The calling thread is inside a transaction of this store already.
  case nestedWrite
  /// The store was opened by another process, of which this one is a child made by `fork()`.
  case forked
  /// The past that was asked for was given back by a compaction; `oldest` can still be read.
  case pastIsGone(sequence: UInt64, oldest: UInt64)
  /// No transaction has that sequence yet.
  case notYetWritten(sequence: UInt64, newest: UInt64)
  /// Another transaction wrote a key that this one had read; it may be tried again.
  case conflict(key: [UInt8])
  /// Some of what was written since has been compacted away; a snapshot and its token are the way on.
  case changesAreGone(after: ChangeToken)
  /// The store never had such a transaction, or lost it in a crash.
  case unknownToken(ChangeToken)
  /// Every position of the journal's address space (8 TiB) is used.
  case addressSpaceExhausted
  /// The directory holds a backup, or the beginning of one, and no store.
  case isBackup(FilePath)
  /// There is no complete backup at the path.
  case noBackup(FilePath)
  /// The directory holds other things and no backup; nothing was created in it.
  case notABackup(FilePath)
  /// The directory holds a backup of another store, or of a state that this one never had.
  case otherBackup(FilePath)
  /// A store can't be restored to where something is already.
  case notEmpty(FilePath)
  /// The store has no namespace of that name, or what was asked belongs to one that was dropped.
  case noNamespace(String)
  /// The store has a namespace of that name already.
  case namespaceExists(String)
  /// The name of a namespace has 1 to 255 bytes.
  case invalidNamespaceName(length: Int)
  /// Each of 4,294,967,294 namespaces was created once.
  case namespacesExhausted
}

/// Why bytes are not a valid part of a journal.
public enum CorruptionCause: String, Sendable, Equatable {
  /// A segment header is damaged.
  case segmentHeader
  /// The file's name and its header disagree: it was renamed or copied.
  case foreignSegment
  /// The segment belongs to another store.
  case foreignStore
  /// The file's length is not the one in its header.
  case fileLength
  /// A link, a directory or something else stands in a segment's place.
  case notAFile
  /// A segment that others build on is not there.
  case missingSegment
  /// A record's header is damaged.
  case recordHeader
  /// A record's key, value or fields are damaged.
  case recordBody
  /// Records stand in an order that no writer produces.
  case recordOrder
  /// The journal ends before the point that is known to have been durable.
  case journalEndsEarly
  /// A page of the index image is damaged, and the journal could not be read in its stead.
  case indexImage
  /// An index image with right checksums leads to a segment that is gone.
  case indexPosition
  /// The manifest of a backup is damaged.
  case backupManifest
  /// A file of a backup does not have the bytes that were copied into it.
  case backupPart
  /// A file of a backup is not there.
  case missingPart
  /// A file among those of a backup belongs to none.
  case foreignFile
}

extension StoreError: CustomStringConvertible {
  /// One line for people: what happened, to which file, and what helps where that is known.
  public var description: String {
    switch self {
    case .noStore(let path): "\(path): no store there"
    case .notAStore(let path):
      "\(path): a directory with other files in it, not a store; choose another path"
    case .locked(let path): "\(path): open for writing elsewhere"
    case .corrupt(let file, let offset, let cause):
      "\(file): damaged at offset \(offset): \(cause.explanation)"
    case .newerFormat(let file, let feature):
      "\(file): written by a newer version (\(feature)); use that version to open it"
    case .mediaError(let file, let offset): "\(file): the device can't read offset \(offset)"
    case .full(let path): "\(path): no room left; free space and try again"
    case .system(let operation, let path, let cause): "\(path): \(operation): \(cause)"
    case .keyTooLong(let length, let limit):
      "a key of \(length) bytes is too long (at most \(limit))"
    case .valueTooLong(let length):
      "a value of \(length) bytes is too long (at most \(Store.maximumValueLength))"
    case .readOnly: "the store is open for reading only"
    case .closed: "the store is closed"
    case .poisoned: "an earlier write failed; open the store again to see what is durable"
    case .insufficientDurability(let required, let offered):
      "the medium survives \(offered), but \(required) is required"
    case .copyCoreUnavailable:
      "FENCELINE_COPY, FENCELINE_FLUSH or FENCELINE_POLICY forces what this CPU does not have"
    case .nestedWrite: "a transaction of this store is open on the same thread"
    case .forked: "the store was opened before fork(); open it again in this process"
    case .pastIsGone(let sequence, let oldest):
      "what was there at \(sequence) is gone; the oldest that can be read is \(oldest)"
    case .notYetWritten(let sequence, let newest):
      "nothing was written at \(sequence) yet; the newest is \(newest)"
    case .conflict(let key):
      "\(key.count > 40 ? "a key" : String(decoding: key, as: UTF8.self)): written by another "
        + "transaction meanwhile; try again"
    case .changesAreGone(let token):
      "\(token): some changes behind it were compacted away; "
        + "take a snapshot of the store, and go on from its token"
    case .unknownToken(let token): "\(token): the store has no such transaction"
    case .addressSpaceExhausted: "the store takes 8 TiB, and can't take more"
    case .isBackup(let path):
      "\(path): a backup and not a store; restore it to another path to work with it"
    case .noBackup(let path): "\(path): no complete backup there"
    case .notABackup(let path):
      "\(path): a directory with other files in it, not a backup; choose another path"
    case .otherBackup(let path):
      "\(path): holds a backup of another store, or of a state that this one never had; "
        + "choose another path"
    case .notEmpty(let path): "\(path): there is something already; choose another path"
    case .noNamespace(let name): "there is no namespace '\(name)'"
    case .namespaceExists(let name): "there is a namespace '\(name)' already"
    case .invalidNamespaceName(let length):
      "a namespace's name has 1 to 255 bytes, not \(length)"
    case .namespacesExhausted: "the store has had 4,294,967,294 namespaces, and can't have more"
    }
  }
}

extension CorruptionCause {
  var explanation: String {
    switch self {
    case .segmentHeader: "the segment header is damaged"
    case .foreignSegment: "the file's name does not match its header"
    case .foreignStore: "the file belongs to another store"
    case .fileLength: "the file's length is not the one in its header"
    case .notAFile: "it is no regular file"
    case .missingSegment: "a segment that others build on is missing"
    case .recordHeader: "a record header is damaged"
    case .recordBody: "a record does not match its checksum"
    case .recordOrder: "records stand out of order"
    case .journalEndsEarly: "the journal ends before a point that was durable"
    case .indexImage:
      "the index image is damaged and the journal can't be read instead now; try again"
    case .indexPosition:
      "the index image leads where no record is; remove it, and the next opening reads the journal"
    case .backupManifest: "the backup's manifest is damaged"
    case .backupPart: "the bytes are not those that were backed up"
    case .missingPart: "a file of the backup is missing"
    case .foreignFile: "it belongs to no backup"
    }
  }
}

extension StoreError {
  /// The table of keys can't grow.
  @inline(never)
  static func noMemory(for path: FilePath) -> StoreError {
    .system(operation: "mmap", path: path, cause: .noMemory)
  }

  /// There is no memory for something that is as large as the data.
  @inline(never)
  static func noMemory(beside map: SegmentMap) -> StoreError {
    .noMemory(for: map.segments.last?.file.path.removingLastComponent() ?? ".")
  }

  /// The public meaning of a failure below the journal.
  init(_ error: MediumError) {
    if error.isFull {
      self = .full(error.path)
    } else if error.operation == "flock", error.cause == .wouldBlock {
      self = .locked(error.path.removingLastComponent())
    } else if error.operation == "fl_core_select" {
      self = .copyCoreUnavailable
    } else if ["read", "write"].contains(error.operation), error.cause == .ioError {
      self = .mediaError(file: error.path, offset: error.offset)
    } else {
      self = .system(operation: error.operation, path: error.path, cause: error.cause)
    }
  }
}

/// Runs `body` and gives its failure the public meaning.
func translatingErrors<R: ~Copyable>(
  _ body: () throws(MediumError) -> R
) throws(StoreError) -> R {
  do throws(MediumError) { return try body() } catch { throw StoreError(error) }
}
