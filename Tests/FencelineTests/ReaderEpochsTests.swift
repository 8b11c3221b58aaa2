// Readers without locked instructions, and a writer that may not give back what they look at.

import CPlatform
import Foundation
import PersistentMemory
import Synchronization
import Testing

@testable import Fenceline

// One behind the other: some of them take all slots for a while.
@Suite(.serialized)
struct ReaderEpochsTests {
  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isReleased: Bool { value.load(ordering: .relaxed) }
    func release() { value.store(true, ordering: .relaxed) }
  }

  @Test func `Threads alive at one time have different slots, and ended ones give theirs back`() {
    // The thread sanitizer does not see the standard library's lock where threads wait for it.
    let slots = ForkSafeMutex<[UInt32]>([])
    func take(_ count: Int) -> [UInt32] {
      slots.withLock { $0 = [] }
      let start = Barrier(count)
      let threads = (0..<count).map { (_) in
        Worker {
          let slot = cp_thread_slot()
          // Nobody ends before everybody has one.
          start.wait()
          slots.withLock { $0.append(slot) }
        }
      }
      for thread in threads { thread.join() }
      return slots.withLock { $0 }.filter { $0 < UInt32(CP_THREAD_SLOTS) }
    }
    for _ in 0..<4 {
      let taken = take(40)
      #expect(Set(taken).count == taken.count)
      // Others of this process have some.
      #expect(taken.count >= 20)
    }
    // More than there are: the rest has none of its own, and none twice.
    let taken = take(Int(CP_THREAD_SLOTS) + 20)
    #expect(Set(taken).count == taken.count && taken.count <= Int(CP_THREAD_SLOTS))
  }

  @Test(arguments: [8, Int(CP_THREAD_SLOTS) + 16])
  func `Whatever thread reads, and however many do, what it may see is kept`(threadCount: Int) {
    let epochs = ReaderEpochs()
    let flag = Flag()
    let entered = Barrier(threadCount + 1)
    let mayLeave = Barrier(threadCount + 1)
    let threads = (0..<threadCount).map { (number) in
      Worker {
        let ticket = number.isMultiple(of: 3) ? epochs.enterForAnyThread() : epochs.enter()
        entered.wait()
        mayLeave.wait()
        epochs.leave(ticket)
      }
    }
    entered.wait()
    epochs.retire { flag.release() }
    for _ in 0..<5 { epochs.reclaim() }
    #expect(!flag.isReleased)
    mayLeave.wait()
    for thread in threads { thread.join() }
    for _ in 0..<3 { epochs.reclaim() }
    #expect(flag.isReleased)
  }

  /// A cell that a writer replaces again and again, and that readers look into.
  @Test func `Nothing is released under a reader that follows what a writer replaces`() {
    final class Cell: Sendable {
      let value = Atomic<Int>(1)
    }
    let epochs = ReaderEpochs()
    let current = Atomic<UInt>(0)
    func publish() {
      let cell = unsafe Unmanaged.passRetained(Cell())
      let address = unsafe UInt(bitPattern: cell.toOpaque())
      let old = current.exchange(address, ordering: .acquiringAndReleasing)
      guard let old = unsafe UnsafeRawPointer(bitPattern: old) else { return }
      let retired = unsafe Unmanaged<Cell>.fromOpaque(old)
      // Kept, so that a reader that comes too late finds a released cell instead of foreign memory.
      epochs.retire { unsafe retired.takeUnretainedValue().value.store(0, ordering: .releasing) }
    }
    publish()
    let isDone = Atomic<Bool>(false)
    let late = Atomic<Int>(0)
    let reads = Atomic<Int>(0)
    let readers = (0..<3).map { (_) in
      Worker {
        while !isDone.load(ordering: .relaxed) {
          let ticket = epochs.enter()
          let address = current.load(ordering: .acquiring)
          let cell = unsafe Unmanaged<Cell>.fromOpaque(
            UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped
          )
          for _ in 0..<20 {
            let value = unsafe cell.takeUnretainedValue().value.load(ordering: .acquiring)
            if value == 0 { late.add(1, ordering: .relaxed) }
          }
          epochs.leave(ticket)
          reads.add(1, ordering: .relaxed)
        }
      }
    }
    for _ in 0..<20_000 { publish() }
    while reads.load(ordering: .relaxed) < 1_000 {}
    isDone.store(true, ordering: .relaxed)
    for reader in readers { reader.join() }
    let lateReads = late.load(ordering: .relaxed)
    #expect(lateReads == 0)
  }
}

/// Lets so many threads go on together, once.
private final class Barrier: @unchecked Sendable {
  // SAFETY: the count is used under the condition's lock.
  private var missing: Int
  private let condition = NSCondition()

  init(_ count: Int) { missing = count }

  func wait() {
    condition.lock()
    defer { condition.unlock() }
    missing -= 1
    if missing == 0 { condition.broadcast() }
    while missing > 0 { condition.wait() }
  }
}
