// Starts the workers of one medium, watches them, and starts another one where one trapped or hung.

internal import DamageLab
internal import Glibc
internal import SystemPackage
internal import ToolSupport

struct Supervisor {
  let command: FaultsCommand
  let medium: FaultMedium
  private let directory: FilePath

  /// How long one case may take.
  private static let patience = Duration.seconds(30)
  /// Traps and hangs after which the rest is left.
  private static let maximumFailures = 100

  private struct Running {
    var process: Subprocess
    var lines = 0
    var since = ContinuousClock.now
    var isKilled = false
  }

  init(command: FaultsCommand, medium: FaultMedium) {
    self.command = command
    self.medium = medium
    directory = medium.directory.appending("fenceline-faults-\(getpid())")
  }

  /// Runs all cases and prints the summary.
  ///
  /// - Returns: how many findings there were.
  func run() throws -> Int {
    try Files.makeDirectory(directory)
    defer { clean() }
    let start = ContinuousClock.now
    var progress = ProgressLine()
    var summary = Summary(medium: medium)
    var running: [Int: Running] = [:]
    for worker in 0..<command.jobs { running[worker] = Running(process: try self.start(worker)) }
    while !running.isEmpty {
      usleep(20_000)
      var done = 0
      for (worker, var state) in running {
        let lines = try log(worker).lines()
        done += lines.count / 2
        if let end = state.process.end(waiting: false) {
          running[worker] = try replace(worker, end, state.isKilled, lines, &summary)
          continue
        }
        if lines.count != state.lines {
          (state.lines, state.since) = (lines.count, .now)
        } else if ContinuousClock.now - state.since > Self.patience, !state.isKilled {
          state.process.kill()
          state.isKilled = true
        }
        running[worker] = state
      }
      progress.show(after: .now - start) { "\(medium.rawValue): \(done) cases" }
    }
    progress.end()
    for worker in 0..<command.jobs { summary.add(try log(worker).lines(), isFirst: worker == 0) }
    summary.print(isSingle: command.single != nil)
    return summary.findings
  }

  private func clean() {
    for worker in 0..<command.jobs {
      let place = directory.appending("worker-\(worker)")
      for name in ["store", "output"] { Files.removeDirectory(place.appending(name)) }
      Files.removeDirectory(place)
    }
    Files.removeDirectory(directory)
  }

  private func log(_ worker: Int) -> Log { Log(path: directory.appending("worker-\(worker).log")) }

  private func start(_ worker: Int) throws -> Subprocess {
    var arguments = [
      "/proc/self/exe", "--worker", "\(worker)", "--directory", directory.string, "--medium",
      medium.rawValue, "--seed", "\(command.seed)", "--jobs", "\(command.jobs)", "--most",
      "\(command.most)", "--part", command.part.description,
    ]
    for function in command.only { arguments += ["--only", function] }
    if let single = command.single { arguments += ["--case", single] }
    return try Subprocess(arguments)
  }

  /// Says how a worker ended, and gives another one the rest of its cases.
  private func replace(
    _ worker: Int,
    _ end: Subprocess.End,
    _ wasKilled: Bool,
    _ lines: [[String]],
    _ summary: inout Summary
  ) throws -> Running? {
    if case .exited(0) = end { return nil }
    let what =
      switch end {
      case .exited(let status): "a worker ended with status \(status)"
      case .signalled(let signal): wasKilled ? "a hang" : "a trap (signal \(signal))"
      }
    let begun = lines.last { $0.first == "case" }
    summary.fail(begun?[1] ?? "before the first case", what)
    // A worker that does not even begin would not do so the next time.
    guard begun != nil, summary.findings < Self.maximumFailures else { return nil }
    return Running(process: try start(worker))
  }
}
