// What a program may choose when it opens a store.

package import JournalFormat

/// Choices at opening.
public struct StoreOptions: Sendable {
  /// Creates the store where there is none.
  ///
  /// Ignored when opening for reading only.
  public var createsIfMissing = true

  /// Refuses a medium whose synced commits survive less than this.
  public var requiredSurvival = Survival.nothing

  /// Installs a process-wide SIGBUS handler, chained to the one that was there, so that a media
  /// error or a truncated file becomes ``StoreError/mediaError(file:offset:)``.
  ///
  /// It acts only inside this library's mappings. A program with its own handling may switch it
  /// off: the process then gets the signal, also from an opening beside an index image, which
  /// compares keys where they lie.
  public var handlesMemoryErrors = true

  /// Gives back the space of what was overwritten and deleted by a thread of the store's own.
  ///
  /// It sleeps unless segments are filled. While writes go on, dead records may take up to two fifths of
  /// what is live, and two segments; a quarter of a second behind the last write, segments are tidied
  /// up to a tenth. Without it only ``Store/compact(progress:)`` gives space back.
  public var compactsInBackground = true

  /// Keeps the past readable: every state within the newest so many bytes of the journal, and a segment's more.
  ///
  /// 0, as long as compactions leave it alone. What is retained takes space beside that: of each key that was
  /// written within these bytes the version before. Who opens the store for writing decides, each time anew; a
  /// larger number does not bring back what is gone. See ``Store/openReadOnly(at:asOf:options:)``.
  public var retainedJournalBytes = 0

  /// Keeps a copy of the table of keys beside the journal, so that the next opening reads the journal from
  /// there.
  ///
  /// Written by the store's own thread while others work, and when the store is closed; 5 to 6 bytes a
  /// key, and no more than half of what is written to the journal. A store of less than 8 MiB has none.
  /// Without a copy, or with one that is damaged or old, opening takes longer and gives the same.
  public var writesIndexImages = true

  /// How segments are made.
  package var segmentOptions = SegmentOptions()

  /// The defaults: create where missing, take any medium, handle memory errors.
  public init() {}
}

/// How segments are made: they start small and double with the store.
package struct SegmentOptions: Sendable {
  /// Bytes of a first segment.
  package var smallest = 256 << 10
  /// Bytes above which segments grow no more, except for one transaction that needs it.
  package var largest = 64 << 20
  /// Dates them.
  package var clock = Clock()
  /// Names a new store; a random name without it.
  package var storeID: StoreID?
  /// What the hashes of keys start from, where the same input has to give the same bytes; random without.
  package var hashSeed: UInt64?
  /// Changes behind an index image that are worth a file; nil for as many as the store thinks fit.
  package var fewestChanges: Int?
  /// Of a new store.
  package var firstIncarnation: UInt64 = 1
  /// What a recovery adds to the incarnation.
  package var incarnationStep: UInt64 = 1
  /// Bytes of a segment from which on its successor is made ahead of need.
  package var smallestPrepared = 1 << 20
  /// Makes it on a thread of its own; without one at once, where the same calls have to give the
  /// same events.
  package var preparesInBackground = true
  /// Bytes of records from which on a store has an index image.
  package var smallestImagedJournal = 8 << 20

  package init() {}
}
