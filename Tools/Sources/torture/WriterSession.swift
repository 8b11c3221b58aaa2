// The process that is killed: opens the store and does one operation after the other, for ever. Each is
// noted on the board before its call and behind it.

import DamageLab
import Fenceline
import Glibc
import SystemPackage

/// One writer's life.
struct WriterSession {
  let path: FilePath
  let board: Board
  let shape: StoreShape
  /// Uses the C interface.
  let speaksC: Bool
  /// Keys that the checker has found in the store.
  let keyCount: Int

  private let values: Values
  private let parent = getppid()
  /// What this process has written, to be read back.
  private var written: [Int: Version?] = [:]

  init(_ path: FilePath, _ board: Board, _ shape: StoreShape, speaksC: Bool, keyCount: Int) {
    self.path = path
    self.board = board
    self.shape = shape
    self.speaksC = speaksC
    self.keyCount = keyCount
    values = Values(of: shape)
  }

  /// Writes until it is killed, or nobody is left to kill it.
  ///
  /// - Parameter first: number of the first operation.
  /// - Throws: whatever the store throws, or `Finding` where it answers wrongly.
  mutating func run(from first: Int) throws {
    var store = try open()
    let found = try store.keyCount
    guard found == keyCount else {
      throw Finding(description: "opened for writing with \(found) keys instead of \(keyCount)")
    }
    var number = first
    while getppid() == parent {
      let operation = Operation(number: number, in: shape)
      try perform(operation, number, on: &store)
      board.returned = number
      if operation.isOrderingPoint { board.synced = number }
      board.phase = .between
      number += 1
    }
  }

  private func open() throws -> any WriterStore {
    board.phase = .opening
    let store: any WriterStore =
      speaksC ? try CStore(at: path) : try SwiftStore(at: path, options: shape.options)
    board.openings += 1
    return store
  }

  /// To be called at the last moment, so that kills fall into the store and not into what prepares a call.
  private func begin(_ operation: Operation, _ number: Int) {
    board.begun = number
    board.phase = operation.phase
  }

  private mutating func perform(
    _ operation: Operation,
    _ number: Int,
    on store: inout any WriterStore
  ) throws {
    switch operation {
    case .put(let change, let durable):
      let (key, value) = entry(change, number, 0)
      begin(operation, number)
      try store.put(key, value ?? [], durable: durable)
    case .delete(let key, let durable):
      begin(operation, number)
      try store.delete(shape.keys[key], durable: durable)
    case .transaction(let changes, let durable, let commits):
      let entries = changes.enumerated().map { entry($1, number, $0) }
      begin(operation, number)
      guard commits else { return try store.rollBack(entries) }
      try store.write(entries, durable: durable)
    case .sync(let deep):
      begin(operation, number)
      try store.sync(deep: deep)
    case .read(let keys):
      begin(operation, number)
      try read(keys, from: store)
    case .compact:
      begin(operation, number)
      try store.compact()
    case .image:
      begin(operation, number)
      try store.writeIndexImage()
    case .reopen:
      begin(operation, number)
      try store.close()
      // A close makes everything durable; what comes next may be a kill.
      board.synced = number
      store = try open()
    case .pause(let microseconds):
      begin(operation, number)
      usleep(microseconds)
    }
    for (item, change) in operation.changes.enumerated() { note(change, number, item) }
    // As seldom as not to slow everything down.
    if number.isMultiple(of: 4), let key = operation.changes.last?.key,
      let sequence = try store.sequence(of: shape.keys[key])
    {
      board.sequence = max(board.sequence, Int(sequence))
    }
  }

  private func entry(
    _ change: Change,
    _ number: Int,
    _ item: Int
  ) -> (key: ByteString, value: ByteString?) {
    let value = change.length.map {
      values.value(of: Version(operation: number, item: item, length: $0), key: change.key)
    }
    return (shape.keys[change.key], value)
  }

  private mutating func note(_ change: Change, _ number: Int, _ item: Int) {
    written[change.key] = .some(
      change.length.map { Version(operation: number, item: item, length: $0) }
    )
  }

  /// What this process wrote it reads again.
  private func read(_ keys: [Int], from store: any WriterStore) throws {
    for key in keys {
      let value = try store.get(shape.keys[key])
      guard let version = written[key] else { continue }
      guard value == version.map({ values.value(of: $0, key: key) }) else {
        throw Finding(description: "the writer reads something else of key \(key) than it wrote")
      }
    }
  }
}

extension Operation {
  /// What the board says while it is under way.
  var phase: Phase {
    switch self {
    case .put(_, let durable): durable ? .durablePut : .put
    case .delete: .delete
    case .transaction(_, let durable, let commits):
      !commits ? .rollback : durable ? .durableTransaction : .transaction
    case .sync: .sync
    case .read: .reading
    case .compact: .compaction
    case .image: .image
    case .reopen: .closing
    case .pause: .pause
    }
  }
}
