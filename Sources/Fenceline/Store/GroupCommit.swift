// Many commits, one ordering point: whoever wants to be durable hands in what to do, and a thread of the
// store does all that has come, syncs once, and tells everybody. While it syncs the next group gathers. Whoever
// was told may have more to do at once: without a short wait for those there would be two groups of half the
// size that take turns.
//
// Invariant: nobody is told that he is durable before a sync that began behind his commit has returned.

internal import Glibc
internal import PersistentMemory

/// Commits what is handed in, a group at a time.
final class GroupCommit: Sendable {
  /// Commits something; what it returns is called when that is durable, or with the reason why it can't
  /// be known to be.
  typealias Job = @Sendable () -> @Sendable (StoreError?) -> Void

  private struct State {
    var jobs: [Job] = []
    var sync: (@Sendable () throws(StoreError) -> Void)?
    /// A thread looks for jobs, and will see those that come.
    var isAttended = false
    var worker: Worker?
  }

  private let state = ForkSafeMutex(State())
  private let wake = WakeUp()
  /// How long the thread waits for more before it ends.
  private static let patience = 20

  /// Hands a job in.
  ///
  /// - Parameters:
  ///   - store: synced behind it.
  ///   - job: runs on another thread, behind those that were handed in before.
  func submit(to store: Store, _ job: @escaping Job) {
    let unattended = state.withLock { (state) -> Worker? in
      state.jobs.append(job)
      // Only what waits to be done keeps a store.
      state.sync = { () throws(StoreError) in try store.sync() }
      guard !state.isAttended else { return nil }
      state.isAttended = true
      let worker = Worker { [self] in attend() }
      state.worker = worker
      return worker.hasThread ? nil : worker
    }
    wake.set()
    unattended?.join()
  }

  private func attend() {
    while true {
      if let next = commitAll() {
        gather(next.count, until: next.deadline)
        continue
      }
      wake.wait(milliseconds: Self.patience)
      let isDone = state.withLock { (state) in
        state.isAttended = !state.jobs.isEmpty
        return !state.isAttended
      }
      if isDone { return }
    }
  }

  /// Commits all jobs that there are.
  ///
  /// - Returns: how many there will be for the next group, if all who were told come back, and until when it
  ///   is worth to wait for those; nil where there were none.
  private func commitAll() -> (count: Int, deadline: ContinuousClock.Instant)? {
    let (jobs, sync) = state.withLock { (state) in
      defer { (state.jobs, state.sync) = ([], nil) }
      return (state.jobs, state.sync)
    }
    guard let sync else { return nil }
    let ends = jobs.map { $0() }
    var failure: StoreError?
    let start = ContinuousClock.now
    do throws(StoreError) { try sync() } catch { failure = error }
    let synced = ContinuousClock.now
    let waiting = state.withLock { $0.jobs.count }
    for end in ends { end(failure) }
    let wait = min((synced - start) / Self.gatheringShare, Self.longestGathering)
    return (waiting + ends.count, synced + wait)
  }

  /// Part of the time of a sync for which those who wait for the next one wait for others, and the most of
  /// it: coming back takes some microseconds, however slow the medium is.
  private static let gatheringShare = 4
  private static let longestGathering = Duration.microseconds(500)

  /// Waits for jobs of those who were just told, beside the ones that are there; keeps no store meanwhile.
  private func gather(_ count: Int, until deadline: ContinuousClock.Instant) {
    guard count > 1 else { return }
    while ContinuousClock.now < deadline, state.withLock({ $0.jobs.count < count }) {
      sched_yield()
    }
  }
}

extension Store {
  /// Runs `body` and commits what it wrote, durably, in one group with what other tasks commit at the
  /// time: one fence or one device flush for all.
  ///
  /// As ``transaction(durability:_:)``, but no thread waits, and others may see the transaction shortly before it
  /// is durable. A group waits for tasks of the one before that may have more to do: at most a quarter of the
  /// time that its sync took, and half a millisecond.
  ///
  /// - Parameter body: gets the transaction, on another thread.
  /// - Returns: what `body` returns, when it is durable.
  /// - Throws: what `body` throws; a ``StoreError``. Where the sync fails the transaction may have been
  ///   committed, and the store takes no more writes.
  /// - Durability: durable on return.
  public func groupTransaction<R: Sendable>(
    _ body: @escaping @Sendable (inout Transaction) throws -> R
  ) async throws -> R {
    try checkOpen()
    return try await withCheckedThrowingContinuation { (continuation) in
      groupCommit.submit(to: self) { [self] in
        let result = Result { try transaction { try body(&$0) } }
        return { (failure) in
          continuation.resume(with: failure.map { .failure($0) } ?? result)
        }
      }
    }
  }

  /// Gives `key` the value `value`, durably, in one group with what other tasks commit at the time.
  ///
  /// - Throws: as ``put(_:_:durability:)-([UInt8],_,_)``.
  /// - Durability: durable on return, as ``groupTransaction(_:)``.
  @discardableResult
  public func groupPut(_ key: [UInt8], _ value: [UInt8]) async throws(StoreError) -> Survival {
    _ = try await grouped { (store) throws(StoreError) in try store.put(key, value) }
    return durableSurvival
  }

  /// Removes `key`, durably, in one group with what other tasks commit at the time.
  ///
  /// - Returns: whether it had a value.
  /// - Throws: as ``delete(_:durability:)-([UInt8],_)``.
  /// - Durability: durable on return, as ``groupTransaction(_:)``.
  @discardableResult
  public func groupDelete(_ key: [UInt8]) async throws(StoreError) -> Bool {
    try await grouped { (store) throws(StoreError) in try store.delete(key) }
  }

  /// Makes everything durable that was committed before the call, in one group with what other tasks
  /// commit at the time.
  ///
  /// - Throws: as ``sync(_:)``.
  @discardableResult
  public func groupSync(
    _ depth: SyncDepth = .persistenceDomain
  ) async throws(StoreError) -> Survival {
    try await grouped { (store) throws(StoreError) in
      if depth != .persistenceDomain { try store.sync(depth) }
    }
    return durableSurvival
  }

  private func grouped<R: Sendable>(
    _ body: @escaping @Sendable (Store) throws(StoreError) -> R
  ) async throws(StoreError) -> R {
    try checkOpen()
    let result: Result<R, StoreError> = await withCheckedContinuation { (continuation) in
      groupCommit.submit(to: self) { [self] in
        let result: Result<R, StoreError>
        do throws(StoreError) { result = .success(try body(self)) } catch {
          result = .failure(error)
        }
        return { (failure) in
          continuation.resume(returning: failure.map { .failure($0) } ?? result)
        }
      }
    }
    return try result.get()
  }
}
