// Feeds of changes under crashes.

import CrashLab
import Testing

@Suite struct FeedTests {
  @Test("No crash takes back what was told of changes", arguments: CrashHardware.allCases)
  func told(hardware: CrashHardware) {
    var count = 0
    for (name, program) in CrashSuite.programs()
    where name.hasPrefix("changes told") && program.setup.hardware == hardware {
      let report = program.explore {
        $0.model.seed = seed
        $0.model.exhaustiveLimit = 64
        $0.model.samplesPerKind = 4
        $0.maximumRecoveries = 1
      }
      #expect(report.violations.isEmpty, "seed \(seed), \(name): \(report)")
      count += 1
    }
    #expect(count >= 6)
  }
}
