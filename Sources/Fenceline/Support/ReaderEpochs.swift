// Lets readers use memory without locks, and lets the writer give it back when no reader can hold
// it any more. A long read delays only the giving back.
//
// A read costs two stores into a line of the thread's own and no locked instruction, so what one read
// waits for and what the next one begins with overlap. The fence between counting itself and looking is
// paid by whoever gives memory back, which is rare: it interrupts all threads.
//
// Invariant: a reader that entered in epoch e is counted under e's parity until it leaves. The
// epoch advances only when nobody is counted under the parity that the new epoch would take, so
// what was retired in epoch e is unreachable once the epoch is e + 2.

internal import CFlush
internal import CPlatform
internal import Synchronization

/// Counts readers: each thread on a line of its own, those for which there is none together.
@safe
final class ReaderEpochs: @unchecked Sendable {
  // SAFETY: the counters are atomics in memory that lives as long as self; `retired` is used only
  // under the store's write lock.
  private let epoch = Atomic<UInt64>(0)
  private let counters: UnsafeMutablePointer<Atomic<Int>>
  private var retired: [(epoch: UInt64, release: () -> Void)] = []

  /// Counters that only one thread at a time changes.
  private static let ownStripes = Int(CP_THREAD_SLOTS)
  /// Counters that several threads change.
  private static let sharedStripes = 16
  private static let stripes = ownStripes + sharedStripes
  /// Counters of one stripe, of which there are two, are two lines from the next (adjacent lines are
  /// fetched in pairs).
  private static let spacing = 16

  /// What a reader holds between entering and leaving.
  struct Ticket {
    fileprivate let counter: Int

    /// Whether other threads may change the counter too.
    @inline(__always)
    fileprivate var isShared: Bool {
      counter >= ReaderEpochs.ownStripes * ReaderEpochs.spacing
    }
  }

  init() {
    cp_prepare_heavy_fence()
    let count = Self.stripes * Self.spacing
    unsafe counters = .allocate(capacity: count)
    for index in 0..<count { unsafe (counters + index).initialize(to: Atomic(0)) }
  }

  deinit {
    for entry in retired { entry.release() }
    unsafe counters.deinitialize(count: Self.stripes * Self.spacing)
    unsafe counters.deallocate()
  }

  /// Starts a read, which the same thread ends: nothing retired from now on is released before `leave`.
  @inline(__always)
  func enter() -> Ticket {
    let slot = Int(cp_thread_slot())
    guard slot < Self.ownStripes else { return enterForAnyThread() }
    return enter(stripe: slot)
  }

  /// The same for a read that another thread may end.
  @inline(never)
  func enterForAnyThread() -> Ticket {
    enter(
      stripe: Self.ownStripes + Int(truncatingIfNeeded: fl_thread_id()) % Self.sharedStripes
    )
  }

  @inline(__always)
  private func enter(stripe: Int) -> Ticket {
    while true {
      let current = epoch.load(ordering: .acquiring)
      let ticket = Ticket(
        counter: stripe * Self.spacing + Int(truncatingIfNeeded: current & 1)
      )
      add(1, to: ticket)
      // Whoever advances the epoch and counts nobody sees to it that the next line loads the new one.
      cp_light_fence()
      if epoch.load(ordering: .acquiring) == current { return ticket }
      leave(ticket)
    }
  }

  /// Ends a read.
  @inline(__always)
  func leave(_ ticket: Ticket) { add(-1, to: ticket) }

  @inline(__always)
  private func add(_ count: Int, to ticket: Ticket) {
    let counter = unsafe counters + ticket.counter
    if ticket.isShared {
      unsafe counter.pointee.wrappingAdd(count, ordering: .acquiringAndReleasing)
    } else {
      let value = unsafe counter.pointee.load(ordering: .relaxed) &+ count
      unsafe counter.pointee.store(value, ordering: .releasing)
    }
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
      // The next epoch takes the other parity: nobody may be counted there. Who was counted before the
      // fence is seen now; who comes behind it loads the epoch of now, or a later one.
      let parity = (current + 1) & 1
      guard isEmpty(parity: parity), cp_heavy_fence(), isEmpty(parity: parity) else { break }
      epoch.store(current + 1, ordering: .sequentiallyConsistent)
    }
    // Behind a long read there may be many.
    let unreachable = retired[..<count]
    retired.removeFirst(count)
    for entry in unreachable { entry.release() }
  }

  private func isEmpty(parity: UInt64) -> Bool {
    for stripe in 0..<Self.stripes {
      let index = stripe * Self.spacing + Int(parity)
      if unsafe counters[index].load(ordering: .sequentiallyConsistent) != 0 { return false }
    }
    return true
  }
}
