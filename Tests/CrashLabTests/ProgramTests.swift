// Programs as data: what a seed makes, what a report prints, and how a failing one gets small.

import CrashLab
import Fenceline
import Testing

@Suite("Programs for the laboratory")
struct ProgramTests {
  private func explore(_ program: CrashProgram) -> CrashReport {
    program.explore {
      $0.model.exhaustiveLimit = 32
      $0.model.samplesPerKind = 4
    }
  }

  @Test("The same seed gives the same program, trace and report")
  func reproducible() throws {
    for offset in 0..<12 as Range<UInt64> {
      let program = CrashProgram(seed: seed &+ offset)
      #expect(program == CrashProgram(seed: seed &+ offset))
      let first = try program.record()
      let second = try program.record()
      #expect(first.trace.arena == second.trace.arena, "seed \(seed &+ offset)")
      #expect(first.eventCount == second.eventCount)
      #expect(explore(program).description == explore(program).description)
    }
    let programs = (0..<40 as Range<UInt64>).map { CrashProgram(seed: $0) }
    #expect(Set(programs.map(\.description)).count == programs.count)
    #expect(Set(programs.map(\.setup.hardware)).count == CrashHardware.allCases.count)
    #expect(Set(programs.map(\.setup.stale)).count == StaleKind.allCases.count)
  }

  /// The text is a Swift expression: the one below stands in this file as such.
  @Test("A program is printed as the expression that makes it")
  func text() {
    let program = CrashProgram(
      WorkloadSetup(.streamsBypassCache, .trusting, stale: .offset),
      [
        .init(.put(3, 20), durable: true),
        .init(.transaction([.init(0, nil), .init(5, 32)]), newThread: true),
        .init(.killAmid(250, .strict)),
        .init(.failSync(evicting: true)),
      ],
      tearsBlocks: true
    )
    #expect(
      program.description == """
        CrashProgram(WorkloadSetup(.streamsBypassCache, .trusting, stale: .offset), [
          .init(.put(3, 20), durable: true),
          .init(.transaction([.init(0, nil), .init(5, 32)]), newThread: true),
          .init(.killAmid(250, .strict)),
          .init(.failSync(evicting: true)),
        ], tearsBlocks: true)
        """
    )
  }

  @Test("A failing program shrinks to what the failure needs")
  func shrinking() {
    var program = CrashProgram(seed: 4, on: .streamsStayInCache)
    program.steps += [.init(.put(4, 900), durable: true, newThread: true), .init(.sync)]
    program.tearsBlocks = true
    let small = program.shrunk { candidate in
      let puts = candidate.steps.contains { step in
        if case .put(_, let length) = step.action { return length >= 57 }
        return false
      }
      return puts && candidate.steps.last?.action == .sync
    }
    #expect(small.steps == [.init(.put(1, 57)), .init(.sync)])
    #expect(!small.tearsBlocks)
    #expect(small.setup.stale == .none)
  }

  @Test("The history counts sequences as the store does")
  func sequences() throws {
    let workload = Workload("sequences", WorkloadSetup(.streamsStayInCache))
    try workload.open()
    try workload.put("a", "1")
    try workload.transaction([(bytes("b"), bytes("2")), (bytes("c"), bytes("3"))])
    try workload.delete("a")
    try workload.put("d", "4")
    #expect(try workload.sequence(of: bytes("d")) == workload.countedSequence)
    workload.kill()
    try workload.recover()
    try workload.put("e", "5", .durable)
    #expect(try workload.sequence(of: bytes("e")) == workload.countedSequence)
  }

  @Test("A put that a full medium refuses is no step of the history")
  func refused() throws {
    let workload = Workload("full", WorkloadSetup(.disk))
    try workload.open()
    try workload.put(bytes("a"), value(3000), .durable)
    workload.setMediumFull(true)
    #expect(throws: StoreError.self) { try workload.put(bytes("a"), value(900)) }
    #expect(workload.history.states.last?[bytes("a")]?.count == 3000)
    #expect(workload.explore(ExplorationOptions(.disk)).violations.isEmpty)
  }
}
