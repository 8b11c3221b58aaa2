// What is timed, in the order in which the table shows it; the driver runs it in nearly the same one.

/// Something that is timed.
enum Workload: String, Codable, CaseIterable, Offered {
  case load
  case putFresh = "put-fresh"
  case putOverwrite = "put-overwrite"
  case putMaintained = "put-maintained"
  case batch
  case getHit = "get-hit"
  case getMiss = "get-miss"
  case getZipfian = "get-zipfian"
  case getMany = "get-many"
  case ycsbA = "ycsb-a"
  case ycsbB = "ycsb-b"
  case ycsbC = "ycsb-c"
  case ycsbD = "ycsb-d"
  case ycsbE = "ycsb-e"
  case ycsbF = "ycsb-f"
  case order
  case orderLater = "order-later"
  case scan
  case range
  case overwrite
  case settle
  case delete
  case readerClosed = "reader-closed"
  case reopenClosed = "reopen-closed"
  case readerKilled = "reader-killed"
  case reopenKilled = "reopen-killed"

  // The floor's.
  case storeStrict = "store-strict"
  case storeTrusting = "store-trusting"
  case recordStrict = "record-strict"
  case recordTrusting = "record-trusting"
  case appendFdatasync = "append-fdatasync"
  case randomRead = "random-read"

  // Of bare copies.
  case packedCore = "packed-core"
  case packedDrain = "packed-pmem-drain"
  case packedRange = "packed-pmem-range"
  case packedStaged = "packed-pmem-staged"
  case packedEach = "packed-pmem-each"
  case fencedCore = "fenced-core"
  case fencedCoreTrusting = "fenced-core-trusting"
  case fencedPmem = "fenced-pmem"

  static let ofStores = allCases.filter { !$0.isBare }
  static var offered: [Self] { ofStores }

  /// It is measured without any store.
  var isBare: Bool {
    switch self {
    case .storeStrict, .storeTrusting, .recordStrict, .recordTrusting, .appendFdatasync,
      .randomRead, .packedCore, .packedDrain, .packedRange, .packedStaged, .packedEach,
      .fencedCore, .fencedCoreTrusting, .fencedPmem:
      true
    default: false
    }
  }

  /// It happens once in a round, so what counts is how long it takes.
  var isOnce: Bool {
    switch self {
    case .order, .orderLater, .settle, .readerClosed, .reopenClosed, .readerKilled, .reopenKilled:
      true
    default: false
    }
  }

  var title: String {
    switch self {
    case .load: "load, one sync"
    case .putFresh: "durable put, new key"
    case .putOverwrite: "durable put, old key"
    case .putMaintained: "durable put, maintained"
    case .batch: "durable batch of \(Plan.batch)"
    case .getHit: "get, hit"
    case .getMiss: "get, miss"
    case .getZipfian: "get, zipfian"
    case .getMany: "get \(Plan.many) at once"
    case .ycsbA: "YCSB A, 50 % update"
    case .ycsbB: "YCSB B, 5 % update"
    case .ycsbC: "YCSB C, read only"
    case .ycsbD: "YCSB D, read latest"
    case .ycsbE: "YCSB E, short scans"
    case .ycsbF: "YCSB F, modify"
    case .order: "first entry in order"
    case .orderLater: "the same, after puts"
    case .scan: "full scan, by entry"
    case .range: "range of \(Plan.range)"
    case .overwrite: "overwrite x\(Plan.overwrites)"
    case .settle: "settle"
    case .delete: "delete, one sync"
    case .readerClosed: "reader, after close"
    case .reopenClosed: "open after close"
    case .readerKilled: "reader, after SIGKILL"
    case .reopenKilled: "open after SIGKILL"
    case .storeStrict: "key+value, strict"
    case .storeTrusting: "key+value, trusting"
    case .recordStrict: "record, strict"
    case .recordTrusting: "record, trusting"
    case .appendFdatasync: "key+value, fdatasync"
    case .randomRead: "random 64 B read"
    case .packedCore: "packed, gathered"
    case .packedDrain: "packed, pmem drain"
    case .packedRange: "packed, pmem range"
    case .packedStaged: "packed, pmem staged"
    case .packedEach: "packed, pmem each"
    case .fencedCore: "fenced, strict"
    case .fencedCoreTrusting: "fenced, trusting"
    case .fencedPmem: "fenced, pmem"
    }
  }
}
