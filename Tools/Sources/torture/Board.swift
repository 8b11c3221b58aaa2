// What processes tell each other while they live, in shared memory: it costs a store a word, so kills fall
// into the store's own work, and what was told is there when its teller is gone.
//
// Invariant: `begun` is stored before the operation's first call and `returned` behind its last one, so
// what a kill leaves is the state after some operation from `returned`, or from what was synced, to
// `begun`.

import SystemPackage
import ToolSupport

/// What a writer is doing.
enum Phase: Int, CaseIterable {
  case starting = 0
  case opening, put, durablePut, delete, transaction, durableTransaction, rollback, sync, reading
  case compaction, image, closing, pause, between, importing

  /// Words for the summary.
  var name: String {
    switch self {
    case .durablePut: "durable put"
    case .durableTransaction: "durable transaction"
    case .image: "index image"
    case .between: "between calls"
    case .importing: "kvctl import"
    default: "\(self)"
    }
  }
}

/// The words that a lane, its writer and its readers share.
struct Board: Sendable {
  private let numbers: SharedNumbers

  /// Readers that may be there at a time.
  static let readers = 2
  private static let readerStart = 16
  private static let readerWidth = 4
  private static let count = readerStart + readers * readerWidth

  init(creating path: FilePath) throws {
    numbers = try SharedNumbers(creating: path, count: Self.count)
  }

  init(at path: FilePath) throws { numbers = try SharedNumbers(at: path, count: Self.count) }

  /// What the writer is at.
  var phase: Phase {
    get { Phase(rawValue: numbers[0]) ?? .starting }
    nonmutating set { numbers[0] = newValue.rawValue }
  }

  /// The last operation that was begun.
  var begun: Int {
    get { numbers[1] }
    nonmutating set { numbers[1] = newValue }
  }

  /// The last operation that has returned.
  var returned: Int {
    get { numbers[2] }
    nonmutating set { numbers[2] = newValue }
  }

  /// The last operation that is known to be durable, with all before it.
  var synced: Int {
    get { numbers[3] }
    nonmutating set { numbers[3] = newValue }
  }

  /// The highest sequence that the writer has seen.
  var sequence: Int {
    get { numbers[4] }
    nonmutating set { numbers[4] = newValue }
  }

  /// How often the store was open for writing.
  var openings: Int {
    get { numbers[5] }
    nonmutating set { numbers[5] = newValue }
  }

  /// How many kills the lane has judged.
  var kills: Int {
    get { numbers[6] }
    nonmutating set { numbers[6] = newValue }
  }

  /// The newest operation of which a reader was shown something.
  func shown(to reader: Int) -> Int { numbers[Self.readerStart + reader * Self.readerWidth] }

  func setShown(_ operation: Int, to reader: Int) {
    numbers[Self.readerStart + reader * Self.readerWidth] = operation
  }

  /// Answers that a reader has compared.
  func answers(of reader: Int) -> Int { numbers[Self.readerStart + reader * Self.readerWidth + 1] }

  func addAnswer(of reader: Int) {
    numbers[Self.readerStart + reader * Self.readerWidth + 1] += 1
  }
}
