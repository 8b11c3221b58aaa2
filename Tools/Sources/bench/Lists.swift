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

/// Names of the cases of an enumeration, each at most once, in the enumeration's order.
struct CaseList<Element>: ExpressibleByArgument
where Element: RawRepresentable<String> & CaseIterable & Hashable {
  var cases: [Element]

  init(cases: [Element]) { self.cases = cases }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: argument.isEmpty)
      .map { Element(rawValue: String($0)) }
    let named = Set(parts.compactMap(\.self))
    guard named.count == parts.count else { return nil }
    cases = Element.allCases.filter { named.contains($0) }
  }

  var defaultValueDescription: String { cases.map(\.rawValue).joined(separator: ",") }
  static var allValueStrings: [String] { Element.allCases.map(\.rawValue) }
}
