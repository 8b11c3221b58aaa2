// What bringing an index up to date has done.

/// What ``IndexExport/update(_:at:progress:)`` or a step of an ``IndexFollower`` did.
public struct IndexUpdate: Sendable, Hashable {
  /// What was written.
  public enum Extent: Sendable, Hashable {
    /// What the store had changed since.
    case changes
    /// All of it.
    case everything(Reason)
  }

  /// Why all of an index had to be written.
  public enum Reason: Sendable, Hashable {
    /// There was none.
    case noIndex
    /// Compactions have taken transactions that the index does not have yet.
    case changesAreGone
    /// What the index shows is not in the past of what the handle shows: a crash has taken it back, or
    /// the handle is behind whoever wrote it.
    case anotherHistory
    /// The index does not say what it shows: it was written where the kernel has no `membarrier`.
    case noToken
  }

  /// What was written.
  public internal(set) var extent = Extent.changes
  /// Rows of the table "entries" now.
  public internal(set) var entryCount = 0
  /// Transactions that were read from the store's change feed.
  public internal(set) var transactionCount = 0
  /// Keys that those changed, each as often as it was changed: each was looked up.
  public internal(set) var changedKeyCount = 0
  /// Records of compacted segments that were read, to find those that have moved.
  public internal(set) var movedRecordCount = 0
  /// Rows of the table "entries" that were written or removed.
  public internal(set) var writtenRowCount = 0
}
