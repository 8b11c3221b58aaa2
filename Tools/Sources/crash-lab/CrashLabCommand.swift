// The program behind Tools/crash-lab: explores what crashes leave until the time is over, runs one
// program again, or shows that deliberate faults are found.

import ArgumentParser
import CrashLab
import Glibc

@main
struct CrashLabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crash-lab",
    abstract: "Crash the store at every moment and judge every state that is left.",
    discussion: """
      First the fixed situations, each with every kind of stale contents, then random programs, until \
      the time is over. Ends with status 1 if an image was wrong, or opening one trapped: the \
      program is then shrunk and printed as Swift source. The same seed runs the same programs.
      """
  )

  @Option(help: "How long to go on; with --mutants, how long to look for each.")
  var seconds = 60

  @Option(help: "What the random programs follow from (default: another one each time).")
  var seed = UInt64.random(in: 1...UInt64(UInt32.max))

  @Option(help: "Worker processes (default: one for each processor).")
  var jobs = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  @Option(
    help: ArgumentHelp("Images of one moment up to which all are judged.", valueName: "images")
  )
  var limit = 1 << 16

  @Option(help: "Uncertain words of one moment up to which each is sampled, where there are more.")
  var samples = 128

  @Option(help: "Recoveries within recoveries that are crashed in turn.")
  var depth = 1

  @Option(
    help: ArgumentHelp(
      "Only this machine: \(CrashHardware.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "name"
    ),
    transform: Self.hardware(named:)
  )
  var hardware: CrashHardware?

  @Option(help: ArgumentHelp("Run only the random program of this seed.", valueName: "seed"))
  var program: UInt64?

  @Flag(help: "Judge every image, also those that recovery can't tell from others.")
  var unpruned = false

  @Flag(help: "Take the fixed situations in an order that follows from the seed.")
  var shuffled = false

  @Flag(help: "Show that deliberate faults are found (needs a build with the trait Mutants).")
  var mutants = false

  @Option(help: ArgumentHelp("With --mutants: only this one.", valueName: "name"))
  var mutant: String?

  @Option(
    help: ArgumentHelp(
      "With --mutants: a list of what has found each before, which is looked at first.",
      valueName: "file"
    ),
    completion: .file()
  )
  var finders: String?

  @Flag(help: "With --mutants: write that list anew, if all were found.")
  var accept = false

  // For the program's own child processes.
  @Option(help: .hidden)
  var worker: Int?
  @Option(help: .hidden)
  var reportTo: Int32?
  @Option(help: .hidden)
  var trial: String?
  @Option(help: .hidden)
  var finder: String?

  func validate() throws {
    guard jobs > 0, limit > 0, samples > 3 else {
      throw ValidationError("jobs and limit start at 1, samples at 4")
    }
    guard seconds >= 0, depth >= 0 else { throw ValidationError("no number is negative") }
    guard !accept || finders != nil && mutant == nil else {
      throw ValidationError("--accept writes the list that --finders names, of all mutants")
    }
  }

  func run() throws {
    if let program {
      try run(CrashProgram(seed: program, on: hardware))
    } else if mutants {
      #if Mutants
      try MutantTable(self).run()
      #else
      throw ValidationError("this build has no mutants: Tools/crash-lab --mutants makes one")
      #endif
    } else if let worker, let reportTo {
      try ExploringWorker(command: self, number: worker, report: ReportPipe(reportTo)).run()
    } else {
      var session = ExploringSession(self)
      try session.run()
    }
  }

  private static func hardware(named name: String) throws -> CrashHardware {
    guard let hardware = CrashHardware(rawValue: name) else {
      throw ValidationError("no machine is called '\(name)'")
    }
    return hardware
  }

  /// How far an exploration goes.
  func configure(_ options: inout ExplorationOptions) {
    options.model.exhaustiveLimit = limit
    options.model.samplesPerKind = samples
    options.model.prunes = !unpruned
    options.model.seed = seed
    options.recoveryDepth = depth
  }

  /// One program, with all that there is to say of it.
  private func run(_ program: CrashProgram) throws {
    print(program)
    let report = program.explore(configure)
    print(report)
    guard report.violations.isEmpty else {
      print(Self.reproduction(of: program, configure))
      throw ExitCode(1)
    }
  }

  /// The smallest program that fails in the same way, as a test.
  static func reproduction(
    of program: CrashProgram,
    _ configure: (inout ExplorationOptions) -> Void
  ) -> String {
    let small = program.shrunk {
      !$0.explore { options in
        configure(&options)
        options.maximumViolations = 1
      }.violations.isEmpty
    }
    let source = small.description.split(separator: "\n", omittingEmptySubsequences: false)
      .joined(separator: "\n  ")
    return """
      The smallest program that fails, as a test:

      @Test func crash() {
        let program = \(source)
        let report = program.explore()
        #expect(report.violations.isEmpty, "\\(report)")
      }
      """
  }
}
