// The first tree, from the positions of all keys: on all processors.
//
//   1. what all keys share; who can't be read
//   2. eight bytes of each key behind that; a sample of them says where to cut the keys into shares
//   3. each share sorted, and made into leaves

internal import Synchronization

/// Builds a tree.
struct TreeBuild {
  /// The tree.
  let root: OrderNode
  /// Why the first of those that could not be read is not in it.
  let failure: StoreError?

  /// Positions from which on threads are worth their start.
  private static let smallestParallelCount = 1 << 14
  /// Shares for each processor, so that none waits long for the last one.
  private static let sharesPerProcessor = 4
  private static let sampleCount = 1 << 10

  /// Builds a tree of positions; the caller holds a reader's ticket.
  ///
  /// - Complexity: O(n log n) in numbers, O(n) looks at records for each eight bytes by which keys differ.
  init(of units: [UInt64], in map: SegmentMap) {
    let isParallel = units.count >= Self.smallestParallelCount
    let chunkCount = isParallel ? Parallel.processorCount : 1
    let chunks = Parallel.map(chunkCount) { (number) in
      let start = units.count * number / chunkCount
      let end = units.count * (number + 1) / chunkCount
      return Chunk(of: units[start..<end], sharing: units.first, in: map)
    }
    failure = chunks.lazy.compactMap(\.failure).first
    let skip = chunks.map(\.shared).min() ?? 0
    let depth = skip == .max ? 0 : skip
    let bounds = isParallel ? Self.bounds(chunks, at: depth, in: map) : []
    let parts = Parallel.map(chunkCount) { chunks[$0].cut(at: bounds, wordsAt: depth, in: map) }
    let leaves = Parallel.map(bounds.count + 1) { (share) in
      var entries: [KeyedUnit] = []
      entries.reserveCapacity(parts.reduce(0) { $0 + $1[share].count })
      for part in parts { entries += part[share] }
      KeySort(map: map).sortByWords(&entries, entries.indices, at: depth)
      return NodeWriter(map: map).leaves(entries)
    }
    root = NodeWriter(map: map).root(above: leaves.flatMap(\.self))
  }

  /// Words at which the keys are cut into shares of about the same size.
  private static func bounds(_ chunks: [Chunk], at depth: Int, in map: SegmentMap) -> [UInt64] {
    let shares = Parallel.processorCount * sharesPerProcessor
    var sample: [UInt64] = []
    for chunk in chunks {
      let step = max(1, chunk.units.count * chunks.count / sampleCount)
      for index in stride(from: 0, to: chunk.units.count, by: step) {
        sample.append(map.keyWord(of: chunk.units[index], at: depth))
      }
    }
    sample.sort()
    guard !sample.isEmpty else { return [] }
    return (1..<shares).map { sample[sample.count * $0 / shares] }
  }

  /// What one thread looks at first.
  private struct Chunk: Sendable {
    private(set) var units: [UInt64] = []
    /// Bytes that all its keys share with the first key of all.
    private(set) var shared = Int.max
    private(set) var failure: StoreError?

    init(of slice: ArraySlice<UInt64>, sharing first: UInt64?, in map: SegmentMap) {
      units.reserveCapacity(slice.count)
      for index in slice.indices {
        let ahead = index + KeySort.prefetchDistance
        if ahead < slice.endIndex { map.prefetch(slice[ahead]) }
        let unit = slice[index]
        if !map.hasSoundKey(at: unit), let fault = map.failure(at: unit) {
          failure = failure ?? fault
          continue
        }
        units.append(unit)
        if let first { shared = min(shared, map.commonPrefix(first, unit)) }
      }
    }

    /// The positions with their words, share by share.
    func cut(at bounds: [UInt64], wordsAt depth: Int, in map: SegmentMap) -> [[KeyedUnit]] {
      var shares = [[KeyedUnit]](repeating: [], count: bounds.count + 1)
      for share in shares.indices { shares[share].reserveCapacity(units.count / shares.count) }
      for index in units.indices {
        let ahead = index + KeySort.prefetchDistance
        if ahead < units.count { map.prefetch(units[ahead]) }
        var entry = KeyedUnit(units[index])
        entry.word = map.keyWord(of: entry.unit, at: depth)
        // Keys with equal words stay together.
        var (low, high) = (0, bounds.count)
        while low < high {
          let middle = (low + high) / 2
          if bounds[middle] <= entry.word { low = middle + 1 } else { high = middle }
        }
        shares[low].append(entry)
      }
      return shares
    }
  }
}
