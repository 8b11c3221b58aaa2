// Backups under crashes: of the store, of their own medium, and of what is restored.

import CrashLab
import Testing

@Suite struct BackupTests {
  private func configure(_ options: inout ExplorationOptions) {
    options.model.seed = seed
    options.model.exhaustiveLimit = 64
    options.model.samplesPerKind = 4
    options.maximumRecoveries = 1
  }

  @Test("No crash of a store takes back what a backup has", arguments: CrashHardware.allCases)
  func source(hardware: CrashHardware) {
    var count = 0
    for (name, program) in CrashSuite.programs()
    where name.hasPrefix("backups") && program.setup.hardware == hardware {
      let report = program.explore(configure)
      #expect(report.violations.isEmpty, "seed \(seed), \(name): \(report)")
      count += 1
    }
    #expect(count >= 3)
  }

  @Test(
    "A crash of a backup's medium leaves the backup before or the new one",
    arguments: CrashHardware.allCases
  )
  func medium(hardware: CrashHardware) throws {
    for policy in hardware.policies {
      let crashes = try BackupCrashes(hardware, policy)
      let report = crashes.explore(configure)
      #expect(report.violations.isEmpty, "seed \(seed), \(policy): \(report)")
      #expect(report.distinctImages > 50 && report.mixedLines == 0, "\(report)")
      let restores = try crashes.exploreRestore(configure)
      #expect(restores.violations.isEmpty, "seed \(seed), \(policy): \(restores)")
    }
  }
}
