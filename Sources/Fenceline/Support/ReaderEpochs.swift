// Lets readers use memory without locks, and lets the writer give it back when no reader can hold
// it any more. A long read delays only the giving back.
//
// Invariant: a reader that entered in epoch e is counted under e's parity until it leaves. The
// epoch advances only when nobody is counted under the parity that the new epoch would take, so
// what was retired in epoch e is unreachable once the epoch is e + 2.

internal import CFlush
internal import Synchronization

/// Counts readers, striped so that threads rarely share a line.
@safe
final class ReaderEpochs: @unchecked Sendable {
  // SAFETY: the counters are atomics in memory that lives as long as self; `retired` is used only
  // under the store's write lock.
  private let epoch = Atomic<UInt64>(0)
  private let counters: UnsafeMutablePointer<Atomic<Int>>
  private var retired: [(epoch: UInt64, release: () -> Void)] = []

  private static let stripes = 16
  /// Counters of one stripe and parity are two lines apart (adjacent lines are fetched in pairs).
  private static let spacing = 16

  /// What a reader holds between entering and leaving.
  struct Ticket {
    fileprivate let counter: Int
  }

  init() {
    let count = 2 * Self.stripes * Self.spacing
    unsafe counters = .allocate(capacity: count)
    for index in 0..<count { unsafe (counters + index).initialize(to: Atomic(0)) }
  }

  deinit {
    for entry in retired { entry.release() }
    unsafe counters.deinitialize(count: 2 * Self.stripes * Self.spacing)
    unsafe counters.deallocate()
  }

  /// Starts a read: nothing retired from now on is released before `leave`.
  @inline(__always)
  func enter() -> Ticket {
    let stripe = Int(truncatingIfNeeded: fl_thread_id()) & (Self.stripes - 1)
    while true {
      let current = epoch.load(ordering: .sequentiallyConsistent)
      let index = (Int(truncatingIfNeeded: current & 1) * Self.stripes + stripe) * Self.spacing
      unsafe counters[index].add(1, ordering: .sequentiallyConsistent)
      if epoch.load(ordering: .sequentiallyConsistent) == current { return Ticket(counter: index) }
      unsafe counters[index].subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Ends a read.
  @inline(__always)
  func leave(_ ticket: Ticket) {
    unsafe counters[ticket.counter].subtract(1, ordering: .sequentiallyConsistent)
  }

  /// Runs `release` once no reader that may have seen the retired thing is left.
  ///
  /// Called under the write lock.
  func retire(_ release: @escaping () -> Void) {
    retired.append((epoch.load(ordering: .sequentiallyConsistent), release))
    reclaim()
  }

  /// Releases what has become unreachable; never waits.
  ///
  /// Called under the write lock.
  func reclaim() {
    var count = 0
    while count < retired.count {
      let current = epoch.load(ordering: .sequentiallyConsistent)
      if retired[count].epoch + 2 <= current {
        count += 1
        continue
      }
      // The next epoch takes the other parity: nobody may be counted there.
      guard isEmpty(parity: (current + 1) & 1) else { break }
      epoch.store(current + 1, ordering: .sequentiallyConsistent)
    }
    // Behind a long read there may be many.
    let unreachable = retired[..<count]
    retired.removeFirst(count)
    for entry in unreachable { entry.release() }
  }

  private func isEmpty(parity: UInt64) -> Bool {
    for stripe in 0..<Self.stripes {
      let index = (Int(parity) * Self.stripes + stripe) * Self.spacing
      if unsafe counters[index].load(ordering: .sequentiallyConsistent) != 0 { return false }
    }
    return true
  }
}
