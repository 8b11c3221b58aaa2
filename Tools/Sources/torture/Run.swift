// A whole run: a directory of its own in each of the given ones, a lane in each, all at the same time.

import ArgumentParser
import DamageLab
import Fenceline
import Glibc
import SystemPackage
import ToolSupport

struct Run {
  private let command: TortureCommand
  private let seed: UInt64

  /// One directory.
  private struct Running {
    let place: FilePath
    let board: Board
    let process: Subprocess
    var end: Subprocess.End?
  }

  init(_ command: TortureCommand) {
    self.command = command
    seed = command.seed ?? .random(in: 1..<1_000_000)
  }

  func run() throws {
    Interruption.watch()
    unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
    let temporary = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/var/tmp"
    let directories = command.directory.isEmpty ? ["/dev/shm", temporary] : command.directory
    let beginning = ContinuousClock.now
    let places = try makePlaces(in: directories)
    var lanes = try places.enumerated().map { try start($1, $0, of: places.count) }
    var progress = ProgressLine()
    while lanes.contains(where: { $0.end == nil }) {
      usleep(20_000)
      for index in lanes.indices where lanes[index].end == nil {
        lanes[index].end = lanes[index].process.end(waiting: false)
      }
      progress.show(after: ContinuousClock.now - beginning) { "\(Self.kills(lanes)) kills" }
    }
    progress.end()
    let failed = lanes.count { if case .exited(0) = $0.end { false } else { true } }
    for lane in lanes { leave(lane) }
    print("\(Self.kills(lanes)) kills, \(failed) violations, seed \(seed)")
    if failed > 0 { throw ExitCode(1) }
    if Interruption.hasCome { throw ExitCode(130) }
  }

  private static func kills(_ lanes: [Running]) -> Int { lanes.reduce(0) { $0 + $1.board.kills } }

  /// A directory of its own in each, or none at all.
  private func makePlaces(in directories: [String]) throws -> [FilePath] {
    var places: [FilePath] = []
    for (number, directory) in directories.enumerated() {
      let place = FilePath(directory).appending("fenceline-torture-\(getpid())-\(number)")
      do { try Files.makeDirectory(place) } catch {
        for place in places { Files.removeDirectory(place) }
        throw ValidationError("\(directory): \(error)")
      }
      places.append(place)
    }
    return places
  }

  private func start(_ place: FilePath, _ number: Int, of count: Int) throws -> Running {
    let board = try Board(creating: place.appending("board"))
    // libpmem looks once, when a process begins.
    let isForced = try Self.isMemory(place)
    if isForced { unsafe setenv("PMEM_IS_PMEM_FORCE", "1", 1) }
    defer { if isForced { unsafe unsetenv("PMEM_IS_PMEM_FORCE") } }
    var arguments = [
      "/proc/self/exe", "--role", Role.lane.rawValue, "--place", place.string,
      "--seed", "\(seed &+ UInt64(number))", "--kills", "\((command.kills + count - 1) / count)",
    ]
    if let seconds = command.seconds { arguments += ["--seconds", "\(seconds)"] }
    if let kvctl = command.kvctl { arguments += ["--kvctl", kvctl] }
    if let mutant = command.mutant { arguments += ["--mutant", mutant] }
    return Running(place: place, board: board, process: try Subprocess(arguments))
  }

  /// Whether stores there lie in memory that nothing else makes persistent.
  private static func isMemory(_ place: FilePath) throws -> Bool {
    let path = place.appending("probe")
    defer { Files.removeDirectory(path) }
    let store = try Store.open(at: path)
    defer { try? store.close() }
    return try store.statistics().medium == "volatile"
  }

  /// Removes what a lane has left, unless somebody wants to see it.
  private func leave(_ lane: Running) {
    if case .exited(0) = lane.end, !command.keep {
      for name in ["store", "probe"] { Files.removeDirectory(lane.place.appending(name)) }
      Files.removeDirectory(lane.place)
      return
    }
    var again = "Tools/torture --seed \(seed) --kills \(command.kills)"
    for directory in command.directory { again += " --directory \(directory)" }
    print("left: \(lane.place.appending("store")); the same plan again: \(again)")
  }
}
