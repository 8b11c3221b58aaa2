// Wakes whoever waits for the next transaction in the process that writes. Writers look at one word, and
// only where somebody waits do more.
//
//   writer   moves the end, [light fence], looks whether somebody waits
//   waiter   notes that it waits, [heavy fence], looks at the end
//
// So one of the two sees the other. Where the kernel refuses the heavy fence nobody is told, and waiters
// look again after a while.

internal import CPlatform
internal import PersistentMemory
internal import Synchronization

/// Those who wait for the journal's end to move.
final class ChangeSignal: Sendable {
  /// Up to where the journal may be handed out, as `JournalPosition`s: whoever then asks the store for a key
  /// finds what he was told.
  struct Ends: Sendable {
    let durable: UInt64
    let committed: UInt64

    init(of store: Store) {
      let applied = store.writer.appliedEnd
      durable = min(applied, store.map.durableEnd.load(ordering: .acquiring))
      committed = min(applied, store.map.committedEnd.load(ordering: .acquiring))
    }

    subscript(_ durability: Durability) -> UInt64 {
      durability == .durable ? durable : committed
    }
  }

  private struct Waiter {
    let durability: Durability
    let seen: UInt64
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var waiters: [UInt64: Waiter] = [:]
    var nextNumber: UInt64 = 0
    /// Numbers that ended before they began to wait.
    var ended: Set<UInt64> = []
    var isOver = false
  }

  private let isAwaited = Atomic<Bool>(false)
  private let state = ForkSafeMutex(State())

  /// Wakes those whose end has moved.
  ///
  /// Whoever moved one calls this, and holds no lock.
  @inline(__always)
  func notify(of store: Store) {
    cp_light_fence()
    if isAwaited.load(ordering: .relaxed) { wake(Ends(of: store)) }
  }

  /// Wakes all, and lets nobody wait from now on.
  func end() {
    state.withLock { $0.isOver = true }
    wake(nil)
  }

  @inline(never)
  private func wake(_ ends: Ends?) {
    let woken = state.withLock { (state) in
      let woken = state.waiters.filter { (_, waiter) in
        ends.map { $0[waiter.durability] != waiter.seen } ?? true
      }
      for number in woken.keys { state.waiters[number] = nil }
      isAwaited.store(!state.waiters.isEmpty, ordering: .relaxed)
      return woken
    }
    for waiter in woken.values { waiter.continuation.resume() }
  }

  /// Waits until an end is another one than `seen`, or the task is cancelled.
  ///
  /// - Returns: false where nobody can be told, and nothing was waited for.
  func wait(for durability: Durability, behind seen: UInt64, of store: Store) async -> Bool {
    let number = state.withLock { (state) in
      state.nextNumber += 1
      return state.nextNumber
    }
    var canBeTold = true
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation) in
        let waiter = Waiter(durability: durability, seen: seen, continuation: continuation)
        let begins = state.withLock { (state) in
          guard state.ended.remove(number) == nil, !state.isOver else { return false }
          state.waiters[number] = waiter
          isAwaited.store(true, ordering: .relaxed)
          return true
        }
        guard begins else { return continuation.resume() }
        canBeTold = cp_heavy_fence()
        if !canBeTold || Ends(of: store)[durability] != seen { giveUp(number) }
      }
    } onCancel: {
      giveUp(number)
    }
    state.withLock { _ = $0.ended.remove(number) }
    return canBeTold
  }

  private func giveUp(_ number: UInt64) {
    let waiter = state.withLock { (state) in
      let waiter = state.waiters.removeValue(forKey: number)
      if waiter == nil { state.ended.insert(number) }
      return waiter
    }
    waiter?.continuation.resume()
  }
}
