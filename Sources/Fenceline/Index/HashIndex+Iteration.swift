// Every position of a table, in no order.

internal import Synchronization

extension HashIndex {
  /// Visits every position, in no order; a key that is there from beginning to end is visited
  /// exactly once, one that is removed and added again meanwhile perhaps twice.
  func forEachUnit<E: Error>(_ body: (UInt64) throws(E) -> Void) throws(E) {
    let initial = bucketCount.load(ordering: .acquiring)
    var family: [UInt64] = []
    for home in 0..<initial {
      collectWords(of: home, among: initial, into: &family)
      for word in family { try body(Self.unit(word)) }
    }
  }

  /// Collects the words of a bucket as if there were no more buckets than at some moment before.
  ///
  /// What belonged to it may have been split off since: the whole family is collected under one count.
  ///
  /// - Parameters:
  ///   - home: the bucket.
  ///   - initial: how many there were.
  ///   - words: gets the words and nothing else.
  func collectWords(of home: Int, among initial: Int, into words: inout [UInt64]) {
    while true {
      words.removeAll(keepingCapacity: true)
      let count = bucketCount.load(ordering: .acquiring)
      collect(family: home, initial: initial, count: count, into: &words)
      if bucketCount.load(ordering: .acquiring) == count { return }
    }
  }

  private func collect(family home: Int, initial: Int, count: Int, into words: inout [UInt64]) {
    // Descendants of `home` are home + m * 2^level, from its own level upwards.
    let level = Int.bitWidth - 1 - initial.leadingZeroBitCount
    let step = home < initial - (1 << level) || home >= 1 << level ? 2 << level : 1 << level
    var index = home
    while index < count {
      var bucket: Bucket? = unsafe buckets.bucket(at: index)
      while let current = unsafe bucket {
        for slot in 0..<Self.entriesPerBucket {
          let word = unsafe current[slot].load(ordering: .acquiring)
          // While a bucket is being split, what moved stands in both places for a moment.
          let hash = Self.hash(of: word, inBucket: index)
          if word != 0, Self.home(hash, count: count) == index { words.append(word) }
        }
        unsafe bucket = next(after: current)
      }
      index += step
    }
  }

  /// Positions that are collected before the first of them is visited.
  private static let batch = 16
  /// How far ahead of a visit the rest of a record is asked for.
  private static let nearDistance = 8

  /// Visits every position as ``forEachUnit(_:)`` does, for who looks at the records: those of the positions
  /// that come next are on their way meanwhile.
  ///
  /// The caller holds a reader's ticket, or the write lock.
  ///
  /// - Parameters:
  ///   - map: of the positions.
  ///   - body: returns whether it wants more.
  /// - Throws: what `body` throws.
  @inline(__always)
  func forEachUnit<E: Error>(
    askingFor map: SegmentMap,
    _ body: (UInt64) throws(E) -> Bool
  ) throws(E) {
    let initial = bucketCount.load(ordering: .acquiring)
    var home = 0
    var family: [UInt64] = []
    var (units, next): ([UInt64], [UInt64]) = ([], [])
    repeat {
      swap(&units, &next)
      next.removeAll(keepingCapacity: true)
      while home < initial, next.count < Self.batch {
        collectWords(of: home, among: initial, into: &family)
        for word in family { next.append(Self.unit(word)) }
        home += 1
      }
      // As in ``RecordsAhead``: pages side by side, then the other lines one record at a time.
      for unit in next { map.prefetch(unit) }
      for unit in units.prefix(Self.nearDistance) { map.prefetchRest(unit) }
      for number in units.indices {
        let near = number &+ Self.nearDistance
        if near < units.count { map.prefetchRest(units[near]) }
        guard try body(units[number]) else { return }
      }
    } while !next.isEmpty
  }
}
