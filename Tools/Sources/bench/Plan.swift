// What to run.

/// What to run.
struct Plan: Codable {
  /// Puts in a batch.
  static let batch = 100
  /// Keys of a multi-get.
  static let many = 16
  /// Entries of a range.
  static let range = 100
  /// Passes of overwriting.
  static let overwrites = 5

  var count: Int
  var valueLengths: [Int]
  var threads: [Int]
  var rounds: Int
  var seconds: Double
  var engines: [Engine]
  var workloads: [Workload]

  /// Operations of each workload that writes durably.
  var writes: Int { max(Self.batch, count / 4) }

  /// Entries that are ever in a store at once: the load, durable ones, what the workloads D and E
  /// add, the killed writer's.
  var peakEntries: Int { count + 2 * writes + count / 8 + 2_000 + max(1_000, count / 100) }

  /// What the driver's own arrays take: operations and samples, made beforehand.
  var driverBytes: Int {
    let overwrites = workloads.contains(.overwrite) ? Self.overwrites * count : 0
    return max(overwrites, peakEntries) * 52
  }

  /// Entries that are ever appended to a log that is never cleaned: only what such an engine runs.
  var appended: Int { count + 2 * writes + 2_000 }
}
