// Crashes around the moments at which segments begin and end: rotation, recovery, and the death of
// a process while the machine lives on.

import CrashLab
import Fenceline
import Testing

@Suite("Segments that begin and end, in every state that a crash can leave")
struct SegmentTests {
  @Test("Rotation from one segment to the next", arguments: CopyPolicy.allCases)
  func rotation(policy: CopyPolicy) throws {
    try explore("rotation", policy) {
      $0.model.exhaustiveLimit = 1 << 8
      $0.model.samplesPerKind = 12
    } _: {
      try $0.open()
      try $0.put(bytes("a"), value(3600), .durable)
      try $0.put("b", "last of the first")
      try $0.put(bytes("c"), value(400))
      try $0.put("a", "overwritten", .durable)
    }
  }

  @Test("Rotation by a thread that wrote nothing", arguments: CopyPolicy.allCases)
  func rotationByAnotherThread(policy: CopyPolicy) throws {
    try explore("rotation by another thread", policy) {
      $0.model.exhaustiveLimit = 1 << 8
      $0.model.samplesPerKind = 12
      $0.recoveriesPerKind = 0
    } _: { workload in
      try workload.open()
      try workload.put(bytes("a"), value(3700), .durable)
      try workload.onNewThread { try workload.put("b", "buffered by another") }
      try workload.put(bytes("c"), value(400))
      try workload.onNewThread { try workload.sync() }
    }
  }

  @Test("Several rotations", arguments: CopyPolicy.allCases)
  func rotations(policy: CopyPolicy) throws {
    try explore("rotations", policy) {
      $0.model.exhaustiveLimit = 1 << 6
      $0.model.samplesPerKind = 4
      $0.recoveriesPerKind = 0
    } _: {
      try $0.open()
      for number in 0..<9 {
        try $0.put(bytes("k\(number % 3)"), value(1500, UInt8(number)))
      }
      try $0.delete("k0", .durable)
    }
  }

  /// Long unsynced stretches are written back early, by whichever thread comes past the threshold.
  @Test("Early write-back of records of several threads", arguments: CopyPolicy.allCases)
  func writeBehind(policy: CopyPolicy) throws {
    try explore("write-behind", policy, segmentSize: 65536) {
      $0.recoveriesPerKind = 0
      $0.model.exhaustiveLimit = 1 << 5
      $0.model.samplesPerKind = 6
    } _: { workload in
      try workload.open()
      for number in 0..<9 {
        let body = {
          try workload.put(bytes("k\(number % 4)"), value(3990 + number, UInt8(number)))
        }
        if number.isMultiple(of: 2) { try body() } else { try workload.onNewThread(body) }
      }
      try workload.transaction([(bytes("a"), bytes("1")), (bytes("b"), bytes("2"))])
      try workload.onNewThread { try workload.put("k1", "durable", .durable) }
    }
  }

  /// Each round of opening, failing and closing once cost a close record, until the last one did not
  /// fit any more.
  @Test("A full medium, opened and closed again and again", arguments: CopyPolicy.allCases)
  func fullMedium(policy: CopyPolicy) throws {
    try explore("full medium", policy) {
      $0.recoveriesPerKind = 0
      $0.model.exhaustiveLimit = 1 << 6
      $0.model.samplesPerKind = 4
    } _: {
      try $0.open()
      try $0.put(bytes("a"), value(3300), .durable)
      try $0.close()
      $0.setMediumFull(true)
      for _ in 0..<6 {
        try $0.open()
        #expect($0.putIsRefused(bytes("b"), value(500)))
        try $0.close()
      }
      try $0.open()
      try $0.delete("a")
      try $0.close()
      $0.setMediumFull(false)
      try $0.open()
      try $0.put(bytes("b"), value(500), .durable)
    }
  }

  /// A process that is killed leaves what it stored, but not what is certain: recovery accepts bytes
  /// that are still only in a cache, and must make them durable before it says so.
  @Test("A process dies between any two events", arguments: CopyPolicy.allCases)
  func deaths(policy: CopyPolicy) throws {
    let first = Workload("dying", policy: policy)
    try first.open()
    try first.put("a", "1")
    try first.put("b", "2")
    try first.sync()
    try first.put("a", "3")
    try first.transaction([(bytes("c"), bytes("4")), (bytes("b"), nil)], .durable)
    try first.close()
    try dieEverywhere(first, stride: 7)
  }

  @Test("A process dies during rotation", arguments: CopyPolicy.allCases)
  func deathsInRotation(policy: CopyPolicy) throws {
    let first = Workload("dying in rotation", policy: policy)
    try first.open()
    try first.put(bytes("a"), value(3700), .durable)
    let start = first.eventCount
    try first.put("b", "buffered")
    try first.put(bytes("c"), value(300))
    try first.put("d", "1", .durable)
    try dieEverywhere(first, from: start, stride: 11)
  }

  @Test("A process dies while it writes again after a close", arguments: CopyPolicy.allCases)
  func deathsAfterClose(policy: CopyPolicy) throws {
    let first = Workload("dying after a close", policy: policy)
    try first.open()
    try first.put("a", "1")
    let start = first.eventCount
    try first.close()
    try first.open()
    try first.put("a", "2")
    try first.put("b", "3", .durable)
    try first.close()
    try dieEverywhere(first, from: start, stride: 5)
  }

  /// Kills `workload` before every `stride`th event, recovers, writes, and crashes that.
  private func dieEverywhere(_ workload: Workload, from first: Int = 0, stride step: Int) throws {
    let step = isOptimized ? max(1, step / 3) : step
    var total = ExplorationReport()
    for position in stride(from: first, through: workload.eventCount, by: step) {
      let second = Workload(afterDeathOf: workload, at: position)
      try Exploration.firstWrites(of: second)
      var options = ExplorationOptions(policy: workload.policy)
      options.firstEvent = position
      options.recoveriesPerKind = 0
      options.model.seed = seed
      options.model.exhaustiveLimit = 64
      options.model.samplesPerKind = 4
      total.add(Exploration.run(second, options))
      if !total.failures.isEmpty { break }
    }
    print("\(workload.name) (\(workload.policy.rawValue)): \(total)")
    #expect(total.failures.isEmpty, "seed \(seed); \(total)")
    #expect(total.mixedLines == 0)
  }
}
