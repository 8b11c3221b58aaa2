// What was stored to one line and may or may not have reached the medium.
//
// The rules, per line of 64 bytes:
//   cached     the line is written back whole at any moment, so the medium holds the outcome of some
//              prefix of its stores, in the order in which they took effect
//   streamed   every aligned 8-byte word leaves on its own, in any order
//   a flush    takes along everything in the cache, whoever stored it, and the flushing thread's own
//              streamed words; it is complete only behind a fence of the same thread
//   a fence    completes its own thread's flushes and drains its own thread's streamed words: onto
//              the medium where such stores bypass the cache, otherwise into the cache
//   a death    of the process drains the streamed words of all its threads in the same way
//
// Invariant: `stores` are in the order in which they took effect; none is certain.

/// A piece of a store that lies within one aligned word.
struct PendingStore {
  /// Of the word within its line, 0 to 7.
  let wordIndex: Int
  /// Bits of the word that were stored.
  let mask: UInt64
  let value: UInt64
  let isStreamed: Bool
  let thread: UInt64
  /// A streamed word that its thread's fence has drained, but only into the cache.
  var isDrained = false
  /// Threads with a flush behind this store and no fence since.
  var flushers: [UInt64] = []

  func apply(to word: UInt64) -> UInt64 { word & ~mask | value & mask }
}

/// The uncertain stores to one line.
struct PendingLine {
  private(set) var stores: [PendingStore] = []

  var isEmpty: Bool { stores.isEmpty }
  /// Whether words, not prefixes, are what can be there.
  var hasStreamedStores: Bool { stores.contains { $0.isStreamed } }
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
    settle(streamsBypassCache) {
      $0.flushers.contains(thread)
    } isDrained: {
      $0.thread == thread
    }
  }

  /// Takes out what the death of the process makes certain.
  ///
  /// The kernel that buries it drains every processor's streamed stores; its flushes are not taken
  /// to be complete.
  mutating func drain(streamsBypassCache: Bool) -> [PendingStore] {
    settle(streamsBypassCache) { _ in
      false
    } isDrained: { _ in
      true
    }
  }

  private mutating func settle(
    _ streamsBypassCache: Bool,
    isFlushed: (PendingStore) -> Bool,
    isDrained: (PendingStore) -> Bool
  ) -> [PendingStore] {
    var certain: [PendingStore] = []
    var superseded: [UInt64] = Array(repeating: 0, count: 8)
    var rest: [PendingStore] = []
    for var store in stores.reversed() {
      let isDrainedHere = store.isStreamed && isDrained(store)
      if isFlushed(store) || isDrainedHere && streamsBypassCache {
        certain.append(store)
        superseded[store.wordIndex] |= store.mask
      } else if store.mask & ~superseded[store.wordIndex] != 0 {
        if isDrainedHere { store.isDrained = true }
        rest.append(store)
      }
    }
    stores = rest.reversed()
    return certain.reversed()
  }

  /// What the line can hold, given what it certainly holds.
  ///
  /// - Returns: one list of whole contents, or one list of words for each word of which more than
  ///   one is possible; the certain one comes first.
  func alternatives(
    certain: [UInt64],
    tearsLines: Bool
  ) -> [(firstWord: Int, contents: [[UInt64]])] {
    guard tearsLines || hasStreamedStores else {
      var contents = [certain]
      var line = certain
      for store in stores {
        line[store.wordIndex] = store.apply(to: line[store.wordIndex])
        if line != contents[contents.count - 1] { contents.append(line) }
      }
      return contents.count > 1 ? [(0, contents)] : []
    }
    var words = certain.map { [$0] }
    for store in stores {
      // A word takes its stores in order, but any of them may have been the last to arrive.
      let next = store.apply(to: words[store.wordIndex][words[store.wordIndex].count - 1])
      if words[store.wordIndex].last != next { words[store.wordIndex].append(next) }
    }
    return words.indices.filter { words[$0].count > 1 }.map { index in
      (index, words[index].map { [$0] })
    }
  }
}
