// Deletes what dropped namespaces have left, in small transactions of ordinary deletes, so that
// compactions give the space back and snapshots, readers and images need to know nothing of it.
//
// Invariants: what is to be deleted follows from the state alone: keys under a number below the next one
// that has no name. A number is judged under the write lock, where no half of a transaction can be seen,
// and what is dropped stays so. In doubt nothing is deleted. The lock is let go between two transactions.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Deletes the keys of dropped namespaces.
final class NamespaceSweep: Sendable {
  private let update: IndexUpdate
  private let hashSeed: UInt64
  private let writer: WriterAccess
  /// Nobody has found yet that nothing is left.
  private let isWanted = Atomic<Bool>(true)
  /// One thread at a time; taken before the write lock.
  private let lock = ForkSafeMutex<Void>(())

  /// Deletes of one transaction.
  private static let batchSize = 128

  init(update: IndexUpdate, hashSeed: UInt64, writer: WriterAccess) {
    self.update = update
    self.hashSeed = hashSeed
    self.writer = writer
  }

  private var map: SegmentMap { update.map }
  private var index: HashIndex { update.index }

  /// Another namespace was dropped.
  func noteDrop() { isWanted.store(true, ordering: .releasing) }

  /// Deletes everything that dropped namespaces have left.
  ///
  /// - Parameter goesOn: asked between transactions; with false the rest is for another time.
  /// - Throws: what a delete gives.
  /// - Complexity: O(keys of the store), once for any number of drops before it begins.
  func run(while goesOn: () -> Bool) throws(StoreError) {
    guard isWanted.load(ordering: .acquiring) else { return }
    try lock.withLock { (_) throws(StoreError) in
      while isWanted.exchange(false, ordering: .acquiringAndReleasing) {
        var isDone = false
        // Until it is known that there is nothing more.
        defer { if !isDone { noteDrop() } }
        isDone = if try hasDropped() { try deleteDropped(while: goesOn) } else { true }
        guard isDone else { return }
      }
    }
  }

  // MARK: What is left

  private var catalogue: NamespaceCatalogue {
    NamespaceCatalogue { (stored) throws(StoreError) in try self.value(of: stored) }
  }

  /// The value of a stored key; an error where it can't be known.
  private func value(of stored: [UInt8]) throws(StoreError) -> [UInt8]? {
    let ticket = update.epochs.enter()
    defer { update.epochs.leave(ticket) }
    let key = unsafe stored.span.bytes
    var found: UInt64?
    _ = try index.search(Checksum.hash64(key, seed: hashSeed)) { (unit) throws(StoreError) in
      guard try map.hasKey(key, at: unit) else { return false }
      found = unit
      return true
    }
    guard let unit = found else { return nil }
    return try map.withRecord(at: unit) { (record, bytes) in
      record.isPut ? Array(copying: bytes.extracting(record.valueRange)) : nil
    }
  }

  /// Whether a number was given whose namespace is gone.
  private func hasDropped() throws(StoreError) -> Bool {
    for number in 1..<max(1, try catalogue.nextNumber()) where try isDropped(number) {
      return true
    }
    return false
  }

  private func isDropped(_ number: UInt32) throws(StoreError) -> Bool {
    if Mutant.sweepTakesLiving.isActive { return true }
    guard try catalogue.name(of: number) == nil else { return false }
    // It may just be being created.
    return try writer.withWriter { (_) throws(StoreError) in
      guard try number < catalogue.nextNumber() else { return false }
      return try catalogue.name(of: number) == nil
    }
  }

  /// Deletes the stored keys that nobody can ask for any more: those of a namespace that was dropped before
  /// are all there from beginning to end, and no more of them can come.
  ///
  /// - Returns: false where it was told to stop.
  private func deleteDropped(while goesOn: () -> Bool) throws(StoreError) -> Bool {
    var verdicts: [UInt32: Bool] = [0: false, StoredKey.catalogueNumber: false]
    var keys: [[UInt8]] = []
    var isStopped = false
    let ticket = update.epochs.enter()
    defer { update.epochs.leave(ticket) }
    try index.forEachUnit(askingFor: map) { (unit) throws(StoreError) in
      let found = map.withUnverifiedKey(at: unit) { StoredKey.number(of: $0) }
      guard let number = found, verdicts[number] ?? true, map.hasSoundKey(at: unit)
      else { return true }
      let isDropped = if let known = verdicts[number] { known } else { try self.isDropped(number) }
      verdicts[number] = isDropped
      guard isDropped else { return true }
      map.withUnverifiedKey(at: unit) { keys.append(Array(copying: $0)) }
      guard keys.count == Self.batchSize else { return true }
      isStopped = !goesOn()
      if !isStopped { try delete(keys) }
      keys.removeAll(keepingCapacity: true)
      return !isStopped
    }
    if !isStopped, !keys.isEmpty { try delete(keys) }
    return !isStopped
  }

  private func delete(_ keys: [[UInt8]]) throws(StoreError) {
    var batch = WriteBatch()
    for key in keys {
      let key = unsafe key.span.bytes
      batch.add(
        .delete,
        key: key,
        value: RawSpan(),
        hash: Checksum.hash64(key, seed: hashSeed)
      )
    }
    try writer.withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      try update.commit(batch, to: &journal, durability: .buffered)
    }
  }
}
