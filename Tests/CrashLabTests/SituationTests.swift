// Situations of what was built on the journal, under crashes, a little of each on every kind of hardware.

import CrashLab
import Testing

@Suite struct SituationTests {
  /// Changes that were told, and values that were removed because they had ended.
  @Test(
    "No crash takes back what is known to be",
    arguments: CrashHardware.allCases,
    ["changes told", "values that end"]
  )
  func situations(hardware: CrashHardware, name prefix: String) {
    var count = 0
    for (name, program) in CrashSuite.programs()
    where name.hasPrefix(prefix) && program.setup.hardware == hardware {
      let report = program.explore {
        $0.model.seed = seed
        $0.model.exhaustiveLimit = 64
        $0.model.samplesPerKind = 4
        $0.maximumRecoveries = 1
      }
      #expect(report.violations.isEmpty, "seed \(seed), \(name): \(report)")
      count += 1
    }
    #expect(count >= 3)
  }
}
