// One process's share of the programs: every so manieth of the fixed ones, then of the random ones.

import CrashLab

struct ExploringWorker {
  let command: CrashLabCommand
  let number: Int
  let report: ReportPipe

  /// Runs programs until the time is over or one fails.
  func run() throws {
    let end = ContinuousClock.now + .seconds(command.seconds)
    var fixed = Self.fixedPrograms.filter {
      command.hardware == nil || $0.program.setup.hardware == command.hardware
    }
    if command.shuffled {
      // The same order in all workers, so that each program is one's.
      var generator = SeededGenerator(seed: command.seed)
      fixed.shuffle(using: &generator)
    }
    for index in stride(from: number, to: fixed.count, by: command.jobs)
    where ContinuousClock.now < end {
      try run(fixed[index].name, fixed[index].program, isRandom: false)
    }
    var offset = UInt64(number)
    while ContinuousClock.now < end {
      let seed = command.seed &+ offset
      try run("--program \(seed)", CrashProgram(seed: seed, on: command.hardware), isRandom: true)
      offset += UInt64(command.jobs)
    }
  }

  /// The fixed situations with every kind of stale contents.
  static let fixedPrograms = StaleKind.allCases.flatMap { (stale) in
    CrashSuite.programs(stale: stale).map {
      (name: "\($0.name), stale \(stale.rawValue)", program: $0.program)
    }
  }

  private func run(_ name: String, _ program: CrashProgram, isRandom: Bool) throws {
    try report.send(.begun(worker: number, program: name))
    let found = program.explore(command.configure)
    if !found.violations.isEmpty {
      print("\(name): \(found)\n\(CrashLabCommand.reproduction(of: program, command.configure))")
    }
    try report.send(.done(worker: number, isRandom: isRandom, found))
  }
}
