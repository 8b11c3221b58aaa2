// Starts the workers, watches them, and starts another one where one trapped or hung.

import DamageLab
import Glibc
import SystemPackage
import ToolSupport

struct Supervisor {
  let command: DamageCommand
  let plan: DamagePlan
  let board: Board
  let directory: FilePath

  private let clock = ContinuousClock()
  private var failures = 0

  /// How long one image may take.
  private static let patience = Duration.seconds(60)

  /// Traps and hangs after which the rest is left.
  private static let maximumFailures = 100

  /// A worker that runs.
  private struct Running {
    var process: Subprocess
    var image: Int
    var since: ContinuousClock.Instant
    var isKilled = false
  }

  init(command: DamageCommand, plan: DamagePlan, board: Board, directory: FilePath) {
    self.command = command
    self.plan = plan
    self.board = board
    self.directory = directory
  }

  /// Runs the workers to their end.
  ///
  /// - Returns: how many trapped or hung.
  mutating func run() throws -> Int {
    let start = clock.now
    // A backtrace of every trap would take longer than all images between two of them.
    unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
    var progress = ProgressLine()
    var running: [Int: Running] = [:]
    for worker in 0..<command.jobs { running[worker] = try self.start(worker) }
    while !running.isEmpty {
      usleep(50_000)
      for (worker, var state) in running {
        if let end = state.process.end(waiting: false) {
          running[worker] = try replace(worker, end, wasKilled: state.isKilled)
          continue
        }
        let image = board.current(worker)
        if image != state.image {
          state.image = image
          state.since = clock.now
        } else if image >= 0, clock.now - state.since > Self.patience, !state.isKilled {
          state.process.kill()
          state.isKilled = true
        }
        running[worker] = state
      }
      let furthest = (0..<command.jobs).map { board.current($0) }.min() ?? 0
      progress.show(after: clock.now - start) {
        let tally = board.tally()
        let percent = plan.count > 0 ? max(0, furthest) * 100 / plan.count : 100
        return "\(percent) %, \(tally.total(.images)) images, \(tally.total(.findings)) findings"
      }
    }
    progress.end()
    return failures
  }

  private func start(_ worker: Int) throws -> Running {
    var arguments = [
      "/proc/self/exe", "--worker", "\(worker)", "--directory", directory.string,
      "--seed", "\(command.seed)", "--jobs", "\(command.jobs)", "--sample", "\(command.sample)",
    ]
    for kind in command.only { arguments += ["--only", kind.rawValue] }
    for store in command.store { arguments += ["--store", store] }
    if let kvctl = command.kvctl { arguments += ["--kvctl", kvctl] }
    return Running(process: try Subprocess(arguments), image: -1, since: clock.now)
  }

  /// Says how a worker ended, and gives another one the rest of its images.
  private mutating func replace(
    _ worker: Int,
    _ end: Subprocess.End,
    wasKilled: Bool
  ) throws -> Running? {
    if case .exited(0) = end { return nil }
    let image = board.current(worker)
    let name = image < 0 ? "before the first image" : plan.image(image).name
    let what =
      switch end {
      case .exited(let status): "a worker ended with status \(status)"
      case .signalled(let signal): wasKilled ? "a hang" : "a trap (signal \(signal))"
      }
    // At once, for the next one may hang too.
    try FileDescriptor.standardOutput.writeAll("\(name): \(what)\n".utf8)
    failures += 1
    // A worker that does not even begin would not do so the next time.
    guard image >= 0, failures < Self.maximumFailures else { return nil }
    return try start(worker)
  }
}
