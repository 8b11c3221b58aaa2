// A medium that fails, in a workload.

internal import Fenceline

extension Workload {
  /// Whether the medium has room for another segment.
  package func setMediumFull(_ isFull: Bool) { directory.setFull(isFull) }

  /// Syncs while the disk loses what it is given.
  ///
  /// - Throws: ``Violation`` where the store takes the loss for a success, or goes on after it.
  package func syncOnFailingDisk() throws {
    directory.failSyncs(1)
    var failed = false
    do { try opened.sync() } catch { failed = true }
    guard failed else {
      // Nothing was asked of the disk where nothing was new; a success counts in any case.
      mark(.synced(history.states.count - 1))
      return directory.failSyncs(0)
    }
    do {
      try opened.sync()
      throw Violation("a sync succeeds after one that failed")
    } catch let error as StoreError {
      guard case .poisoned = error else { throw error }
    }
  }
}
