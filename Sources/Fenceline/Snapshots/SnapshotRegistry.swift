// Who holds snapshots, so that writers keep what those show and nothing else.
//
//   writer     stores that a transaction is committed, [light fence], looks whether there are snapshots,
//              keeps the version, changes the index
//   snapshot   stores that there is one, [heavy fence], looks up to where transactions are committed
//
// So of a transaction that began to change the index before it could see the snapshot, the snapshot
// sees that it is committed, and shows it; of all others it finds what they supersede. Nobody waits for a
// writer; a writer may wait while a snapshot is being entered into the list.

internal import CPlatform
internal import PersistentMemory
internal import Synchronization

/// The snapshots of one handle.
final class SnapshotRegistry: Sendable {
  private struct State {
    /// Of each snapshot, in no order.
    var sequences: [UInt64] = []
  }

  let versions = SupersededVersions()
  /// One more than the newest snapshot's sequence; 0 where there is none.
  private let newest = Atomic<UInt64>(0)
  private let state = ForkSafeMutex(State())

  /// Enters a snapshot of what is committed; the caller holds a reader's ticket.
  ///
  /// - Parameter map: the store's.
  /// - Returns: sequence of the newest transaction that it shows. The index may not show that one
  ///   yet, and no other is missing there. Nil where the kernel refuses the fence.
  func begin(_ map: SegmentMap) -> UInt64? {
    state.withLock { (state) in
      newest.store(.max, ordering: .relaxed)
      guard cp_heavy_fence() else {
        noteNewest(state)
        return nil
      }
      let sequence = map.committedSequence.load(ordering: .acquiring)
      state.sequences.append(sequence)
      noteNewest(state)
      return sequence
    }
  }

  /// Removes a snapshot of that sequence.
  func end(_ sequence: UInt64) {
    state.withLock { (state) in
      if let place = state.sequences.firstIndex(of: sequence) { state.sequences.remove(at: place) }
      noteNewest(state)
      if state.sequences.isEmpty { versions.clear() }
    }
  }

  private func noteNewest(_ state: State) {
    newest.store(state.sequences.max().map { $0 + 1 } ?? 0, ordering: .relaxed)
  }

  /// Keeps what the index is about to leave, for snapshots that show it.
  ///
  /// Under the write lock, behind the note that the transaction is committed.
  ///
  /// - Parameters:
  ///   - unit: where the index leads; 0 for nowhere.
  ///   - hash: the key's.
  ///   - sequence: of the transaction that changes it.
  ///   - map: the store's.
  ///   - epochs: the store's.
  @inline(__always)
  func keep(
    _ unit: UInt64,
    _ hash: UInt64,
    supersededBy sequence: UInt64,
    _ map: SegmentMap,
    _ epochs: ReaderEpochs
  ) {
    cp_light_fence()
    guard newest.load(ordering: .relaxed) != 0, unit != 0 else { return }
    keepIfShown(unit, hash, sequence, map, epochs)
  }

  /// Whether a writer has to ask for what it supersedes; behind the same note.
  var isWatching: Bool {
    cp_light_fence()
    return newest.load(ordering: .relaxed) != 0
  }

  @inline(never)
  private func keepIfShown(
    _ unit: UInt64,
    _ hash: UInt64,
    _ sequence: UInt64,
    _ map: SegmentMap,
    _ epochs: ReaderEpochs
  ) {
    // One that can't be read may be as old as any.
    let first = (try? map.withRecord(at: unit) { (record, _) in record.sequence }) ?? 0
    guard first < sequence, first < newest.load(ordering: .relaxed) else { return }
    state.withLock { (state) in
      guard state.sequences.contains(where: { (first..<sequence).contains($0) }) else { return }
      versions.add(hash, unit, shown: first..<sequence, snapshots: state.sequences) {
        epochs.retire($0)
      }
    }
  }
}
