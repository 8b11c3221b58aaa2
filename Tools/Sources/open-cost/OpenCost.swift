// The program behind Tools/open-cost: measures what it costs to fill a store, to close it and to open
// it again. What is measured runs in child processes, one for each step, so that no opening finds
// anything in memory that another process would not find; this one only starts them and adds up.

import ArgumentParser
import SystemPackage

@main
struct OpenCost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open-cost",
    abstract: "Measures what it costs to load, close and open a store.",
    discussion: """
      Each round loads and closes a new store, verifies it, opens it for reading and for writing, overwrites \
      keys, kills the writer with SIGKILL while it writes, and opens the store for reading and for \
      writing again. Every opening is that of a fresh process. The figures are the medians of the \
      rounds, and the worst. What is opened was written a moment ago, so the page cache is warm.
      """
  )

  @Option(help: "Keys of 16 bytes, in pseudo-random order.")
  var keys = 10_000_000

  @Option(help: "Length of the values.")
  var valueBytes = 100

  @Option(
    help: ArgumentHelp(
      "Where to make a new directory for the stores; it is removed at the end.",
      valueName: "directory"
    )
  )
  var directory = "/dev/shm"

  @Option(help: "How often everything is measured.")
  var rounds = 5

  @Flag(help: "Only the load, and its worst puts with the number of keys that they found.")
  var growth = false

  @Flag(help: "Only durable puts: of one thread, and of eight tasks that commit together.")
  var groups = false

  // For the program's own child processes.
  @Option(help: .hidden)
  var step: Step?
  @Option(help: .hidden)
  var store: String?
  @Option(help: .hidden)
  var seconds = 0.0
  @Option(help: .hidden)
  var seed: UInt64 = 0

  func validate() throws {
    guard (1...1_000_000_000).contains(keys) else {
      throw ValidationError("--keys takes 1 to 1000000000.")
    }
    guard (0...1 << 20).contains(valueBytes) else {
      throw ValidationError("--value-bytes takes 0 to 1048576.")
    }
    guard !groups || !growth else {
      throw ValidationError("--groups and --growth are different measurements.")
    }
    guard rounds >= 1 else { throw ValidationError("--rounds takes numbers above 0.") }
    guard (step == nil) == (store == nil) else {
      throw ValidationError("--step and --store belong together.")
    }
  }

  func run() throws {
    if let step, let store {
      let work = StepWork(
        path: FilePath(store),
        keyCount: keys,
        valueLength: valueBytes,
        seconds: seconds,
        seed: seed
      )
      try work.run(step)
    } else {
      var session = try Session(self)
      defer { session.removeDirectory() }
      if groups {
        try session.measureGroups()
      } else if growth {
        try session.measureGrowth()
      } else {
        try session.measureAll()
      }
    }
  }
}

/// A failure that is told in one line.
struct OpenCostError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
