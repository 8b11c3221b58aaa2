// When a writer is killed: at any moment, or within something that takes too little of its time to be
// hit by chance.

import DamageLab
import Glibc

/// The moment of one kill.
struct KillPlan {
  /// Waits until the writer is at this; nil for a moment of any kind.
  let phase: Phase?
  /// How long then.
  let microseconds: UInt32

  init(_ numbers: inout SeededNumbers) {
    func any(_ limit: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: numbers.next()) % limit }
    switch any(20) {
    // Into the opening, which is a recovery most of the time.
    case 0...2: (phase, microseconds) = (.opening, any(4000))
    case 3, 4: (phase, microseconds) = (.closing, any(600))
    case 5: (phase, microseconds) = (.compaction, any(6000))
    case 6: (phase, microseconds) = (.image, any(2000))
    case 7: (phase, microseconds) = (.sync, any(400))
    case 8: (phase, microseconds) = (.durableTransaction, any(100))
    case 9, 10: (phase, microseconds) = (.transaction, any(100))
    // The background is at work behind the writer's back.
    case 11: (phase, microseconds) = (.pause, any(4000))
    case 12...15: (phase, microseconds) = (nil, any(20_000))
    default: (phase, microseconds) = (nil, any(250_000))
    }
  }

  /// The longest wait for a phase.
  private static let patience = Duration.seconds(1)

  /// Waits for the moment.
  ///
  /// - Parameters:
  ///   - board: says what the writer is at.
  ///   - openings: how often the store was open before.
  ///   - isOver: says that there is nothing to wait for any more.
  func wait(for board: Board, _ openings: Int, isOver: () -> Bool) {
    let start = ContinuousClock.now
    while board.phase == .starting, !isOver() { usleep(20) }
    if phase != .opening {
      while board.openings == openings, !isOver() { usleep(20) }
      // No sleep: what is waited for may be over sooner than that.
      while let phase, board.phase != phase, ContinuousClock.now - start < Self.patience {
        if isOver() { return }
        for _ in 0..<1000 where board.phase != phase { sched_yield() }
      }
    }
    guard microseconds <= 500 else {
      usleep(microseconds)
      return
    }
    let moment = ContinuousClock.now + .microseconds(microseconds)
    while ContinuousClock.now < moment { sched_yield() }
  }
}
