// What is measured, in the order in which the driver runs it and the table shows it.

enum Workload: String, Codable, CaseIterable {
  case load
  case putFresh = "put-fresh"
  case putOverwrite = "put-overwrite"
  case batch
  case getHit = "get-hit"
  case getMiss = "get-miss"
  case reopenClosed = "reopen-closed"
  case reopenKilled = "reopen-killed"
  case delete

  // The floor's.
  case storeStrict = "store-strict"
  case storeTrusting = "store-trusting"
  case recordStrict = "record-strict"
  case recordTrusting = "record-trusting"
  case appendFdatasync = "append-fdatasync"
  case randomRead = "random-read"

  static let ofStores: [Workload] = [
    .load, .putFresh, .putOverwrite, .batch, .getHit, .getMiss, .reopenClosed, .reopenKilled,
    .delete,
  ]

  var title: String {
    switch self {
    case .load: "load, one sync"
    case .putFresh: "durable put, new key"
    case .putOverwrite: "durable put, old key"
    case .batch: "durable batch of \(Plan.batch)"
    case .getHit: "get, hit"
    case .getMiss: "get, miss"
    case .reopenClosed: "open after close"
    case .reopenKilled: "open after SIGKILL"
    case .delete: "delete, one sync"
    case .storeStrict: "key+value, strict"
    case .storeTrusting: "key+value, trusting"
    case .recordStrict: "record, strict"
    case .recordTrusting: "record, trusting"
    case .appendFdatasync: "key+value, fdatasync"
    case .randomRead: "random 64 B read"
    }
  }
}

/// What to run.
struct Plan: Codable {
  /// Puts in a batch.
  static let batch = 100

  var count: Int
  var valueLengths: [Int]
  var rounds: Int
  var seconds: Double
  var engines: [String]
  var workloads: [Workload]

  /// Operations of each workload that writes durably.
  var writes: Int { max(Self.batch, count / 4) }

  /// Entries that a store has ever been given: the load, the killed writer's, durable ones.
  var peakEntries: Int { count + max(1_000, count / 100) + 3 * writes }
}
