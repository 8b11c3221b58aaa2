// How a restored store is told from the one that was backed up. Both are the same store up to the backup, with
// one identity, and have different futures; both may give the same sequences to different transactions. So
// the restored one goes on in an incarnation of its own:
//
//   a recovery adds 1 to the incarnation
//   a restore adds a random number that is larger than any number of recoveries
//
// A token of the one is then none of the other's, as behind a crash that took something back; two restores of one
// backup differ as well. Incarnations are part of every checksum and never go down along a history.

internal import JournalFormat

enum RestoredIncarnation {
  /// What a restore adds at least; nobody recovers a store so often.
  static let smallestStep: UInt64 = 1 << 32

  /// What this restore adds: below 2^48, so that there is room for thousands, one behind the other.
  static func step() throws(StoreError) -> UInt64 {
    smallestStep + (try Random.word() >> 17)
  }

  /// Whether a restore lies between two places of a history.
  static func isRestored(_ later: UInt64, since earlier: UInt64) -> Bool {
    later >= earlier && later - earlier >= smallestStep
  }
}

extension SegmentHeader {
  /// The incarnation of what follows the segment after a recovery.
  func incarnation(behind step: UInt64) -> UInt64 { min(incarnation + step, (1 << 62) - 1) }
}
