// Feeds of changes beside a workload: what they hand out has to be what the model says, and from then on no
// crash may take it back.

internal import Fenceline

extension Workload {
  /// A feed, and the state up to which it has told.
  struct Telling {
    let isElsewhere: Bool
    var feed: ChangeFeed
    var told: StoreContents
  }

  /// Lets a feed hand out what came since the last call; begins one at the first.
  ///
  /// - Parameter isElsewhere: as another process would.
  /// - Throws: ``Violation`` where that is not what was written, in order and whole.
  func tellChanges(elsewhere isElsewhere: Bool) throws {
    var telling = try feeds[isElsewhere] ?? begin(elsewhere: isElsewhere)
    while let transaction = try next(&telling) {
      for change in transaction.changes { telling.told[change.key] = change.value }
      guard let step = history.step(ofSequence: transaction.sequence),
        history.states[step] == telling.told
      else {
        throw Violation(
          "a feed tells of \(transaction.sequence) what leads to no state: \(telling.told)"
        )
      }
      mark(.synced(step))
    }
    feeds[isElsewhere] = telling
  }

  /// The next transaction; nil where there is none, or where a compaction has taken it.
  private func next(_ telling: inout Telling) throws -> ChangedTransaction? {
    do throws(StoreError) { return try telling.feed.next() } catch {
      guard case .changesAreGone = error, try opened.statistics().oldestSequence > 1 else {
        throw error
      }
      telling = try begin(elsewhere: telling.isElsewhere)
      return nil
    }
  }

  private func begin(elsewhere isElsewhere: Bool) throws -> Telling {
    let store =
      isElsewhere ? try Store(readingIn: directory, options: options) : opened
    let token = try store.changeToken
    guard let step = history.step(ofSequence: token.sequence) else {
      throw Violation("the newest transaction is said to be \(token.sequence)")
    }
    return Telling(
      isElsewhere: isElsewhere,
      feed: store.changeFeed(after: token),
      told: history.states[step]
    )
  }
}
