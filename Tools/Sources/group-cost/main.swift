// What sharing an ordering point saves: durable puts by one thread, each with a flush of its own, and by tasks
// that share them, in turns on one store.
//
//   group-cost STORE [SECONDS]     a new store; a second for each turn without SECONDS

internal import Fenceline
internal import Glibc
internal import SystemPackage

/// One way to write, and how many puts a second it did in each of its turns.
struct Way {
  let title: String
  /// Tasks that put at the same time; 0 for the call that shares nothing.
  let taskCount: Int
  var rates: [Double] = []

  var median: Double { rates.sorted()[rates.count / 2] }
}

let value = [UInt8](repeating: UInt8(ascii: "v"), count: 100)

func key(_ number: Int) -> [UInt8] { Array("key/\(1_000_000_000_000 + number)".utf8) }

/// Puts until the time is over, and returns how many were durable.
func putAlone(_ store: Store, until end: ContinuousClock.Instant) throws -> Int {
  var count = 0
  while .now < end {
    try store.put(key(count), value, durability: .durable)
    count += 1
  }
  return count
}

/// The same by tasks.
func putTogether(
  _ store: Store,
  _ taskCount: Int,
  until end: ContinuousClock.Instant
) async throws -> Int {
  try await withThrowingTaskGroup(of: Int.self) { (tasks) in
    for task in 0..<taskCount {
      tasks.addTask {
        var count = 0
        while .now < end {
          _ = try await store.groupPut(key(count * taskCount + task), value)
          count += 1
        }
        return count
      }
    }
    return try await tasks.reduce(0, +)
  }
}

func measure(_ path: FilePath, seconds: Double) async throws {
  let store = try Store.open(at: path)
  print("\(path): \(try store.statistics().durableSurvival) is what a durable put survives")
  var ways = [Way(title: "one thread, a flush for each", taskCount: 0)]
  for count in [1, 8, 64] { ways.append(Way(title: "\(count) tasks in groups", taskCount: count)) }
  for _ in 0..<5 {
    for index in ways.indices {
      let end = ContinuousClock.now + .seconds(seconds)
      let count =
        ways[index].taskCount == 0
        ? try putAlone(store, until: end)
        : try await putTogether(store, ways[index].taskCount, until: end)
      ways[index].rates.append(Double(count) / seconds)
    }
  }
  for way in ways {
    let times = (way.median / ways[0].median * 100).rounded() / 100
    print("\(way.title): \(Int(way.median)) puts/s, \(times) times")
  }
  try store.close()
}

let arguments = CommandLine.arguments
let seconds = arguments.count > 2 ? Double(arguments[2]) : 1
guard (2...3).contains(arguments.count), let seconds, seconds > 0 else {
  print("usage: group-cost STORE [SECONDS]")
  exit(64)
}
do { try await measure(FilePath(arguments[1]), seconds: seconds) } catch {
  print("group-cost: \(error)")
  exit(74)
}
