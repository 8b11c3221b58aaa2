// Reads transactions as they stand in the journal, one after the other: everything behind a token, each
// once, in order. What a writer and its readers in other processes may show differs in one point only:
//
//   writer   knows up to where the journal is durable, and tells
//   reader   sees what is committed; it makes that durable itself, where a crash could still take it
//            away, before it hands it out
//
// Invariants: `position` stands between two transactions, behind the one that `token` names. What is left
// out because its namespace was dropped is left out only when the drop is durable. A transaction of which
// nothing is left is passed over, and the token goes on over it.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization
internal import SystemPackage

/// Reads the transactions of a store in the order in which they were committed.
///
/// A value of its own: copies go on from where they are, independently.
public struct ChangeFeed: Sendable {
  let store: Store
  private let durability: Durability
  /// The place behind the last transaction that was read, to go on from at another time.
  public private(set) var token: ChangeToken
  private var position: JournalPosition?
  /// Transactions that were read from the journal and not handed out, the next one last.
  private var pending: [ChangedTransaction] = []
  /// Up to where drops are durable in the newest segment of a reader.
  private var durableDrops: JournalPosition?

  /// Bytes of keys and values that are read at a time, unless one transaction has more.
  private static let bytesAtATime = 256 << 10

  init(of store: Store, after token: ChangeToken, _ durability: Durability) {
    self.store = store
    self.token = token
    self.durability = durability
  }

  /// Reads the next transaction, if there is one by now.
  ///
  /// - Returns: nil where nothing was committed behind ``token`` so far.
  /// - Throws: ``StoreError/changesAreGone(after:)``; ``StoreError/unknownToken(_:)``;
  ///   ``StoreError/closed`` where nothing is left in a store that is closed; and what is wrong with a
  ///   record that can't be read. The next call tries the same again.
  /// - Durability: with `.durable` the transaction survives from now on what a durable commit survives.
  /// - Complexity: O(transaction), and O(segment) at the first call.
  public mutating func next() throws(StoreError) -> ChangedTransaction? {
    while true {
      if pending.isEmpty { try read() }
      guard let next = pending.popLast() else { return nil }
      token = next.token
      if !next.changes.isEmpty { return next }
    }
  }

  private mutating func read() throws(StoreError) {
    if store.isReadOnly, store.follower == nil, let damage = store.damage.first {
      throw damage.error
    }
    let ticket = store.epochs.enter()
    defer { store.epochs.leave(ticket) }
    try store.catchUp()
    let map = store.map
    // What was found may be compacted before it is read.
    for _ in 0..<3 {
      let end = toldEnd
      let start: JournalPosition
      if let position { start = position } else { start = try map.position(behind: token) }
      position = start
      guard end > start.rawValue else { break }
      if map.isBehindEnd(start) { throw .unknownToken(token) }
      guard let stretches = map.stretches(from: start.rawValue, to: end) else {
        position = nil
        continue
      }
      let newest = JournalPosition(rawValue: end).segment
      for stretch in stretches {
        try makeDurable(stretch, isNewest: stretch.segment.header.segmentID == newest)
        try read(stretch)
        if !pending.isEmpty {
          pending.reverse()
          return
        }
      }
      break
    }
    if pending.isEmpty { try store.checkOpen() }
  }

  /// Up to where the journal may be handed out as the writer tells, as a `JournalPosition`; in other
  /// processes up to where it is committed.
  var toldEnd: UInt64 {
    let isTold = !store.isReadOnly && !Mutant.changesToldEarly.isActive
    return ChangeSignal.Ends(of: store)[isTold ? durability : .buffered]
  }

  /// Waits until there may be more than up to `end`.
  ///
  /// - Returns: false where nobody can be told.
  func waitsForChanges(behind end: UInt64) async -> Bool {
    await store.signal.wait(for: durability, behind: end, of: store)
  }

  /// Collects transactions of a stretch that begins behind the last one.
  private mutating func read(_ stretch: JournalStretch) throws(StoreError) {
    let map = store.map
    let header = stretch.segment.header
    var (changes, length): ([KeyChange], Int) = ([], 0)
    var names = NamesOfChanges(of: store)
    var found: [ChangedTransaction] = []
    var end = stretch.range.lowerBound
    var isWhole = true
    try map.forEachHeader(in: stretch) { (unit, record) throws(StoreError) in
      guard record.kind == .put || record.kind == .delete else { return .next }
      let (change, sequence) = try map.withRecord(at: unit) { (record, bytes) throws(StoreError) in
        (try names.change(record, bytes), record.sequence)
      }
      if let change { changes.append(change) }
      length += record.shape.totalLength
      guard record.flags.contains(.transactionEnd) else { return .next }
      let token = ChangeToken(
        storeID: header.storeID,
        incarnation: header.incarnation,
        sequence: sequence
      )
      found.append(ChangedTransaction(token: token, changes: changes))
      changes = []
      end = (Int(unit &- stretch.segment.firstUnit) << 3) + record.shape.totalLength
      isWhole = length < Self.bytesAtATime
      return isWhole ? .next : .stop
    }
    if names.hasHidden { try makeDropsDurable() }
    pending = found
    let reached = isWhole ? stretch.range.upperBound : end
    position = JournalPosition(segment: header.segmentID, offset: reached)
  }

  /// Sees to it that a crash does not take back a drop on whose account something was left out.
  ///
  /// A writer shows only drops that are durable.
  private mutating func makeDropsDurable() throws(StoreError) {
    guard let end = store.follower?.appliedPosition, end != durableDrops else { return }
    let isSame = durableDrops?.segment == end.segment
    let start = isSame ? durableDrops?.offset ?? 0 : SegmentField.journalStart
    for segment in store.map.segments where segment.header.segmentID == end.segment {
      let stretch = JournalStretch(segment: segment, range: min(start, end.offset)..<end.offset)
      try makeDurable(stretch, isNewest: true)
    }
    durableDrops = end
  }

  /// Sees to it that a crash does not take back what is handed out.
  private func makeDurable(_ stretch: JournalStretch, isNewest: Bool) throws(StoreError) {
    // What has a successor was made durable before that.
    guard store.isReadOnly, durability == .durable, isNewest,
      !Mutant.changesToldUnflushed.isActive
    else { return }
    try translatingErrors { () throws(MediumError) in
      let name = SegmentName.name(of: stretch.segment.header.segmentID)
      try stretch.segment.file.makeDurable(stretch.range, named: name, in: store.directory)
    }
  }
}
