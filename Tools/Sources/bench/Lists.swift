// Option values that are lists separated by commas.

import ArgumentParser

struct NumberList: ExpressibleByArgument {
  var numbers: [Int]

  init(numbers: [Int]) { self.numbers = numbers }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let numbers = parts.compactMap(\.self)
    guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 1 }) else { return nil }
    self.numbers = numbers
  }

  var defaultValueDescription: String { numbers.map(String.init).joined(separator: ",") }
}

/// An enumeration of which people can choose some cases.
protocol Offered: RawRepresentable<String>, Hashable {
  static var offered: [Self] { get }
}

/// Names of cases that are offered, each at most once, put in order.
struct CaseList<Element: Offered>: ExpressibleByArgument {
  var cases: [Element]

  init(cases: [Element]) { self.cases = cases }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: argument.isEmpty)
      .map { Element(rawValue: String($0)) }
    let named = Set(parts.compactMap(\.self))
    guard named.count == parts.count, named.isSubset(of: Element.offered) else { return nil }
    cases = Element.offered.filter { named.contains($0) }
  }

  var defaultValueDescription: String { cases.map(\.rawValue).joined(separator: ",") }
  static var allValueStrings: [String] { Element.offered.map(\.rawValue) }
}
