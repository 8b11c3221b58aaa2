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

struct EngineList: ExpressibleByArgument {
  /// The floor comes first: it is measured while the machine has seen no store yet.
  static let all = ["floor", "fenceline", "lmdb"]

  var names: [String]

  init(names: [String]) { self.names = names }

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard Set(names).isSubset(of: Self.all), Set(names).count == names.count else { return nil }
    self.names = names
  }

  var defaultValueDescription: String { names.joined(separator: ",") }
  static var allValueStrings: [String] { all }
}

struct WorkloadList: ExpressibleByArgument {
  var workloads: [Workload]

  init(workloads: [Workload]) { self.workloads = workloads }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
      .map { Workload(rawValue: String($0)) }
    let workloads = parts.compactMap(\.self)
    guard workloads.count == parts.count,
      workloads.allSatisfy({ Workload.ofStores.contains($0) })
    else { return nil }
    self.workloads = Workload.ofStores.filter { workloads.contains($0) }
  }

  var defaultValueDescription: String { workloads.map(\.rawValue).joined(separator: ",") }
  static var allValueStrings: [String] { Workload.ofStores.map(\.rawValue) }
}
