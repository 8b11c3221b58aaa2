// What was stored to one block (a line of persistent memory, a sector of a disk) and may or may not
// have reached the medium.
//
// The rules for a line:
//   cached     the line is written back whole at any moment, so the medium holds the outcome of some
//              prefix of its stores, in the order in which they took effect
//   streamed   every aligned 8-byte word leaves on its own, in any order
//   a flush    takes along everything in the cache, whoever stored it, and the flushing thread's own
//              streamed words; it is complete only behind a fence of the same thread
//   a fence    completes its own thread's flushes and drains its own thread's streamed words: onto
//              the medium where such stores bypass the cache, otherwise into the cache
//   a death    of the process drains the streamed words of all its threads in the same way
// For a sector:
//   written    the page goes out at any moment, also in the middle of a write, and each sector of it
//              on its own: any prefix of the sector's words, in the order in which they were written
//   synced     certain; or, where that failed, lost for every later sync, and on the disk or not
//
// Invariant: `stores` are in the order in which they took effect; none is certain.

/// A piece of a store that lies within one aligned word.
struct PendingStore {
  /// Of the word within its block.
  let wordIndex: Int
  /// Bits of the word that were stored.
  var mask: UInt64
  let value: UInt64
  let isStreamed: Bool
  let thread: UInt64
  /// A streamed word that its thread's fence has drained, but only into the cache.
  var isDrained = false
  /// Its page was marked clean although it was not written.
  var isLost = false
  /// Threads with a flush behind this store and no fence since.
  var flushers: [UInt64] = []

  func apply(to word: UInt64) -> UInt64 { word & ~mask | value & mask }
}

/// The uncertain stores to one block.
struct PendingBlock {
  private(set) var stores: [PendingStore] = []

  var isEmpty: Bool { stores.isEmpty }
  /// Whether words, not prefixes, are what can be there.
  private var hasStreamedStores: Bool { stores.contains { $0.isStreamed } }
  var mixesKinds: Bool { hasStreamedStores && stores.contains { !$0.isStreamed } }

  mutating func append(_ store: PendingStore) { stores.append(store) }

  mutating func flush(by thread: UInt64) {
    for index in stores.indices {
      let store = stores[index]
      let isReached = !store.isStreamed || store.isDrained || store.thread == thread
      if isReached, !store.flushers.contains(thread) { stores[index].flushers.append(thread) }
    }
  }

  /// Takes out what a fence makes certain, in order, with what it supersedes.
  mutating func fence(by thread: UInt64, streamsBypassCache: Bool) -> [PendingStore] {
    settle { store in
      if store.flushers.contains(thread) { return true }
      guard store.isStreamed, store.thread == thread else { return false }
      store.isDrained = true
      return streamsBypassCache
    }
  }

  /// Takes out what the death of the process makes certain.
  ///
  /// The kernel that buries it drains every processor's streamed stores; its flushes are not taken
  /// to be complete.
  mutating func drain(streamsBypassCache: Bool) -> [PendingStore] {
    settle { store in
      // No later fence completes them, whatever thread it is of.
      store.flushers = []
      guard store.isStreamed else { return false }
      store.isDrained = true
      return streamsBypassCache
    }
  }

  /// Takes out what a sync makes certain.
  mutating func synchronize() -> [PendingStore] { settle { !$0.isLost } }

  /// Takes note of a sync that failed, which makes nothing certain.
  mutating func loseAll() -> [PendingStore] {
    for index in stores.indices { stores[index].isLost = true }
    return []
  }

  /// Forgets what was lost: the page has been read again, and it was not there.
  mutating func dropLost() -> [PendingStore] {
    stores.removeAll { $0.isLost }
    return []
  }

  /// Takes out the stores that `isCertain`, and drops those that one of them covers.
  private mutating func settle(
    _ isCertain: (inout PendingStore) -> Bool
  ) -> [PendingStore] {
    var certain: [PendingStore] = []
    var superseded: [Int: UInt64] = [:]
    var rest: [PendingStore] = []
    for var store in stores.reversed() {
      if isCertain(&store) {
        certain.append(store)
        superseded[store.wordIndex, default: 0] |= store.mask
      } else {
        // What lies under something certain is gone.
        store.mask &= ~superseded[store.wordIndex, default: 0]
        if store.mask != 0 { rest.append(store) }
      }
    }
    stores = rest.reversed()
    return certain.reversed()
  }
}
