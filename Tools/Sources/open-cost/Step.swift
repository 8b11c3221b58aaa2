// What a child process does with the store: one step, whose figures it prints for its parent, a name
// and a value on each line.

import ArgumentParser
import Fenceline
import Glibc
import SystemPackage

/// What one child process does.
enum Step: String, ExpressibleByArgument {
  /// Puts all keys into a new store, and closes it.
  case load
  /// Reads and verifies everything.
  case verify
  /// Opens for reading.
  case read
  /// Opens for writing, overwrites keys for six seconds, and closes.
  case write
  /// Opens for writing, and closes.
  case recover
  /// Opens for writing, overwrites keys until it is killed.
  case overwrite
}

/// A step's work, with all that it has to know.
struct StepWork {
  /// The store's directory.
  var path: FilePath
  var keyCount: Int
  var valueLength: Int
  /// How long `overwrite` writes before it syncs.
  var seconds: Double
  /// What the choice of the keys to overwrite follows from.
  var seed: UInt64

  /// Name of the line that says that everything before it was synced.
  static let synced = "synced"

  func run(_ step: Step) throws {
    switch step {
    case .load: try load()
    case .verify: try Verification(of: path).run(Self.report)
    case .read: try Self.close(openAndGet { try Store.openReadOnly(at: path) })
    case .recover: try Self.close(openAndGet { try Store.open(at: path) })
    case .write: try write()
    case .overwrite: try overwriteUntilKilled()
    }
  }

  // MARK: Steps

  private func load() throws {
    let store = try Store.open(at: path)
    let value = value
    var latencies = Latencies()
    var key = Keys.empty
    Self.report("stamp-ns", Stamp.cost())
    let start = Stamp.now()
    for number in 0..<keyCount {
      Keys.fill(&key, number)
      let before = Stamp.now()
      try store.put(key, value)
      latencies.record(Stamp.now() - before, number)
    }
    Self.report("load-s", Double(Stamp.now() - start) / 1e9)
    Self.report("put-mean-ns", latencies.mean)
    for (name, percentile) in [("50", 50), ("99", 99), ("99.9", 99.9), ("99.99", 99.99)] {
      Self.report("put-p\(name)-ns", latencies.percentile(percentile))
    }
    Self.report("put-worst-ns", Double(latencies.worst.first?.nanoseconds ?? 0))
    for (limit, count) in zip(Latencies.limits, latencies.countsAbove) {
      Self.report("puts-above-\(limit)", Double(count))
    }
    for (rank, put) in latencies.worst.enumerated() {
      print("worst-\(rank)\t\(put.number) \(put.nanoseconds)")
    }
    let statistics = try check(store)
    print("medium\t\(statistics.medium)\(statistics.isForced ? " (forced)" : "")")
    Self.report("index-bytes", Double(statistics.indexBytes))
    try Self.close(store)
  }

  private func write() throws {
    let store = try openAndGet { try Store.open(at: path) }
    var random = RandomNumbers(seed: seed)
    let first = try overwrite(store, seconds: 1, &random)
    _ = try overwrite(store, seconds: 4, &random)
    let steady = try overwrite(store, seconds: 1, &random)
    Self.report("first-put-p50-ns", first.percentile(50))
    Self.report("steady-put-p50-ns", steady.percentile(50))
    Self.report("put-p50-ratio", first.percentile(50) / steady.percentile(50))
    try Self.close(store)
  }

  private func overwriteUntilKilled() throws {
    let store = try Store.open(at: path)
    var random = RandomNumbers(seed: seed)
    _ = try overwrite(store, seconds: seconds, &random)
    try store.sync()
    print("\(Self.synced)\t1")
    // Null means every stream.
    _ = fflush(nil)
    // Long enough for the parent to kill it; it must not go on for ever where the parent is gone.
    _ = try overwrite(store, seconds: 10, &random)
    throw OpenCostError("nobody killed the writer")
  }

  // MARK: Parts

  private var value: [UInt8] { Array(repeating: UInt8(ascii: "v"), count: valueLength) }

  /// Opens, gets one key, reports the time of both, and then checks what was opened.
  private func openAndGet(_ open: () throws -> Store) throws -> Store {
    var random = RandomNumbers(seed: seed)
    var key = Keys.empty
    Keys.fill(&key, .random(in: 0..<keyCount, using: &random))
    let start = Stamp.now()
    let store = try open()
    let opened = Stamp.now()
    let found = try store.get(key)
    let answered = Stamp.now()
    guard found == value else { throw OpenCostError("\(store.path): a key has another value") }
    Self.report("open-ms", Double(opened - start) / 1e6)
    Self.report("first-get-ms", Double(answered - start) / 1e6)
    let statistics = try check(store)
    Self.report("records", Double(statistics.recordCountAtOpening))
    Self.report("was-closed", statistics.wasClosed ? 1 : 0)
    return store
  }

  /// Fails unless the store has every key.
  private func check(_ store: Store) throws -> StoreStatistics {
    let count = try store.count
    guard count == keyCount else {
      throw OpenCostError("\(store.path) has \(count) keys instead of \(keyCount)")
    }
    return try store.statistics()
  }

  /// Puts random keys that exist, for so many seconds.
  private func overwrite(
    _ store: Store,
    seconds: Double,
    _ random: inout RandomNumbers
  ) throws -> Latencies {
    let value = value
    var latencies = Latencies()
    var key = Keys.empty
    let end = Stamp.now() + UInt64(seconds * 1e9)
    var after: UInt64 = 0
    while after < end {
      let number = Int.random(in: 0..<keyCount, using: &random)
      Keys.fill(&key, number)
      let before = Stamp.now()
      try store.put(key, value)
      after = Stamp.now()
      latencies.record(after - before, number)
    }
    return latencies
  }

  /// Closes, and reports the time.
  private static func close(_ store: Store) throws {
    let start = Stamp.now()
    try store.close()
    report("close-ms", Double(Stamp.now() - start) / 1e6)
  }

  private static func report(_ name: String, _ value: Double) { print("\(name)\t\(value)") }
}
