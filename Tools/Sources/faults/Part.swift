// A share of the cases, so that all of them can be run to their end in several sittings or on several
// machines.
//
// Invariant: a case's part follows from its name alone. The number of calls may differ by a few from one
// run to the next, for some are made by threads; parts that were run apart complete each other all the same.

internal import ArgumentParser

/// The share with a number, from 1, of so many.
struct Part: Sendable, ExpressibleByArgument, CustomStringConvertible {
  let number: Int
  let count: Int

  static let whole = Part(number: 1, count: 1)

  private init(number: Int, count: Int) { (self.number, self.count) = (number, count) }

  init?(argument: String) {
    let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let number = numbers[0], let count = numbers[1],
      count > 0, (1...count).contains(number)
    else { return nil }
    self.init(number: number, count: count)
  }

  var description: String { "\(number)/\(count)" }

  /// Whether the case of that name is among them.
  func contains(_ name: String) -> Bool {
    // FNV-1a: the same in every process, which Swift's own hash is not.
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return hash % UInt64(count) == UInt64(number - 1)
  }
}
