// Entries on their way into a store, in transactions of moderate size.
//
// Invariant: `count` entries, the first of those added, are committed; after `finish()` returned,
// they are all that were added, and durable.

internal import Fenceline
internal import TextFormats

/// Collects entries and commits them, many at a time.
struct ImportBatches: ~Copyable {
  /// Entries that were committed.
  private(set) var count = 0

  private let store: Store
  /// Where in it; nil for the default namespace.
  private let namespace: Namespace?
  private var batch: [Entry] = []
  private var batchBytes = 0
  private var bytesSinceDurable = 0

  // Large enough to make the cost of a transaction vanish, small enough to be held twice.
  private static let mostEntries = 1000
  private static let mostBytes = 1 << 20
  // What a crash may cost; a flush of that much takes far longer than the flush's own cost.
  private static let mostBytesNotDurable = 64 << 20

  init(into store: Store, _ namespace: Namespace?) {
    self.store = store
    self.namespace = namespace
  }

  /// Adds an entry, and commits if enough have come together.
  mutating func add(_ entry: consuming Entry) throws(Failure) {
    batchBytes += entry.key.count + entry.value.count
    batch.append(entry)
    if batch.count >= Self.mostEntries || batchBytes >= Self.mostBytes { try commit() }
  }

  /// Commits the rest, makes everything durable and closes the store.
  mutating func finish() throws(Failure) {
    try commit()
    let store = store
    try reportingStoreErrors(isCreating: true) { () throws(StoreError) in try store.close() }
  }

  private mutating func commit() throws(Failure) {
    // Given up also where the commit fails: a full store is not filled again by `finish()`.
    var entries: [Entry] = []
    swap(&entries, &batch)
    guard !entries.isEmpty else { return }
    bytesSinceDurable += batchBytes
    batchBytes = 0
    let isDurable = bytesSinceDurable >= Self.mostBytesNotDurable
    do {
      try store.transaction(durability: isDurable ? .durable : .buffered) { (transaction) in
        for entry in entries {
          let expiry = entry.expires.map { Expiry(millisecondsSince1970: $0) }
          try transaction.put(entry.key, entry.value, expiry: expiry, in: namespace)
        }
      }
    } catch let error as StoreError {
      throw Failure(error, isCreating: true)
    } catch {
      throw Failure(.internalError, "\(store.path): \(error)")
    }
    count += entries.count
    if isDurable { bytesSinceDurable = 0 }
    entries.removeAll(keepingCapacity: true)
    swap(&entries, &batch)
  }
}
