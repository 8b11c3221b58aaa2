// What a salvage says of what it kept, and of what not.

/// A key of whose newest version nobody can be sure.
public struct SalvageLoss: Sendable, Equatable {
  /// Name of the key's namespace; nil for the default one.
  public let namespace: String?
  /// The key.
  public let key: [UInt8]
  /// Sequence of the version that is held; nil where there is none.
  public let heldSequence: UInt64?
  /// Whether that version is kept.
  public let isKept: Bool
  /// The damage that leaves it unsure.
  public let cause: StoreError
}

/// What became of a salvage, or would.
public struct SalvageReport: Sendable, Equatable {
  /// What is wrong with the store.
  public let verification: VerificationReport
  /// Keys whose newest version is there, and is kept.
  public internal(set) var keptCount = 0
  /// Keys of which a version is kept that something lost may have superseded.
  public internal(set) var olderCount = 0
  /// Keys that are known and not kept.
  public internal(set) var lostCount = 0
  /// Keys that were lost and whose names are not known, as far as digests tell; nil where nobody knows.
  public internal(set) var unnamedCount: Int? = 0
  /// Sequences of transactions of which some records are lost and the others kept.
  public internal(set) var incompleteTransactions: [UInt64] = []

  /// Namespaces that may have been dropped.
  ///
  /// One whose own name is lost has a name like "lost-7". Their keys count as superseded.
  public internal(set) var doubtfulNamespaces: [String] = []

  /// Whether everything is kept that the store ever held in its newest state.
  public var isComplete: Bool {
    olderCount == 0 && lostCount == 0 && unnamedCount == 0 && doubtfulNamespaces.isEmpty
  }
}

/// What a salvage is doing.
public enum SalvageStep: Sendable, Hashable {
  /// Reads segments.
  case reading
  /// Looks at keys, and writes them.
  case keeping
}
