// The program behind Tools/torture: a lane for each directory, and processes that the lanes start.

import ArgumentParser
import DamageLab
import Fenceline
import Glibc
import SystemPackage
import ToolSupport

#if Mutants
import CFlush
import PersistentMemory
#endif

@main
struct TortureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "torture",
    abstract: "Kill writers with SIGKILL at random moments and judge what they leave.",
    discussion: """
      Each directory has its own writers, one behind the other, with readers beside them. On a memory \
      file system libpmem is told to take the memory for persistent memory. Ends with status 1 at a \
      violation; the store is left as it was found.

      EXAMPLES
        Tools/torture
        Tools/torture --kills 40
        Tools/torture --seconds 600 --seed 7 --directory /mnt/disk
        Tools/torture --mutants
      """
  )

  @Option(help: "Kills, in all directories together.")
  var kills = 500

  @Option(help: "Go on for so long instead.")
  var seconds: Int?

  @Option(help: "What the writers do follows from it; a random one without.")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Where stores are made; may be given several times (default: /dev/shm and TMPDIR).",
      valueName: "dir"
    )
  )
  var directory: [String] = []

  @Flag(help: "Leave the last stores where they are.")
  var keep = false

  @Option(help: "The kvctl whose imports are killed as well.")
  var kvctl: String?

  @Flag(help: "Show that it finds faults: try those that a mere kill can show, one by one.")
  var mutants = false

  @Option(help: ArgumentHelp("Run with this fault.", valueName: "name"))
  var mutant: String?

  // Of the processes that it starts.
  @Option(help: .hidden) var role: Role?
  @Option(help: .hidden) var place: String?
  @Option(help: .hidden) var store: String?
  @Option(help: .hidden) var board: String?
  @Option(help: .hidden) var storeSeed: UInt64 = 0
  @Option(help: .hidden) var first = 1
  @Option(help: .hidden) var keyCount = 0
  @Option(help: .hidden) var slot = 0
  @Flag(help: .hidden) var speaksC = false

  func validate() throws {
    guard kills > 0, seconds ?? 1 > 0 else { throw ValidationError("counts start at 1") }
    #if !Mutants
    guard !mutants, mutant == nil else {
      throw ValidationError("this build has no faults; see Tools/torture --mutants")
    }
    #endif
  }

  func run() throws {
    #if Mutants
    if mutants { return try MutantRuns(self).run() }
    if let mutant {
      guard let chosen = Mutant.allCases.first(where: { $0.description == mutant }) else {
        throw ValidationError("no fault is called '\(mutant)'")
      }
      if role != nil { Mutant.select(chosen) }
    }
    #endif
    do {
      switch role {
      case nil: try Run(self).run()
      case .lane: try runLane()
      case .writer:
        var session = WriterSession(
          FilePath(store ?? ""),
          try Board(at: FilePath(board ?? "")),
          StoreShape(seed: storeSeed),
          speaksC: speaksC,
          keyCount: keyCount
        )
        try session.run(from: first)
      case .reader:
        var session = ReaderSession(
          FilePath(store ?? ""),
          try Board(at: FilePath(board ?? "")),
          StoreShape(seed: storeSeed),
          slot: slot
        )
        try session.run()
      }
    } catch let error where role == .writer || role == .reader {
      // In one go, for several processes may speak.
      try FileDescriptor.standardOutput.writeAll("\(role?.rawValue ?? ""): \(error)\n".utf8)
      throw ExitCode(1)
    }
  }

  private func runLane() throws {
    Interruption.watch()
    let plan = LanePlan(
      place: FilePath(place ?? ""),
      seed: seed ?? 0,
      kills: kills,
      seconds: seconds,
      kvctl: kvctl,
      mutant: mutant
    )
    var lane = try Lane(plan)
    do {
      try lane.run()
    } catch {
      let text = "\(plan.place), kill \(lane.tally.kills + 1), seed \(plan.seed): \(error)\n"
      try FileDescriptor.standardOutput.writeAll(text.utf8)
      throw ExitCode(1)
    }
    let answers = (0..<Board.readers).reduce(0) { $0 + lane.board.answers(of: $1) }
    try FileDescriptor.standardOutput.writeAll(
      lane.tally.text(plan.place.string, answers: answers).utf8
    )
  }
}

extension Role: ExpressibleByArgument {}
