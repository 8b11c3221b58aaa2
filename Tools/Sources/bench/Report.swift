// Everything that a run found out, as it is written to the JSON file.

import Foundation
import Histogram

struct Report: Codable {
  /// Raised whenever a field changes its meaning.
  static let newestFormat = 2
  var format = newestFormat
  var machine: Machine
  var series: [Series] = []

  init(machine: Machine) { self.machine = machine }

  /// Reads what `write` wrote.
  init(path: String) throws {
    let data: Data
    do { data = try Data(contentsOf: URL(filePath: path)) } catch {
      throw BenchError("\(path) can't be read: \(error.localizedDescription)")
    }
    do { self = try JSONDecoder().decode(Report.self, from: data) } catch {
      throw BenchError("\(path) is no report of this version's --json")
    }
    guard format == Self.newestFormat else {
      throw BenchError("\(path) has format \(format), not \(Self.newestFormat)")
    }
  }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(self) + Data("\n".utf8)
    try data.write(to: URL(filePath: path))
  }
}

/// One medium with one value size and one number of threads.
struct Series: Codable {
  var directory: String
  var fileSystem: String
  var isForced: Bool
  var valueLength: Int
  var threads: Int
  var engines: [EngineFigures]
  var ratios: [Ratio] = []

  func figures(_ engine: Engine, _ workload: Workload) -> Figures? {
    engines.first { $0.name == engine }?.figures(workload)
  }

  func number(_ engine: Engine, _ quantity: Quantity) -> Double? {
    engines.first { $0.name == engine }?.numbers[quantity.rawValue]
  }

  /// What the others' speeds are multiples of.
  var base: Engine? {
    let stores = engines.map(\.name).filter(\.isStore)
    return stores.contains(.lmdb) ? .lmdb : stores.first
  }

  var title: String {
    "values of \(valueLength) bytes, \(threads) \(threads == 1 ? "thread" : "threads"), \(directory) "
      + "(\(fileSystem)\(isForced ? ", PMEM_IS_PMEM_FORCE=1)" : ")")"
  }
}

struct EngineFigures: Codable {
  var name: Engine
  /// As the driver told them in the last round.
  var facts: [String: String]
  /// Medians over rounds, by the quantity's name.
  var numbers: [String: Double]
  var workloads: [Figures]
  /// Of the bare copies of all sizes, where they were measured: medians over rounds.
  var copies: [CopyTime]?

  init(name: Engine, rounds: [DriverOutput]) {
    self.name = name
    facts = rounds.last?.facts ?? [:]
    numbers = [:]
    for quantity in Quantity.allCases {
      let values = rounds.compactMap { $0.numbers[quantity] }
      if !values.isEmpty { numbers[quantity.rawValue] = Figures.median(values) }
    }
    workloads = Workload.allCases.compactMap { workload in
      Figures(workload, results: rounds.compactMap { $0.results[workload] })
    }
    guard var copies = rounds.last?.copies, !copies.isEmpty else { return }
    for index in copies.indices {
      copies[index].nanoseconds = Figures.median(rounds.map { $0.copies[index].nanoseconds })
    }
    self.copies = copies
  }

  func figures(_ workload: Workload) -> Figures? { workloads.first { $0.workload == workload } }
}

/// One workload of one engine: medians over rounds.
struct Figures: Codable {
  var workload: Workload
  /// In each round; of a batch, each put counts.
  var operations: [Int]
  /// From the blocks without time stamps, with the final sync's share, in each round.
  var nanosecondsPerOperationByRound: [Double]
  var nanosecondsPerOperation: Double
  var operationsPerSecond: Double
  /// Samples in a round; of a batch, each commit is one.
  var samples: Int
  /// Of single samples, in nanoseconds.
  var p50: Double
  var p99: Double
  var p99_9: Double
  var maximum: Double

  init?(_ workload: Workload, results: [DriverOutput.Result]) {
    guard !results.isEmpty else { return nil }
    func percentile(_ value: Double) -> Double {
      Self.median(results.map { Double($0.histogram.valueAtPercentile(value)) })
    }
    self.workload = workload
    operations = results.map(\.operations)
    nanosecondsPerOperationByRound = results.map(\.nanosecondsPerOperation)
    nanosecondsPerOperation = Self.median(nanosecondsPerOperationByRound)
    operationsPerSecond = 1e9 / nanosecondsPerOperation
    samples = results.map { Int($0.histogram.totalCount) }.min() ?? 0
    p50 = percentile(50)
    p99 = percentile(99)
    p99_9 = percentile(99.9)
    maximum = percentile(100)
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
