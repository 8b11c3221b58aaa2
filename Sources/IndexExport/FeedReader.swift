// The change feed, read up to a moment and no further.

internal import Fenceline

/// Reads a store's changes moment by moment.
struct FeedReader {
  private var feed: ChangeFeed
  /// Was read, and lies behind the moment that was asked for.
  private var held: ChangedTransaction?

  init(_ feed: ChangeFeed) { self.feed = feed }

  /// Reads the next transaction whose sequence is not above `sequence`; nil where there is none.
  mutating func next(upTo sequence: UInt64) throws(StoreError) -> ChangedTransaction? {
    if held == nil { held = try feed.next() }
    guard let next = held, next.sequence <= sequence else { return nil }
    held = nil
    return next
  }
}
