// Which combinations of uncertain things are looked at: all of them where that is possible, the
// telling ones and seeded random ones where it is not.

/// One alternative for each of several independent things; 0 is "nothing arrived", the highest is
/// "everything arrived".
struct Choices {
  /// Alternatives of each thing, at least 1.
  let radices: [Int]
  /// Combinations up to which all are visited.
  let exhaustiveLimit: Int
  /// Visits of each kind of sample.
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
    let none = Array(repeating: 0, count: radices.count)
    let all = radices.map { $0 - 1 }
    // A place in the line of things, and how much of the thing there arrived.
    for index in sampledIndices {
      for part in 0..<radices[index] {
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
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<4 * samplesPerKind {
      // From hardly anything to nearly everything.
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
  private var sampledIndices: [Int] {
    guard radices.count > samplesPerKind else { return Array(radices.indices) }
    let ends = samplesPerKind / 4
    let inner = radices.count - 2 * ends
    let step = max(1, inner / (samplesPerKind - 2 * ends))
    return Array(0..<ends) + Array(stride(from: ends, to: ends + inner, by: step))
      + Array(ends + inner..<radices.count)
  }
}
