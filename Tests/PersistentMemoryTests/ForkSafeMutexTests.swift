// A lock that threads want at the same time.

import Foundation
import PersistentMemory
import Synchronization
import Testing

struct ForkSafeMutexTests {
  /// What both threads of the test use.
  private final class Shared: Sendable {
    let lock = ForkSafeMutex<UInt64>(1)
    let holds = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    let hasEnded = Atomic<Bool>(false)
  }

  /// Without the letting in it is there before anybody else thousands of times.
  @Test func `Who gives the lock back and takes it again lets others in`() {
    let shared = Shared()
    let busy = Thread {
      while !shared.isOver.load(ordering: .relaxed) {
        shared.lock.letOthersIn()
        shared.lock.withLock { (value) in
          for _ in 0..<10_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
        }
        shared.holds.add(1, ordering: .relaxed)
      }
      shared.hasEnded.store(true, ordering: .releasing)
    }
    busy.start()
    let wanted = 100
    var waited = 0
    for _ in 0..<wanted {
      let seen = shared.holds.load(ordering: .relaxed)
      while shared.holds.load(ordering: .relaxed) == seen {}
      let before = shared.holds.load(ordering: .relaxed)
      shared.lock.withLock { $0 = 1 }
      waited += shared.holds.load(ordering: .relaxed) - before
    }
    shared.isOver.store(true, ordering: .relaxed)
    while !shared.hasEnded.load(ordering: .acquiring) { usleep(100) }
    #expect(waited < 10 * wanted)
  }

  /// Every tenth hold lasts longer than the patient thread looks at the lock: then it sleeps, and is woken.
  @Test func `Who waits patiently has the lock alone`() {
    let shared = Shared()
    let rounds = 2000
    let patient = Thread {
      for _ in 0..<rounds { shared.lock.withLock(patiently: true) { $0 = Self.slowly($0) } }
      shared.hasEnded.store(true, ordering: .releasing)
    }
    patient.start()
    for round in 0..<rounds {
      shared.lock.withLock { (value) in
        value = Self.slowly(value)
        if round.isMultiple(of: 10) { usleep(2000) }
      }
    }
    while !shared.hasEnded.load(ordering: .acquiring) { usleep(100) }
    #expect(shared.lock.withLock { $0 } == UInt64(1 + 2 * rounds))
  }

  /// One more, at a time when others may have added theirs.
  @inline(never)
  private static func slowly(_ value: UInt64) -> UInt64 {
    for _ in 0..<100 { sched_yield() }
    return value + 1
  }
}
