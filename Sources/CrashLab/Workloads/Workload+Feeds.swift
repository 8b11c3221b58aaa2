// Feeds of changes beside a workload: what they hand out has to be what the model says, and from then on no
// crash may take it back.

internal import Fenceline

extension Workload {
  /// A feed, and the state up to which it has told.
  struct Telling {
    var feed: ChangeFeed
    var told: StoreContents
  }

  /// Lets a feed hand out what came since the last call; begins one at the first.
  ///
  /// - Parameter isElsewhere: as another process would.
  /// - Throws: ``Violation`` where that is not what was written, in order and whole.
  func tellChanges(elsewhere isElsewhere: Bool) throws {
    var telling = try feeds[isElsewhere] ?? begin(elsewhere: isElsewhere)
    while let transaction = try telling.feed.next() {
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

  private func begin(elsewhere isElsewhere: Bool) throws -> Telling {
    let store =
      isElsewhere ? try Store(readingIn: directory, options: options) : opened
    let token = try store.changeToken
    guard let step = history.step(ofSequence: token.sequence) else {
      throw Violation("the newest transaction is said to be \(token.sequence)")
    }
    return Telling(feed: store.changeFeed(after: token), told: history.states[step])
  }
}
