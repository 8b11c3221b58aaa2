// Where a workload runs: the machine, the first policy, how small segments are, and what their
// blocks held before. Nothing of a run depends on chance.

package import Fenceline
internal import JournalFormat

/// Where a workload runs.
package struct WorkloadSetup: Sendable, Equatable {
  package var hardware: CrashHardware
  /// How the first process copies.
  package var policy: CopyPolicy
  /// Bytes of a first segment: small ones are opened quickly, and rotation is near.
  package var segmentSize: Int
  package var largestSegment: Int
  /// Segments from this size on are made ahead of need.
  package var smallestPrepared: Int
  /// Where the contents of the blocks of new files come from.
  package var stale: StaleKind
  /// See `StoreOptions.retainedJournalBytes`.
  package var retention = 0

  /// Everything that is left out is as usual.
  package init(
    _ hardware: CrashHardware,
    _ policy: CopyPolicy? = nil,
    segmentSize: Int = 8192,
    largestSegment: Int = 16384,
    smallestPrepared: Int = 1 << 20,
    stale: StaleKind = .none
  ) {
    self.hardware = hardware
    self.policy = policy ?? hardware.policies[0]
    self.segmentSize = segmentSize
    self.largestSegment = largestSegment
    self.smallestPrepared = smallestPrepared
    self.stale = stale
  }

  /// The store's options.
  ///
  /// - Parameter isOtherLife: for the life before, whose segments become stale contents.
  /// - Returns: options that leave nothing to chance.
  package func options(isOtherLife: Bool = false) -> StoreOptions {
    var options = StoreOptions()
    options.handlesMemoryErrors = false
    options.compactsInBackground = false
    options.writesIndexImages = false
    options.retainedJournalBytes = retention
    options.segmentOptions.smallest = segmentSize
    options.segmentOptions.largest = max(segmentSize, largestSegment)
    options.segmentOptions.smallestPrepared = smallestPrepared
    options.segmentOptions.preparesInBackground = false
    options.segmentOptions.clock.fixedTime = 0
    options.segmentOptions.hashSeed = 0x5eed
    options.segmentOptions.fewestChanges = 1
    let isOther = isOtherLife && stale == .store
    options.segmentOptions.storeID = StoreID(low: 0x5eed, high: isOther ? 2 : 1)
    options.segmentOptions.firstIncarnation = isOtherLife && stale == .incarnation ? 1 : 1 << 20
    return options
  }
}
