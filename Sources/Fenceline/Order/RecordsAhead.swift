// The records that are asked for ahead of a place that moves through the leaves of a tree.

/// The records that were asked for ahead of a place.
///
/// A record is some hundred nanoseconds away, and looking at one takes twenty: with 12 of them on their
/// way a walk took 17 ns for one of 144 bytes, with 32 it took 10, with 40 it took 9.
struct RecordsAhead {
  /// Records that are on their way at once.
  private static let distance = 32
  /// Records that are asked for at once.
  ///
  /// Finding a record's page takes some twenty nanoseconds, for which the core waits; of several it finds
  /// the pages side by side. A Xeon does as well with 8; a Zen 4 takes 64 ns an entry then, with 4 it is 45,
  /// with one 78.
  static let askedAtOnce = 4

  /// Entries that will still be looked at, the one of now included.
  private var wanted: Int
  /// Entries behind the one of now that were asked for.
  private var asked = 0
  /// Which way they lie: 1 behind it, -1 before it; 0 where none were asked for.
  private(set) var step = 0
  /// The leaf behind the one of now.
  private var next: OrderNode?

  init(limit: Int) { wanted = limit }

  /// Nothing was asked for, and the leaf behind the one of now is `next`.
  mutating func begin(before next: OrderNode?, _ step: Int, usualCount: Int) {
    asked = 0
    enter(next, step, usualCount: usualCount)
  }

  /// The place came to a leaf behind which lies `next`.
  mutating func enter(_ next: OrderNode?, _ step: Int, usualCount: Int) {
    self.next = next
    self.step = step
    next?.prefetchUnits(count: usualCount)
  }

  /// The place goes on by some entries.
  @inline(__always)
  mutating func advance(by count: Int) {
    wanted &-= count
    asked = max(0, asked &- count)
  }

  /// Whether it is time to ask for more.
  @inline(__always)
  var areFew: Bool { asked <= Self.distance - Self.askedAtOnce }

  /// Asks for some more, of a place on entry `index` of `leaf`.
  @inline(never)
  mutating func askForMore(_ leaf: OrderNode, _ index: Int, _ map: SegmentMap) {
    let first = asked
    asked = max(asked, min(wanted &- 1, asked + Self.askedAtOnce))
    // Entries of the leaf behind the one of now.
    let left = step > 0 ? leaf.count - 1 - index : index
    if first < left {
      let stretch = leaf.stretch(from: index + step * (first + 1), step, most: asked - first)
      map.prefetchStarts(stretch)
    }
    guard asked > left, let next else { return }
    let passed = max(0, first - left)
    guard passed < next.count else { return }
    let start = step > 0 ? passed : next.count - 1 - passed
    map.prefetchStarts(next.stretch(from: start, step, most: asked - left - passed))
  }
}
