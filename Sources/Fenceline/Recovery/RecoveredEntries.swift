// What a segment's records say of keys, for an index, in groups of keys whose buckets lie together: threads
// take groups, and the buckets of one stay in the cache while it is taken.
//
// Invariant: entries of one key stand in one group, in their order in the segment.

/// Entries of one segment.
struct RecoveredEntries: Sendable {
  /// Entries that stand behind one another.
  struct Group: Sendable {
    let range: Range<Int>
    /// Where those of transactions before the start mark end, and those before the end mark.
    let startMark: Int
    let endMark: Int
  }

  let all: [RecoveredEntry]
  let groups: [Group]

  /// Hash bits that tell the group, above those of a page of buckets.
  private static let groupBits: UInt64 = 4
  private static let firstGroupBit: UInt64 = 6
  /// Buckets that a table has, at least, whose keys' groups share no bucket.
  static let smallestBucketCount = 1 << (firstGroupBit + groupBits)
  /// Entries from which on groups are worth their making.
  private static let smallestGroupedCount = 1 << 10

  init() { (all, groups) = ([], []) }

  /// Groups entries.
  ///
  /// - Parameters:
  ///   - entries: in their order.
  ///   - startMark: how many stand before the start mark.
  ///   - endMark: the same for the end mark.
  init(_ entries: [RecoveredEntry], startMark: Int, endMark: Int) {
    guard entries.count >= Self.smallestGroupedCount else {
      all = entries
      groups = [Group(range: entries.indices, startMark: startMark, endMark: endMark)]
      return
    }
    let groupCount = 1 << Self.groupBits
    var ends = Array(repeating: 0, count: groupCount)
    for entry in entries { ends[Self.group(of: entry)] += 1 }
    var sum = 0
    for group in 0..<groupCount {
      let count = ends[group]
      ends[group] = sum
      sum += count
    }
    let starts = ends
    var marks: [[Int]] = []
    all = unsafe Array(unsafeUninitializedCapacity: entries.count) { (grouped, count) in
      let steps = [0..<startMark, startMark..<endMark, endMark..<entries.count]
      for step in steps {
        for number in step {
          let group = Self.group(of: entries[number])
          unsafe grouped.initializeElement(at: ends[group], to: entries[number])
          ends[group] += 1
        }
        marks.append(ends)
      }
      count = entries.count
    }
    groups = (0..<groupCount).map {
      Group(range: starts[$0]..<marks[2][$0], startMark: marks[0][$0], endMark: marks[1][$0])
    }
  }

  @inline(__always)
  private static func group(of entry: RecoveredEntry) -> Int {
    Int(truncatingIfNeeded: entry.hash &>> firstGroupBit & ((1 &<< groupBits) &- 1))
  }
}
