// What a failed write means for a handle: what is durable is unknown, so it takes no more.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

extension JournalWriter {
  /// The typed error of a handle that must not write any more.
  func checkUsable() throws(StoreError) {
    if isPoisoned { throw .poisoned }
  }

  /// Runs a write whose failure leaves unknown what is durable.
  mutating func poisoning<R>(
    _ body: () throws(MediumError) -> R
  ) throws(StoreError) -> R {
    do throws(MediumError) { return try body() } catch {
      isPoisoned = !Mutant.failedHandleGoesOn.isActive
      // "Full" would say that nothing has changed and that the handle goes on.
      guard error.isFull else { throw StoreError(error) }
      throw .system(operation: error.operation, path: error.path, cause: error.cause)
    }
  }
}
