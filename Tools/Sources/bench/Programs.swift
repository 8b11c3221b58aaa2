// The programs behind Tools/bench and Tools/peers: they run the driver `bench-loop` (C,
// Tools/Sources/bench-loop) for every medium, value size, number of threads, round and engine, put
// its samples into HDR histograms, and print what came out. They measure nothing themselves.

import ArgumentParser

@main
enum Programs {
  /// Tools/peers passes this word before everything else.
  static var isPeers: Bool { CommandLine.arguments.dropFirst().first == "peers" }

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    if isPeers { Peers.main(Array(arguments.dropFirst())) } else { Bench.main(Array(arguments)) }
  }
}

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Tools/bench",
    abstract: "Measures Fenceline, LMDB and the machine's floor.",
    discussion: HelpText.workloads
  )

  @OptionGroup var options: BenchOptions

  func run() throws { try options.run(engines: Engine.own) }
}

struct Peers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Tools/peers",
    abstract: "Measures Fenceline and other stores, from Debian packages, in one loop.",
    discussion: HelpText.peers + "\n\n" + HelpText.workloads
  )

  @OptionGroup var options: BenchOptions

  /// Which of the engines that need a package were built; all where none are named yet.
  @Option(help: .hidden) var built: CaseList<Engine>?

  private var available: [Engine] {
    guard let built else { return Engine.allCases }
    return Engine.own + built.cases
  }

  func run() throws {
    var options = options
    // What was asked for and could not be had: the script has said so.
    if let asked = options.engines {
      options.engines = CaseList(cases: asked.cases.filter(available.contains))
    }
    try options.run(engines: available)
  }
}
