// Namespaces under crashes.

import CrashLab
import Testing

@Suite struct NamespaceTests {
  @Test(
    "No crash brings a dropped namespace back, or gives its number again",
    arguments: CrashHardware.allCases
  )
  func dropped(hardware: CrashHardware) {
    var count = 0
    for (name, program) in CrashSuite.programs()
    where CrashSuite.namespaceNames.contains(where: { name.hasPrefix($0) })
      && program.setup.hardware == hardware
    {
      let report = program.explore {
        $0.model.seed = seed
        $0.model.exhaustiveLimit = 64
        $0.model.samplesPerKind = 4
        $0.maximumRecoveries = 1
      }
      #expect(report.violations.isEmpty, "seed \(seed), \(name): \(report)")
      count += 1
    }
    #expect(count >= CrashSuite.namespaceNames.count)
  }
}
