// Random programs, crashed everywhere. `FENCELINE_CRASH_SECONDS` sets how long it goes on,
// `FENCELINE_CRASH_SEED` repeats a printed seed.

import CrashLab
import Fenceline
import Testing

@Suite("Random workloads, crashed everywhere")
struct RandomTests {
  @Test("Puts, deletes, transactions, syncs, closes, deaths and rotations, in any order")
  func randomWorkloads() throws {
    let seconds = number("FENCELINE_CRASH_SECONDS") ?? 20
    print("seed \(seed) for \(seconds) s")
    let start = ContinuousClock.now
    var total = ExplorationReport()
    var workloadSeed = seed
    var count = 0
    repeat {
      var random = RandomWorkload(seed: workloadSeed)
      total.add(try random.run())
      count += 1
      workloadSeed &+= 1
    } while ContinuousClock.now - start < .seconds(Int(seconds)) && total.failures.isEmpty
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    print(
      "\(count) random workloads: \(total); \(Int(Double(total.images) / elapsed)) a second"
    )
    #expect(total.failures.isEmpty, "seed \(workloadSeed &- 1); \(total)")
    #expect(total.mixedLines == 0)
  }
}

/// A program that its seed alone decides.
struct RandomWorkload {
  private var generator: SeededGenerator
  private let seed: UInt64
  private let keys = ["", "a", "b", "key", "a longer key of some thirty bytes"].map { bytes($0) }
  private let lengths = [0, 3, 20, 45, 90, 130, 300, 900, 2000]

  init(seed: UInt64) {
    self.seed = seed
    generator = SeededGenerator(seed: seed)
  }

  mutating func run() throws -> ExplorationReport {
    let policy = CopyPolicy.allCases[number(below: 2)]
    var workload = Workload("random \(seed)", policy: policy)
    try workload.open()
    for _ in 0..<3 + number(below: 8) { try step(workload) }
    var firstEvent = 0
    if number(below: 3) == 0 {
      // The process dies anywhere, in the middle of a call as well.
      firstEvent = number(below: workload.eventCount)
      workload = Workload(afterDeathOf: workload, at: firstEvent)
      try workload.recover()
      for _ in 0..<1 + number(below: 4) { try step(workload) }
    }
    var options = ExplorationOptions(policy: policy)
    options.firstEvent = firstEvent
    options.model.seed = seed
    options.model.exhaustiveLimit = 48
    options.model.samplesPerKind = 4
    options.model.tearsLines = number(below: 4) == 0
    options.recoveriesPerKind = number(below: 8) == 0 ? 1 : 0
    return Exploration.run(workload, options)
  }

  private mutating func number(below limit: Int) -> Int {
    Int.random(in: 0..<limit, using: &generator)
  }

  private mutating func key() -> [UInt8] { keys[number(below: keys.count)] }

  private mutating func randomValue() -> [UInt8] {
    value(lengths[number(below: lengths.count)], UInt8(number(below: 256)))
  }

  private mutating func step(_ workload: Workload) throws {
    let durability = number(below: 4) == 0 ? Durability.durable : .buffered
    let isOnNewThread = number(below: 3) == 0
    let body: () throws -> Void
    switch number(below: 16) {
    case 0..<6:
      let (key, value) = (key(), randomValue())
      body = { try workload.put(key, value, durability) }
    case 6..<8:
      let key = key()
      body = { try workload.delete(key, durability) }
    case 8..<11:
      let changes = changes(workload)
      body = { try workload.transaction(changes, durability) }
    case 11..<13: body = { try workload.sync() }
    case 13..<15:
      body = {
        try workload.close()
        try workload.open()
      }
    default:
      body = {
        workload.kill()
        try workload.recover()
      }
    }
    if isOnNewThread { try workload.onNewThread(body) } else { try body() }
  }

  /// One change a key, and at least one.
  private mutating func changes(_ workload: Workload) -> [Workload.Change] {
    let live = workload.liveKeys
    let chosen = keys.shuffled(using: &generator).prefix(1 + number(below: 4))
    return chosen.map { key in
      (key, live.contains(key) && number(below: 3) == 0 ? nil : randomValue())
    }
  }
}
