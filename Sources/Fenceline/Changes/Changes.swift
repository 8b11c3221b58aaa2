// The changes of a store as a sequence that does not end by itself: between two transactions it waits,
// without a thread.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// The transactions of a store behind a token, in order, as they come.
///
/// It ends when the store is closed or the task is cancelled. Every iteration begins at the token.
public struct Changes: AsyncSequence, Sendable {
  /// Whole transactions.
  public typealias Element = ChangedTransaction
  /// What reading them may give.
  public typealias Failure = StoreError

  let feed: ChangeFeed

  /// Begins behind the sequence's token.
  public func makeAsyncIterator() -> Iterator { Iterator(feed: feed) }

  /// Where an iteration stands.
  public struct Iterator: AsyncIteratorProtocol {
    var feed: ChangeFeed

    /// Waits for the next transaction.
    ///
    /// - Returns: nil where the store was closed, or the task cancelled.
    /// - Throws: as ``ChangeFeed/next()``.
    public mutating func next() async throws(StoreError) -> ChangedTransaction? {
      try await next(isolation: nil)
    }

    /// As ``next()``, on the caller's actor.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(StoreError) -> ChangedTransaction? {
      var milliseconds = 1
      while !Task.isCancelled {
        let end = feed.toldEnd
        do throws(StoreError) {
          if let next = try feed.next() { return next }
        } catch {
          guard error == .closed else { throw error }
          return nil
        }
        let feed = feed
        if !feed.store.isReadOnly, await feed.waitsForChanges(behind: end) { continue }
        // Nobody tells a process of what another one writes.
        try? await Task.sleep(for: .milliseconds(milliseconds))
        milliseconds = Swift.min(Self.longestPause, 2 * milliseconds)
      }
      return nil
    }

    private static let longestPause = 16
  }
}

extension Store {
  /// The place behind the newest transaction, for changes from now on.
  ///
  /// What was committed before the call is before it, durable or not.
  ///
  /// - Throws: ``StoreError/closed``, or what reading on gives.
  public var changeToken: ChangeToken {
    get throws(StoreError) {
      try checkOpen()
      try catchUp()
      return token(of: map.committedSequence.load(ordering: .acquiring))
    }
  }

  /// The place before the first transaction.
  public var firstChangeToken: ChangeToken {
    ChangeToken(storeID: storeID, incarnation: 0, sequence: 0)
  }

  /// The transactions behind a place in the history, as they come.
  ///
  /// In the process that writes, and in those that read. Each transaction comes once, whole, in order. It
  /// comes as soon as it is durable: in the process that writes at the next ``sync(_:)`` or durable commit, in
  /// another one at once, and is made durable there. With `.buffered` it comes as soon as it is committed,
  /// and may be lost in a crash: its token is then refused with ``StoreError/unknownToken(_:)``.
  ///
  /// Nothing is kept for the reader: compactions take superseded versions, and a token that lies before
  /// what they took is refused with ``StoreError/changesAreGone(after:)``. The way on is a
  /// ``Snapshot``, which has everything up to its ``Snapshot/changeToken``.
  ///
  /// - Parameters:
  ///   - token: the last transaction that is known already.
  ///   - durability: what to wait for.
  /// - Returns: a sequence that waits for what is to come.
  public func changes(after token: ChangeToken, durability: Durability = .durable) -> Changes {
    Changes(feed: ChangeFeed(of: self, after: token, durability))
  }

  /// The transactions behind a place in the history, for who asks when it is time: nothing waits.
  ///
  /// - Parameters:
  ///   - token: as for ``changes(after:durability:)``.
  ///   - durability: as there.
  /// - Returns: a reader that stands behind the token.
  public func changeFeed(
    after token: ChangeToken,
    durability: Durability = .durable
  ) -> ChangeFeed {
    ChangeFeed(of: self, after: token, durability)
  }

  /// Names the transaction of a sequence that is in the history.
  func token(of sequence: UInt64) -> ChangeToken {
    let segment = map.segments.last { $0.header.firstSequence <= sequence + 1 }
    return ChangeToken(
      storeID: storeID,
      incarnation: segment?.header.incarnation ?? 0,
      sequence: sequence
    )
  }
}

extension Snapshot {
  /// The place behind everything that the snapshot shows, to go on from with ``Store/changes(after:durability:)``.
  public var changeToken: ChangeToken { store.token(of: sequence) }
}
