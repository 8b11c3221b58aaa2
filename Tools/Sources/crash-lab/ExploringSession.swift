// Starts the workers, adds up what they find, and says it.

import ArgumentParser
import CrashLab
import Glibc
import SystemPackage
import ToolSupport

struct ExploringSession {
  private let command: CrashLabCommand
  private let clock = ContinuousClock()
  private var total = CrashReport()
  private var fixedCount = 0
  private var randomCount = 0
  private var mixedPrograms: [String] = []

  init(_ command: CrashLabCommand) { self.command = command }

  mutating func run() throws {
    let start = clock.now
    // A backtrace takes longer than everything before it.
    unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
    let pipe = try FileDescriptor.reportPipe()
    let workers = try (0..<command.jobs).map { number in
      try Subprocess(arguments(worker: number, pipe.writeEnd))
    }
    try pipe.writeEnd.close()
    var current: [Int: String] = [:]
    var progress = ProgressLine()
    var lines = ReportLines(pipe.readEnd)
    while let message = try lines.next() {
      take(message, &current)
      progress.show(after: clock.now - start) { rates(after: clock.now - start) }
    }
    progress.end()
    var failures = 0
    for (number, worker) in workers.enumerated() {
      switch worker.end(waiting: true) {
      case .exited(0): continue
      case .exited(let status): print("a worker ended with status \(status)", terminator: "")
      case .signalled(let signal): print("a worker was ended by signal \(signal)", terminator: "")
      case nil: print("a worker is lost", terminator: "")
      }
      print(" while it ran \(current[number] ?? "nothing")")
      failures += 1
    }
    try summarize(after: clock.now - start, failures: failures)
  }

  private func arguments(worker: Int, _ pipe: FileDescriptor) -> [String] {
    var arguments = [
      "/proc/self/exe", "--worker", "\(worker)", "--report-to", "\(pipe.rawValue)",
      "--seconds", "\(command.seconds)", "--seed", "\(command.seed)", "--jobs", "\(command.jobs)",
      "--limit", "\(command.limit)", "--samples", "\(command.samples)",
      "--depth", "\(command.depth)",
    ]
    if let hardware = command.hardware { arguments += ["--hardware", hardware.rawValue] }
    if command.unpruned { arguments.append("--unpruned") }
    if command.shuffled { arguments.append("--shuffled") }
    return arguments
  }

  private mutating func take(_ message: WorkerMessage, _ current: inout [Int: String]) {
    switch message {
    case .begun(let worker, let program): current[worker] = program
    case .done(let worker, let isRandom, let report):
      total.add(report)
      if isRandom { randomCount += 1 } else { fixedCount += 1 }
      if report.mixedLines > 0 { mixedPrograms.append(current[worker] ?? "") }
    case .trying, .found: break
    }
  }

  private func rates(after duration: Duration) -> String {
    let seconds = max(1e-3, duration / .seconds(1))
    return "\(fixedCount + randomCount) programs, \(total.distinctImages) distinct images, "
      + "\(Int(Double(total.distinctImages) / seconds)) a second, "
      + "\(total.violations.count) violations"
  }

  private func summarize(after duration: Duration, failures: Int) throws {
    let seconds = duration / .seconds(1)
    let rate = Int(Double(total.distinctImages) / max(1e-3, seconds))
    let fixed = ExploringWorker.fixedPrograms.count
    print(
      """
      programs    \(fixedCount) of \(fixed) fixed, \(randomCount) random, seed \(command.seed)
      moments     \(total.moments): \(total.moments - total.sampledMoments) exhausted \
      (up to \(command.limit) images each), \(total.sampledMoments) sampled
      images      \(total.images) enumerated, \(total.distinctImages) distinct and judged, \
      \(rate) a second
      recoveries  \(total.recoveryClasses) kinds of images written to, \
      \(total.recoveries) recoveries crashed in turn
      """
    )
    for program in mixedPrograms { print("lines of mixed stores: \(program)") }
    print("\(total.violations.count) violations, \(failures) workers lost in \(Int(seconds)) s")
    guard total.violations.isEmpty, failures == 0, mixedPrograms.isEmpty else {
      throw ExitCode(1)
    }
  }
}
