// The store under crashes: every fixed situation and some random programs, a short form of what
// Tools/crash-lab does for as long as one lets it.

import CrashLab
import Fenceline
import Testing

@Suite("The store in the states that a crash can leave")
struct ExplorationTests {
  static let programs = StaleKind.allCases.flatMap { (stale) in
    CrashSuite.programs(stale: stale).map { (name: "\($0.name), \(stale.rawValue)", $0.program) }
  }

  /// Few images of every moment: the situations are many.
  private func configure(_ options: inout ExplorationOptions) {
    options.model.seed = seed
    options.model.exhaustiveLimit = 24
    options.model.samplesPerKind = 3
    options.maximumRecoveries = 4
  }

  /// A share each, so that they are explored side by side.
  @Test("Every fixed situation, on all hardware, one kind of stale contents each", arguments: 0..<4)
  func situations(share: Int) {
    var total = CrashReport()
    var scenarioCount = 0
    let offset = Int(seed % UInt64(StaleKind.allCases.count))
    let count = Self.programs.count / StaleKind.allCases.count
    for number in stride(from: share, to: count, by: 4) {
      let kind = (number + offset) % StaleKind.allCases.count
      let (name, program) = Self.programs[kind * count + number]
      scenarioCount += 1
      let report = program.explore(configure)
      #expect(report.violations.isEmpty, "seed \(seed), \(name): \(report)")
      #expect(report.mixedLines == 0, "\(name)")
      total.add(report)
    }
    #expect(total.recoveries > scenarioCount)
    #expect(total.distinctImages > 10 * scenarioCount)
  }

  @Test("Random programs")
  func random() {
    for offset in 0..<40 as Range<UInt64> {
      let report = CrashProgram(seed: seed &+ offset).explore(configure)
      #expect(report.violations.isEmpty, "seed \(seed &+ offset): \(report)")
    }
  }

  /// Images that recovery cannot tell apart are judged once.
  ///
  /// Here every image is judged, those of
  /// equal class must come to the same, and the bytes of unnamed files are varied as well.
  @Test(
    "Leaving out what recovery can't tell apart leaves out nothing",
    arguments: CrashHardware.allCases
  )
  func pruning(hardware: CrashHardware) {
    let program = CrashProgram(
      WorkloadSetup(hardware, stale: .incarnation),
      [.init(.put(1, 3)), .init(.put(2, 3)), .init(.sync), .init(.put(1, 3), durable: true)]
    )
    let pruned = program.explore { $0.model.exhaustiveLimit = 64 }
    let whole = program.explore {
      $0.model.exhaustiveLimit = 64
      $0.model.samplesPerKind = 4
      $0.model.prunes = false
    }
    #expect(pruned.violations.isEmpty && whole.violations.isEmpty, "\(pruned)\n\(whole)")
    #expect(whole.images > pruned.images)
    #expect(whole.recoveries > pruned.recoveries)
  }

  @Test("Up to the limit every image is enumerated: all subsets of a line's words")
  func exhaustive() throws {
    let program = CrashProgram(
      WorkloadSetup(.streamsBypassCache, .trusting),
      [.init(.put(3, 41), durable: true)]
    )
    let report = program.explore {
      $0.recoveryDepth = 0
      $0.model.exhaustiveLimit = 1 << 8
    }
    #expect(report.sampledMoments == 0)
    #expect(report.images >= 1 << 8)
    #expect(report.violations.isEmpty)
    let sampled = program.explore {
      $0.recoveryDepth = 0
      $0.model.exhaustiveLimit = 1 << 7
      $0.model.samplesPerKind = 4
    }
    #expect(sampled.sampledMoments == 1)
  }

  @Test("Behind a fence nothing of a copy is uncertain", arguments: CrashHardware.allCases)
  func copies(hardware: CrashHardware) {
    guard hardware != .disk else { return }
    for policy in hardware.policies {
      #expect(CopyContract.violations(on: hardware, policy) == [])
    }
    // It can fail: a policy that is wrong there.
    let isRight = hardware.policies.contains(.trusting) || hardware == .cachesArePersistent
    #expect(CopyContract.violations(on: hardware, .trusting).isEmpty == isRight)
  }

  @Test("A reader stops where a writer broke a rule, though every checksum is right")
  func forgeries() throws {
    #expect(try ForgedJournal.violations() == [])
    #expect(try ForgedJournal.violationsOfMark() == [])
    #expect(try DamagedIndexImage.violations() == [])
  }
}
