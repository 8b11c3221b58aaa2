// The keys of a snapshot in order: the store's own tree with everything taken back that was written since
// the snapshot began. Keys that are new since then stay in it; whoever walks passes over their records.

internal import JournalFormat
internal import PersistentMemory

/// A tree that shares most of its nodes with the store's.
final class SnapshotTree: Sendable {
  let root: OrderNode
  /// Why a key is missing.
  let failure: StoreError?
  private let created: [OrderNode]
  /// Keeps the nodes that are shared.
  private let shared: OrderSnapshot

  /// Makes the tree of a snapshot, which outlives it.
  init(of snapshot: Snapshot) {
    let store = snapshot.store
    let map = store.map
    let tree = store.order.snapshotForAnyThread()
    var failure = tree.failure
    var versions: [KeyedUnit] = []
    // What the tree shows and the index does not is asked for before what was kept: of that nothing is
    // missing then.
    do throws(StoreError) {
      try RecentRecords.visit(of: store) { (_, _, key) in
        do throws(StoreError) {
          let unit = try snapshot.withRecord(forKey: key, hash: store.hash(key)) { $2 }
          if let unit { versions.append(KeyedUnit(unit)) }
        } catch {
          failure = failure ?? error
        }
      }
    } catch {
      failure = failure ?? error
    }
    store.snapshots.versions.forEachUnit(at: snapshot.sequence) { (unit) in
      do throws(StoreError) {
        try map.withRecord(at: unit) { (_, _) in versions.append(KeyedUnit(unit)) }
      } catch {
        failure = failure ?? error
      }
    }
    KeySort(map: map).sort(&versions)
    var merge = OrderMerge(versions, map: map)
    root = merge.apply(to: tree.root)
    created = merge.created
    self.failure = failure
    shared = tree
  }

  deinit { for node in created { node.free() } }
}
