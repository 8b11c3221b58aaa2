// Where the older versions stand that somebody's snapshot still shows: a hash table beside the index,
// which holds a key's version from the moment at which the index leaves it. There is nothing in it
// while nobody has a snapshot, and never more than one version for each snapshot of a key.
//
//   slot   hash (0: free)   unit   first   end
//
// A version is shown at every sequence from `first` on, and no more at `end` or behind it.
//
// Invariant: a slot's hash is stored after the rest of it, and nothing of a slot changes then; a table
// that is full is replaced by another one, and goes when no reader is left who may look into it.

internal import Synchronization

/// Older versions by the hash of their keys: one writer, any number of readers.
@safe
final class SupersededVersions: @unchecked Sendable {
  // SAFETY: a table's memory is kept by the tickets of its readers; `count` belongs to the writer.
  private typealias Words = UnsafeMutablePointer<Atomic<UInt64>>

  /// Address of the table's words, of which the first is one less than the number of its slots; 0 for
  /// none.
  private let table = Atomic<UInt>(0)
  private(set) var count = 0

  private static let wordsPerSlot = 4
  private static let smallestCapacity = 64

  deinit { clear() }

  private var words: Words? { unsafe Words(bitPattern: table.load(ordering: .acquiring)) }

  private static func mask(_ words: Words) -> Int {
    unsafe Int(truncatingIfNeeded: words[0].load(ordering: .relaxed))
  }

  /// Slots hold no zero where there is something.
  private static func mark(_ hash: UInt64) -> UInt64 { hash == 0 ? 1 : hash }

  private static func slot(_ words: Words, _ number: Int) -> Words {
    unsafe words + wordsPerSlot * (1 + number)
  }

  // MARK: Reading

  /// Offers the versions with a key's hash that are shown at `sequence` until `accept` takes one.
  ///
  /// The caller holds a reader's ticket.
  ///
  /// - Returns: whether one was taken.
  /// - Throws: what `accept` throws.
  func search<E: Error>(
    _ hash: UInt64,
    at sequence: UInt64,
    _ accept: (_ unit: UInt64) throws(E) -> Bool
  ) throws(E) -> Bool {
    guard let words = unsafe words else { return false }
    let mask = unsafe Self.mask(words)
    let mark = Self.mark(hash)
    var number = Int(truncatingIfNeeded: hash) & mask
    while true {
      let slot = unsafe Self.slot(words, number)
      let found = unsafe slot[0].load(ordering: .acquiring)
      if found == 0 { return false }
      if found == mark, let unit = unsafe Self.unit(slot, at: sequence), try accept(unit) {
        return true
      }
      number = (number + 1) & mask
    }
  }

  /// Visits the versions that are shown at `sequence`, in no order.
  ///
  /// The caller holds a reader's ticket.
  func forEachUnit(at sequence: UInt64, _ body: (UInt64) -> Void) {
    guard let words = unsafe words else { return }
    for number in 0...(unsafe Self.mask(words)) {
      let slot = unsafe Self.slot(words, number)
      guard unsafe slot[0].load(ordering: .acquiring) != 0 else { continue }
      if let unit = unsafe Self.unit(slot, at: sequence) { body(unit) }
    }
  }

  private static func unit(_ slot: Words, at sequence: UInt64) -> UInt64? {
    let first = unsafe slot[2].load(ordering: .relaxed)
    let end = unsafe slot[3].load(ordering: .relaxed)
    return first <= sequence && sequence < end ? unsafe slot[1].load(ordering: .relaxed) : nil
  }

  // MARK: Writing

  /// Adds a version; one writer at a time.
  ///
  /// - Parameters:
  ///   - hash: its key's.
  ///   - unit: where it stands.
  ///   - shown: the sequences at which it is shown.
  ///   - snapshots: sequences of the snapshots that there are: other versions may go.
  ///   - retire: releases memory once no reader is left.
  func add(
    _ hash: UInt64,
    _ unit: UInt64,
    shown: Range<UInt64>,
    snapshots: [UInt64],
    retire: (@escaping () -> Void) -> Void
  ) {
    makeRoom(for: snapshots, retire)
    guard let words = unsafe words else { return }
    unsafe Self.insert(hash, unit, shown, into: words)
    count += 1
  }

  private func makeRoom(for snapshots: [UInt64], _ retire: (@escaping () -> Void) -> Void) {
    guard let old = unsafe words else {
      let first = unsafe Self.makeTable(capacity: Self.smallestCapacity)
      return table.store(UInt(bitPattern: first), ordering: .releasing)
    }
    let oldCapacity = unsafe Self.mask(old) + 1
    guard 4 * (count + 1) > 3 * oldCapacity else { return }
    var kept: [(hash: UInt64, unit: UInt64, shown: Range<UInt64>)] = []
    for number in 0..<oldCapacity {
      let slot = unsafe Self.slot(old, number)
      let hash = unsafe slot[0].load(ordering: .relaxed)
      let shown = unsafe slot[2].load(ordering: .relaxed)..<slot[3].load(ordering: .relaxed)
      guard hash != 0, snapshots.contains(where: { shown.contains($0) }) else { continue }
      kept.append((hash, unsafe slot[1].load(ordering: .relaxed), shown))
    }
    var capacity = Self.smallestCapacity
    while capacity < 2 * (kept.count + 1) { capacity *= 2 }
    let new = unsafe Self.makeTable(capacity: capacity)
    for (hash, unit, shown) in kept { unsafe Self.insert(hash, unit, shown, into: new) }
    count = kept.count
    table.store(UInt(bitPattern: new), ordering: .releasing)
    let address = UInt(bitPattern: old)
    retire { Self.free(address) }
  }

  private static func insert(
    _ hash: UInt64,
    _ unit: UInt64,
    _ shown: Range<UInt64>,
    into words: Words
  ) {
    let mask = unsafe mask(words)
    var number = Int(truncatingIfNeeded: hash) & mask
    while unsafe slot(words, number)[0].load(ordering: .relaxed) != 0 {
      number = (number + 1) & mask
    }
    let slot = unsafe slot(words, number)
    unsafe slot[1].store(unit, ordering: .relaxed)
    unsafe slot[2].store(shown.lowerBound, ordering: .relaxed)
    unsafe slot[3].store(shown.upperBound, ordering: .relaxed)
    unsafe slot[0].store(mark(hash), ordering: .releasing)
  }

  /// Forgets everything; nobody reads.
  func clear() {
    Self.free(table.exchange(0, ordering: .acquiringAndReleasing))
    count = 0
  }

  private static func makeTable(capacity: Int) -> Words {
    let wordCount = wordsPerSlot * (1 + capacity)
    let words = Words.allocate(capacity: wordCount)
    for index in 0..<wordCount { unsafe (words + index).initialize(to: Atomic(0)) }
    unsafe words[0].store(UInt64(capacity - 1), ordering: .relaxed)
    return unsafe words
  }

  private static func free(_ address: UInt) {
    guard let words = unsafe Words(bitPattern: address) else { return }
    unsafe words.deinitialize(count: wordsPerSlot * (2 + mask(words)))
    unsafe words.deallocate()
  }
}
