// What all tests here share: the policies, seeds and time from the environment, one way to run.

import CrashLab
import Fenceline
import Glibc
import Testing

/// An environment variable as a number.
func number(_ name: String) -> UInt64? {
  guard let text = unsafe getenv(name) else { return nil }
  return UInt64(unsafe String(cString: text))
}

/// For everything random; `FENCELINE_CRASH_SEED` takes a printed one back.
let seed = number("FENCELINE_CRASH_SEED") ?? UInt64.random(in: 1 ... .max)

/// Whether this build is fast enough to look at more.
#if DEBUG
let isOptimized = false
#else
let isOptimized = true
#endif

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// `count` bytes that look like nothing else.
func value(_ count: Int, _ salt: UInt8 = 1) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(salt) &* 31 | 1) }
}

/// Records `steps` on a new store and crashes it everywhere; fails where an image is wrong.
@discardableResult
func explore(
  _ name: String,
  _ policy: CopyPolicy,
  segmentSize: Int = 8192,
  configure: (inout ExplorationOptions) -> Void = { _ in },
  _ steps: (Workload) throws -> Void
) throws -> ExplorationReport {
  let workload = Workload(
    name,
    policy: policy,
    options: Workload.smallOptions(segmentSize: segmentSize)
  )
  try steps(workload)
  return explore(workload, configure: configure)
}

/// Crashes a recorded workload everywhere.
@discardableResult
func explore(
  _ workload: Workload,
  configure: (inout ExplorationOptions) -> Void = { _ in }
) -> ExplorationReport {
  var options = ExplorationOptions(policy: workload.policy)
  options.model.seed = seed
  if !isOptimized { options.maximumRecoveries = 5 }
  configure(&options)
  let clock = ContinuousClock()
  var report = ExplorationReport()
  let time = clock.measure { report = Exploration.run(workload, options) }
  let rate = Int(Double(report.images) / max(1e-6, time / .seconds(1)))
  print("\(workload.name) (\(workload.policy.rawValue)): \(report); \(rate) a second")
  #expect(report.failures.isEmpty, "seed \(seed); \(report)")
  #expect(report.mixedLines == 0)
  return report
}
