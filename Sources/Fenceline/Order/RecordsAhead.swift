// The records that are asked for ahead of a place that moves through the leaves of a tree.
//
// A record is some hundred nanoseconds away, and so is the entry of the page table that says where its page
// is. An instruction that asks for a line does not retire before its page is found, and behind it a core
// looks at some hundred instructions only, hardly more than those of one entry. So pages are looked for side
// by side: the first lines of several records, far ahead. The other lines of a record, whose page is known
// by then, are asked for one record at a time, beside the work.
//
// A million records of 136 bytes on a Zen 4, which has six walkers of page tables: 43 ns an entry where all
// lines of four records were asked for at once, 35 so. Groups of 4 to 8 are alike, 2 take 39 and 16 take 58;
// the rest 4 records ahead takes 40, 6 to 10 are alike, 16 takes 41; first lines 24 ahead take 39, 32
// to 56 are alike. Ranges of 30 and 50 entries are slower where more than a few are asked for at the start. A
// loop that does nothing but ask for the lines and load from each takes 21.

internal import JournalFormat

/// The records that were asked for ahead of a place.
struct RecordsAhead {
  /// Records whose first line is on its way at once, at most.
  private static let distance = 32
  /// Records whose first lines are asked for at once.
  static let group = 6
  /// How many that are at the start.
  private static let firstGroup = 4
  /// How many as long as too few are on their way: more than are passed meanwhile.
  private static let growth = 8
  /// How far ahead the other lines of a record are asked for.
  private static let nearDistance = 8
  /// Addresses that are kept: no fewer than `distance`.
  private static let addressCount = 32

  /// Entries that will still be looked at, the one of now included.
  private var wanted: Int
  /// Entries behind the one of now that were asked for.
  private var asked = 0
  /// Entries that the place has passed.
  private var passed = 0
  /// Where records that were asked for start, by the number of their entry.
  private var addresses = InlineArray<32, UInt>(repeating: 0)
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
    passed &+= count
  }

  /// Whether it is time to ask for more.
  @inline(__always)
  var areFew: Bool { asked <= Self.distance - Self.group }

  /// Asks for the rest of a record that is looked at soon.
  ///
  /// Mutating, for the addresses would be copied otherwise.
  ///
  /// - Parameters:
  ///   - count: entries between the place and the one that is looked at now.
  ///   - bodyLength: bytes of key and value of an entry before, to which others are like; its own would have
  ///     to be waited for.
  @inline(__always)
  mutating func askForRest(behind count: Int, alike bodyLength: Int = 0) {
    let number = count &+ Self.nearDistance
    guard number <= asked else { return }
    let address = addresses[slot(number)]
    SegmentMap.prefetchRest(at: address)
    if bodyLength > 2 * RecordLimit.lineSize {
      SegmentMap.prefetchLongRest(at: address, bodyLength: bodyLength)
    }
  }

  /// Where the address is of a record so many entries behind the place.
  @inline(__always)
  private func slot(_ number: Int) -> Int { (passed &+ number) & (Self.addressCount - 1) }

  /// Asks for some more, of a place on entry `index` of `leaf`.
  @inline(never)
  mutating func askForMore(_ leaf: OrderNode, _ index: Int, _ map: SegmentMap) {
    let first = asked
    let more = first == 0 ? Self.firstGroup : Self.growth
    asked = max(asked, min(wanted &- 1, Self.distance, first + more))
    // Entries of the leaf behind the one of now.
    let left = step > 0 ? leaf.count - 1 - index : index
    if first < left {
      ask(leaf.stretch(from: index + step * (first + 1), step, most: asked - first), first, map)
    }
    guard asked > left, let next else { return }
    let skipped = max(0, first - left)
    guard skipped < next.count else { return }
    let start = step > 0 ? skipped : next.count - 1 - skipped
    ask(next.stretch(from: start, step, most: asked - left - skipped), left + skipped, map)
  }

  /// Asks for the first lines of records, before the first of which there are `skipped` others, and for the
  /// rest of those that are near.
  private mutating func ask(_ units: OrderNode.Stretch, _ skipped: Int, _ map: SegmentMap) {
    for number in 0..<units.count {
      let address = map.prefetch(units[number])
      addresses[slot(skipped &+ 1 &+ number)] = address
      if skipped + number < Self.nearDistance { SegmentMap.prefetchRest(at: address) }
    }
  }
}
