// One directory's share of a run: writers that are killed one behind the other, and what each has left
// judged before the next one begins. A store lives through many kills.

import DamageLab
import Fenceline
import Glibc
import PersistentMemory
import SystemPackage
import ToolSupport

struct Lane {
  let plan: LanePlan
  let board: Board
  private let children: Children
  private var numbers: SeededNumbers
  private(set) var tally = LaneTally()

  // The store of now.
  private var shape: StoreShape
  private var model: StoreModel
  private var readers: [Int: Subprocess] = [:]
  /// Kills that this store has lived through, and will.
  private var age = 0
  private var lifetime = 0
  private var exists = false
  private var lastNumber = 0
  private var usedSequence: UInt64 = 0
  private var storeCount: UInt64 = 0

  init(_ plan: LanePlan) throws {
    self.plan = plan
    board = try Board(at: plan.board)
    children = Children(
      store: plan.store,
      board: plan.board,
      scratch: plan.place,
      kvctl: plan.kvctl,
      mutant: plan.mutant
    )
    numbers = SeededNumbers(seed: plan.seed)
    shape = StoreShape(seed: 0)
    model = StoreModel(shape)
  }

  /// Kills until enough is done.
  ///
  /// - Throws: `Finding` at the first violation; the store stays as it was found.
  mutating func run() throws {
    defer { for reader in readers.values { Self.end(reader) } }
    let parent = getppid()
    let end = plan.seconds.map { ContinuousClock.now + .seconds($0) }
    while !Interruption.hasCome, getppid() == parent {
      if let end {
        if ContinuousClock.now >= end { break }
      } else if tally.kills >= plan.kills {
        break
      }
      if age == lifetime { try beginStore() }
      try startReaders()
      let isImport = plan.kvctl != nil && numbers.next() % 10 == 0
      try isImport ? importAndKill() : writeAndKill()
      age += 1
      tally.kills += 1
      board.kills = tally.kills
      if age == lifetime { try endStore() }
    }
  }

  // MARK: Stores

  private mutating func beginStore() throws {
    storeCount += 1
    // The kinds by turns.
    shape = StoreShape(seed: numbers.next() / 3 * 3 &+ storeCount)
    model = StoreModel(shape)
    age = 0
    lifetime = max(1, min(80, plan.kills / 6)) + Int(numbers.next() % 8)
    exists = false
    usedSequence = 0
    board.openings = 0
    board.sequence = 0
    for slot in 0..<Board.readers { board.setShown(0, to: slot) }
    Files.removeDirectory(plan.store)
  }

  /// A last writer closes it in order: nothing in the making is left, and everything is still there.
  private mutating func endStore() throws {
    let store = try Store.open(at: plan.store, options: shape.options)
    guard try store.count == model.keyCount else {
      throw Finding(description: "the last opening shows another number of keys")
    }
    try store.compact()
    try store.close()
    board.openings += 1
    let shown = try check(Window(first: lastNumber + 1, last: lastNumber, isImport: false), 0, 0)
    guard shown.wasClosed else { throw Finding(description: "a closed store does not say so") }
    let left = try namesInTheMaking()
    guard left.isEmpty else { throw Finding(description: "a close leaves \(left)") }
    for slot in 0..<Board.readers { try endReader(slot) }
    tally.stores += 1
  }

  // MARK: Readers

  private mutating func startReaders() throws {
    for slot in 0..<Board.readers {
      if let reader = readers[slot] {
        if let end = reader.end(waiting: false) { throw Self.finding("a reader", end) }
      } else {
        readers[slot] = try children.reader(shape, slot: slot)
      }
    }
  }

  private mutating func endReader(_ slot: Int) throws {
    guard let reader = readers.removeValue(forKey: slot) else { return }
    reader.kill()
    if let end = reader.end(waiting: true) {
      guard case .signalled(SIGKILL) = end else { throw Self.finding("a reader", end) }
    }
  }

  private static func end(_ process: Subprocess) {
    process.kill()
    _ = process.end(waiting: true)
  }

  private static func finding(_ who: String, _ end: Subprocess.End) -> Finding {
    Finding(description: "\(who) \(end); what it says is above")
  }

  // MARK: Kills

  private mutating func writeAndKill() throws {
    let first = lastNumber + 1
    for reset in [\Board.begun, \.returned, \.synced] { board[keyPath: reset] = lastNumber }
    board.phase = .starting
    let speaksC = numbers.next() % 4 == 0
    let moment = KillPlan(&numbers)
    let openings = board.openings
    let writer = try children.writer(
      shape,
      from: first,
      speaksC: speaksC,
      keyCount: model.keyCount
    )
    var early: Subprocess.End?
    moment.wait(for: board, openings) {
      early = writer.end(waiting: false)
      return early != nil
    }
    if early == nil, numbers.next() % 8 == 0 {
      try endReader(Int(numbers.next() % UInt64(Board.readers)))
      tally.readersKilled += 1
    }
    Self.end(writer)
    if let early { throw Self.finding("the writer", early) }
    tally.landed[board.phase, default: 0] += 1
    if speaksC { tally.killsInC += 1 }
    let window = Window(first: first, last: board.begun, isImport: false)
    for number in first..<max(first, board.returned + 1) {
      tally.count(window.operation(number, in: shape))
    }
    let shown = try check(window, board.synced, board.returned)
    tally.lost(board.returned - shown.accepted)
  }

  private mutating func importAndKill() throws {
    let window = Window(first: lastNumber + 1, last: lastNumber + 4000, isImport: true)
    let importer = try children.importer(plan.kvctl ?? "", window, model)
    usleep(UInt32(truncatingIfNeeded: numbers.next()) % 150_000)
    let early = importer.end(waiting: false)
    Self.end(importer)
    switch early {
    case nil: tally.landed[.importing, default: 0] += 1
    case .exited(0): tally.importsThatEnded += 1
    case .some(let end):
      let said = String(decoding: try Files.read(children.importErrors) ?? [], as: UTF8.self)
      throw Finding(description: "kvctl import \(end): \(said)")
    }
    // It says nothing before its end.
    let done = early == nil ? window.first - 1 : window.last
    _ = try check(window, done, done)
  }

  /// Judges the store.
  private mutating func check(_ window: Window, _ synced: Int, _ returned: Int) throws -> Shown {
    tally.leftInTheMaking += try namesInTheMaking().count
    let readersSaw = (0..<Board.readers).map { board.shown(to: $0) }.max() ?? 0
    let demand = Demand(
      window: window,
      synced: synced,
      returned: returned,
      shown: readersSaw,
      usedSequence: usedSequence,
      mustExist: exists || board.openings > 0
    )
    let shown = try StoreCheck(path: plan.store).run(demand, &model)
    exists = exists || shown.exists
    lastNumber = window.last
    usedSequence = max(usedSequence, shown.highestSequence, UInt64(board.sequence))
    tally.take(shown)
    return shown
  }

  private func namesInTheMaking() throws -> [String] {
    guard exists || board.openings > 0 else { return [] }
    return try Files.names(in: plan.store).filter {
      $0.hasSuffix(FileSystemDirectory.unpublishedSuffix)
    }
  }
}
