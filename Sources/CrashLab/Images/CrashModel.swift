// How much of what a crash can leave is looked at.

/// What a crash may do, and how much of it is tried.
package struct CrashModel: Sendable {
  package var hardware: CrashHardware
  /// Blocks may arrive torn into 8-byte words, in any order: harsher than the processors and disks
  /// that we know.
  package var tearsBlocks = false
  /// Combinations per moment up to which all are visited.
  package var exhaustiveLimit = 1 << 16
  /// Uncertain things up to which each is sampled in every way, where there are more combinations.
  package var samplesPerKind = 64
  /// Leaves out what no recovery reads: the bytes of files that have no segment's name yet.
  package var prunes = true
  /// For samples.
  package var seed: UInt64 = 1

  package init(_ hardware: CrashHardware) { self.hardware = hardware }
}
