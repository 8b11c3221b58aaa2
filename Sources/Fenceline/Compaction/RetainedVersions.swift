// Which dead records of a run are the newest of their keys before the window. A record that the index does
// not show was superseded; the question is whether by something before the window. What comes behind it in
// the run, and then in the segments between run and window, answers it; if nothing does, it was the window.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// Dead records of a run that nothing before the window is known to have superseded, by key.
struct RetainedVersions {
  /// Where in the plan, by hash of the key.
  private var numbers: [UInt64: (number: Int, unit: UInt64)] = [:]
  /// What turned out not to be needed: where in the plan.
  private(set) var rejected: Set<Int> = []
  /// Something could not be read, or two keys have one hash: what is still asked for may be one too many.
  ///
  /// Such a version must not be kept: a delete that hid it may be gone before it.
  private(set) var isUncertain = false
  private let map: SegmentMap

  init(_ map: SegmentMap) { self.map = map }

  /// Whether there is nothing to ask for any more.
  var isEmpty: Bool { numbers.isEmpty }

  /// Notes a dead record.
  mutating func note(_ hash: UInt64, _ unit: UInt64, at number: Int) {
    if numbers.updateValue((number, unit), forKey: hash) != nil { isUncertain = true }
  }

  /// Notes that a key has a later version before the window.
  mutating func noteLater(_ hash: UInt64, _ unit: UInt64) {
    guard !isEmpty, let noted = numbers[hash] else { return }
    guard haveSameKey(noted.unit, unit) else {
      isUncertain = true
      return
    }
    numbers[hash] = nil
    rejected.insert(noted.number)
  }

  /// Looks for later versions between the run and the window.
  ///
  /// - Complexity: O(records there), while something is asked for.
  mutating func lookThrough(
    _ stretches: [JournalStretch],
    before sequence: UInt64,
    hashSeed: UInt64,
    _ pause: () -> Void
  ) {
    for stretch in stretches where stretch.segment.header.firstSequence < sequence {
      if isEmpty { return }
      pause()
      guard let changes = try? map.changes(in: stretch) else {
        isUncertain = true
        return
      }
      for change in changes {
        let hash = map.withUnverifiedKey(at: change.unit) { Checksum.hash64($0, seed: hashSeed) }
        guard numbers[hash] != nil, map.sequence(at: change.unit) < sequence else { continue }
        noteLater(hash, change.unit)
      }
    }
  }

  private func haveSameKey(_ unit: UInt64, _ other: UInt64) -> Bool {
    map.withUnverifiedKey(at: other) { map.surelyHasKey($0, at: unit) }
  }
}
