// The program behind Tools/crash-lab.

import ArgumentParser
import CrashLab

@main
struct CrashLabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "crash-lab")
  @Option var seconds = 10
  @Option var seed: UInt64 = 1
  @Option var limit = 4096
  @Option var samples = 16
  @Option var hardware: String?
  @Flag var unpruned = false
  @Flag var shrink = false

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    var total = CrashReport()
    var count = 0
    var next = seed
    while clock.now - start < .seconds(seconds) {
      let program = CrashProgram(seed: next, on: hardware.flatMap { CrashHardware(rawValue: $0) })
      let configure: (inout ExplorationOptions) -> Void = {
        $0.model.exhaustiveLimit = limit
        $0.model.samplesPerKind = samples
        $0.model.prunes = !unpruned
      }
      let report = program.explore(configure)
      count += 1
      if !report.violations.isEmpty {
        print("seed \(next)", report)
        if shrink {
          let small = program.shrunk { !$0.explore(configure).violations.isEmpty }
          print(small, small.explore(configure))
        }
        throw ExitCode(1)
      }
      total.add(report)
      next &+= 1
    }
    let elapsed = (clock.now - start) / .seconds(1)
    print(
      "\(count) programs: \(total); \(Int(Double(total.distinctImages) / elapsed)) distinct, \(Int(Double(total.images) / elapsed)) a second"
    )
  }
}
