// What verifying tells of one place, for people and for programs.

internal import JournalFormat
public import SystemPackage

/// One place in a store's files where not everything is as it was written.
public struct VerificationFinding: Sendable, Equatable {
  /// What is wrong there.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A write that a crash has left unfinished; no damage, and nothing committed is missing.
    case torn
    /// What stands there was valid once, or elsewhere: a file of another store, under another name, or
    /// records that the order of the journal does not allow.
    case stale
    /// Bytes that were never written like that, or that are not there.
    case corrupt
    /// The device can't read them.
    case mediaError = "media error"
  }

  /// What is wrong there.
  public let kind: Kind
  /// The file.
  public let file: FilePath
  /// Offset of the first byte in it.
  public let offset: Int
  /// Offset of the first byte behind it that is known to be right; nil where that is unknown.
  public let end: Int?
  /// What reading this place gives; nil where it is no damage.
  public let error: StoreError?
  /// Damaged records there whose keys can be read, at most 256.
  public let records: [DamagedRecord]
  /// Sequences of transactions of which something may be lost; nil where nothing is.
  ///
  /// Where nobody knows the last one, it is `UInt64.max`.
  public let lostSequences: ClosedRange<UInt64>?

  /// An unfinished write.
  init(tornAt offset: Int, of file: FilePath) {
    kind = .torn
    (self.file, self.offset, end) = (file, offset, nil)
    (error, records, lostSequences) = (nil, [], nil)
  }

  init(_ damage: StoreDamage, in directory: FilePath) {
    let lost = damage.losesTransactions ? damage.firstLost : nil
    let last = damage.nextSequence.map { max($0, 1) - 1 } ?? .max
    self.init(
      damage.error,
      in: directory,
      end: damage.end,
      records: damage.damagedRecords,
      lostSequences: lost.map { min($0, last)...last }
    )
  }

  init(
    _ error: StoreError,
    in directory: FilePath,
    end: Int? = nil,
    records: [DamagedRecord] = [],
    lostSequences: ClosedRange<UInt64>? = nil
  ) {
    self.error = error
    (self.end, self.records, self.lostSequences) = (end, records, lostSequences)
    switch error {
    case .mediaError(let file, let offset):
      (kind, self.file, self.offset) = (.mediaError, file, offset)
    case .corrupt(let file, let offset, let cause):
      let isStale = [.foreignSegment, .foreignStore, .recordOrder].contains(cause)
      (kind, self.file, self.offset) = (isStale ? .stale : .corrupt, file, offset)
    default:
      (kind, file, offset) = (.corrupt, directory, 0)
    }
  }
}

extension VerificationFinding: CustomStringConvertible {
  /// One line for people, without keys.
  public var description: String {
    error?.description ?? "\(file): an unfinished write at offset \(offset), which is no damage"
  }
}
