// Which combinations of uncertain things are looked at: all of them where that is possible, the
// telling ones and seeded random ones where it is not.

/// One alternative for each of several independent things; 0 is "nothing arrived", the highest is
/// "everything arrived".
struct Choices {
  /// Alternatives of each thing, at least 1.
  let radices: [Int]
  /// Things that belong together, a block's, have one number; in ascending order.
  let groups: [Int]
  /// Combinations up to which all are visited.
  let exhaustiveLimit: Int
  /// Things up to which each is sampled; of more, an even spread.
  let samplesPerKind: Int
  var seed: UInt64

  /// All combinations, or nil where there are more than the limit.
  var exhaustiveCount: Int? {
    var count = 1
    for radix in radices {
      let (product, overflows) = count.multipliedReportingOverflow(by: radix)
      guard !overflows, product <= exhaustiveLimit else { return nil }
      count = product
    }
    return count
  }

  /// Visits combinations until `body` returns false; where not all are, one may come twice.
  ///
  /// - Returns: false where `body` ended it.
  func forEach(_ body: ([Int]) -> Bool) -> Bool {
    exhaustiveCount != nil ? forEachOfAll(body) : forEachSample(body)
  }

  private func forEachOfAll(_ body: ([Int]) -> Bool) -> Bool {
    var choice = Array(repeating: 0, count: radices.count)
    while true {
      guard body(choice) else { return false }
      var digit = 0
      while digit < choice.count, choice[digit] == radices[digit] - 1 {
        choice[digit] = 0
        digit += 1
      }
      guard digit < choice.count else { return true }
      choice[digit] += 1
    }
  }

  private func forEachSample(_ body: ([Int]) -> Bool) -> Bool {
    forEachEdge(body) && forEachSubsetOfGroups(body) && forEachRandom(body)
  }

  /// Prefixes, suffixes, single things missing and single things present: a place in the line of
  /// things, and how much of the thing there arrived.
  private func forEachEdge(_ body: ([Int]) -> Bool) -> Bool {
    let none = Array(repeating: 0, count: radices.count)
    let all = radices.map { $0 - 1 }
    for index in sampledIndices {
      for part in sampledParts(radices[index]) {
        var prefix = Array(all[..<index] + none[index...])
        var suffix = Array(none[..<index] + all[index...])
        var missing = all
        var present = none
        prefix[index] = part
        suffix[index] = part
        missing[index] = part
        present[index] = part
        for choice in [prefix, suffix, missing, present] {
          guard body(choice) else { return false }
        }
      }
    }
    return true
  }

  /// Every set of whole blocks, where there are few enough.
  private func forEachSubsetOfGroups(_ body: ([Int]) -> Bool) -> Bool {
    var groupIndices: [Int] = []
    for (index, group) in groups.enumerated() {
      let isNew = index > 0 && groups[index - 1] != group
      groupIndices.append((groupIndices.last ?? 0) + (isNew ? 1 : 0))
    }
    let count = (groupIndices.last ?? -1) + 1
    guard count > 0, count < 16, 1 << count <= min(exhaustiveLimit, 64 * samplesPerKind) else {
      return true
    }
    for subset in 0..<1 << count {
      let choice = radices.indices.map { subset >> groupIndices[$0] & 1 == 1 ? radices[$0] - 1 : 0 }
      guard body(choice) else { return false }
    }
    return true
  }

  /// From hardly anything to nearly everything.
  private func forEachRandom(_ body: ([Int]) -> Bool) -> Bool {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<4 * samplesPerKind {
      let share = Int.random(in: 0...16, using: &generator)
      let choice = radices.map { (radix) -> Int in
        Int.random(in: 0..<16, using: &generator) < share
          ? Int.random(in: 0..<radix, using: &generator) : radix - 1
      }
      guard body(choice) else { return false }
    }
    return true
  }

  /// All, or both ends and an even spread of the rest.
  private var sampledIndices: [Int] { Self.spread(radices.count, over: samplesPerKind) }

  private func sampledParts(_ radix: Int) -> [Int] { Self.spread(radix, over: samplesPerKind) }

  private static func spread(_ count: Int, over samples: Int) -> [Int] {
    guard count > samples else { return Array(0..<count) }
    let ends = samples / 4
    let inner = count - 2 * ends
    let step = max(1, inner / max(1, samples - 2 * ends))
    return Array(0..<ends) + Array(stride(from: ends, to: ends + inner, by: step))
      + Array(ends + inner..<count)
  }
}
