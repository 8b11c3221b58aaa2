// A process that follows the store for reading while its writers die. Values are somebody's, byte for byte;
// no key goes back; groups are whole. What it was shown it notes on the board: another process was told,
// so a crash of the writer must not take it back.

import DamageLab
import Fenceline
import Glibc
import SystemPackage

/// One reader's life.
struct ReaderSession {
  let path: FilePath
  let board: Board
  let shape: StoreShape
  /// Its place on the board.
  let slot: Int

  private let values: Values
  private let numbersOfKeys: [ByteString: Int]
  private var numbers: SeededNumbers
  /// The newest operation that was shown of each key, and the highest sequence.
  private var newest: [Int]
  private var sequences: [UInt64]

  init(_ path: FilePath, _ board: Board, _ shape: StoreShape, slot: Int) {
    self.path = path
    self.board = board
    self.shape = shape
    self.slot = slot
    values = Values(of: shape)
    numbersOfKeys = shape.numbersOfKeys
    numbers = SeededNumbers(seed: shape.seed ^ UInt64(getpid()))
    newest = Array(repeating: 0, count: shape.keys.count)
    sequences = Array(repeating: 0, count: shape.keys.count)
  }

  /// Reads until it is killed.
  mutating func run() throws {
    let parent = getppid()
    while getppid() == parent {
      guard let store = try open() else {
        usleep(1000)
        continue
      }
      for _ in 0..<numbers.next() % 400 where getppid() == parent {
        try look(into: store)
        board.addAnswer(of: slot)
        // The writer is to have a processor too.
        usleep(300)
      }
      try store.close()
    }
  }

  /// Nil as long as there is no store.
  private func open() throws -> Store? {
    let mustBeThere = board.openings > 0
    do { return try Store.openReadOnly(at: path) } catch {
      guard case .noStore = error, !mustBeThere else { throw error }
      return nil
    }
  }

  private mutating func look(into store: Store) throws {
    switch numbers.next() % 16 {
    case 0: try scan(store, order: numbers.next() % 2 == 0 ? .ascending : .descending)
    case 1: try scan(store, order: .unordered)
    case 2...6:
      let group = Int(numbers.next() % UInt64(shape.groups.count))
      try look(atGroup: group, in: store)
    case 7, 8:
      let keys = (0..<16).map { _ in Int(numbers.next() % UInt64(shape.keys.count)) }
      for (key, value) in zip(keys, try store.get(keys.map { shape.keys[$0] })) {
        if let value { try take(key, value) }
      }
    default:
      let key = Int(numbers.next() % UInt64(shape.keys.count))
      if let value = try store.get(shape.keys[key]) { try take(key, value) }
    }
  }

  private mutating func scan(_ store: Store, order: IterationOrder) throws {
    let entries = try store.entries(order: order)
    if order != .unordered { try Self.checkOrder(of: entries, isAscending: order == .ascending) }
    var operations: [Int: Int] = [:]
    for entry in entries {
      let key = try number(of: entry.key)
      let version = try take(key, entry.value)
      guard entry.sequence >= sequences[key] else {
        throw Finding(description: "key \(key): sequence \(entry.sequence) after \(sequences[key])")
      }
      sequences[key] = entry.sequence
      operations[key] = version?.operation
    }
    // An ordered scan shows one moment.
    guard order != .unordered else { return }
    for group in shape.groups { try checkGroup(group, group.map { operations[$0] }) }
  }

  private mutating func look(atGroup number: Int, in store: Store) throws {
    let group = shape.groups[number]
    let prefix = ByteString(StoreShape.name(ofGroup: number).utf8)
    let isAscending = numbers.next() % 2 == 0
    var operations: [Int: Int] = [:]
    for entry in try store.entries(prefix: prefix, order: isAscending ? .ascending : .descending) {
      let key = try self.number(of: entry.key)
      operations[key] = try take(key, entry.value)?.operation
    }
    try checkGroup(group, group.map { operations[$0] })
  }

  private func checkGroup(_ group: Range<Int>, _ operations: [Int?]) throws {
    guard Set(operations).count == 1 else {
      let shown = operations.map { $0.map(String.init) ?? "none" }.joined(separator: " ")
      throw Finding(description: "a torn transaction: group of key \(group.lowerBound): \(shown)")
    }
  }

  static func checkOrder(of entries: [FoundEntry], isAscending: Bool) throws {
    for (left, right) in zip(entries, entries.dropFirst()) {
      let (low, high) = isAscending ? (left.key, right.key) : (right.key, left.key)
      guard low.lexicographicallyPrecedes(high) else {
        throw Finding(description: "entries out of order")
      }
    }
  }

  private func number(of key: ByteString) throws -> Int {
    guard let number = numbersOfKeys[key] else {
      throw Finding(description: "a key that nobody wrote, of \(key.count) bytes")
    }
    return number
  }

  /// Compares a value that was shown.
  @discardableResult
  private mutating func take(_ key: Int, _ value: ByteString) throws -> Version? {
    guard let version = try values.version(of: value, key: key) else { return nil }
    guard version.operation >= newest[key] else {
      throw Finding(
        description: "key \(key) goes back from \(newest[key]) to \(version.operation)"
      )
    }
    newest[key] = version.operation
    if version.operation > board.shown(to: slot) {
      board.setShown(version.operation, to: slot)
    }
    return version
  }
}

/// An entry as an enumeration showed it.
struct FoundEntry {
  let key: ByteString
  let value: ByteString
  let sequence: UInt64
}

extension StoreShape {
  /// The number of each key.
  var numbersOfKeys: [ByteString: Int] {
    Dictionary(uniqueKeysWithValues: zip(keys, keys.indices))
  }
}

extension Store {
  /// Copies of all entries that begin with a prefix.
  func entries(prefix: ByteString = [], order: IterationOrder) throws(StoreError) -> [FoundEntry] {
    var entries: [FoundEntry] = []
    try forEach(prefix: prefix, order: order) { (key, value, location) in
      // SAFETY: the buffers are read during the calls only.
      let key = unsafe key.withUnsafeBytes { unsafe ByteString($0) }
      let value = unsafe value.withUnsafeBytes { unsafe ByteString($0) }
      entries.append(FoundEntry(key: key, value: value, sequence: location.sequence))
      return .next
    }
    return entries
  }
}
