// The address space of positions, in granules: given out first fit, taken back when a segment is gone.

/// Which granules are free.
struct GranuleSpace {
  private let limit: Int
  /// Granules from here on were never used.
  private(set) var end = 1
  /// Below `end`, in order, no two of them neighbours.
  private var gaps: [Range<Int>] = []

  init(limit: Int) { self.limit = limit }

  /// Takes `count` neighbouring granules, at `first` if it is given, or gives nil where there are none.
  mutating func take(_ count: Int, from first: Int? = nil) -> Range<Int>? {
    if let first { return take(exactly: first..<first + count) }
    if let gap = gaps.firstIndex(where: { $0.count >= count }) {
      let taken = gaps[gap].lowerBound..<gaps[gap].lowerBound + count
      gaps[gap] = taken.upperBound..<gaps[gap].upperBound
      if gaps[gap].isEmpty { gaps.remove(at: gap) }
      return taken
    }
    guard count <= limit - end else { return nil }
    defer { end += count }
    return end..<end + count
  }

  private mutating func take(exactly wanted: Range<Int>) -> Range<Int>? {
    guard wanted.lowerBound > 0, wanted.upperBound <= limit else { return nil }
    if wanted.lowerBound >= end {
      let gap = end..<wanted.lowerBound
      end = wanted.upperBound
      if !gap.isEmpty { giveBack(gap) }
      return wanted
    }
    guard let place = gaps.firstIndex(where: { $0.contains(wanted.lowerBound) }),
      gaps[place].upperBound >= wanted.upperBound
    else { return nil }
    let gap = gaps.remove(at: place)
    let rest = [gap.lowerBound..<wanted.lowerBound, wanted.upperBound..<gap.upperBound]
    gaps.insert(contentsOf: rest.filter { !$0.isEmpty }, at: place)
    return wanted
  }

  /// Gives back granules that were taken.
  mutating func giveBack(_ granules: Range<Int>) {
    let place = gaps.firstIndex { $0.lowerBound >= granules.upperBound } ?? gaps.count
    gaps.insert(granules, at: place)
    if place + 1 < gaps.count, gaps[place].upperBound == gaps[place + 1].lowerBound {
      gaps[place] = gaps[place].lowerBound..<gaps[place + 1].upperBound
      gaps.remove(at: place + 1)
    }
    if place > 0, gaps[place - 1].upperBound == gaps[place].lowerBound {
      gaps[place - 1] = gaps[place - 1].lowerBound..<gaps[place].upperBound
      gaps.remove(at: place)
    }
  }
}
