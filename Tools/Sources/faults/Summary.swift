// The table at the end: by function, how many calls and ways to them there are, how many were failed, with
// how many errors, and what came of it.

internal import Glibc

struct Summary {
  let medium: FaultMedium
  private(set) var findings = 0

  private struct Row {
    var calls = 0
    var sites = 0
    var cases = 0
    var hits = 0
    var errors: Set<String> = []
    var answers: [Answer: Int] = [:]

    mutating func add(_ line: [String], _ error: String) {
      cases += 1
      hits += Int(line[3]) ?? 0
      errors.insert(error)
      if let answer = Answer(rawValue: Int(line[2]) ?? 0) { answers[answer, default: 0] += 1 }
    }
  }

  private var rows: [String: Row] = [:]
  private var results: [[String]] = []

  init(medium: FaultMedium) { self.medium = medium }

  /// A case that no worker survived.
  mutating func fail(_ name: String, _ what: String) {
    findings += 1
    Swift.print("\(medium.rawValue) \(name): \(what)")
  }

  /// Takes in what a worker wrote down.
  mutating func add(_ lines: [[String]], isFirst: Bool) {
    var function = ""
    var error = ""
    for line in lines {
      switch line.first {
      case "calls" where isFirst:
        rows[line[1], default: Row()].calls = Int(line[2]) ?? 0
        rows[line[1], default: Row()].sites = Int(line[3]) ?? 0
      case "count" where isFirst:
        for finding in line.dropFirst(2) { fail("without a fault", finding) }
      case "case": (function, error) = (line[2], line[3])
      case "end":
        rows[function, default: Row()].add(line, error)
        results.append(line)
        for finding in line.dropFirst(5) { fail(line[1], finding) }
      default: break
      }
    }
  }

  func print(isSingle: Bool) {
    if isSingle {
      for line in results {
        let answer = Answer(rawValue: Int(line[2]) ?? 0)?.name ?? ""
        Swift.print("\(medium.rawValue) \(line[1]): \(answer) \(line[4])")
      }
    }
    let answers = Answer.allCases.filter { (answer) in
      answer != .notReached || rows.values.contains { $0.answers[answer] != nil }
    }
    let titles = answers.map(\.name)
    Swift.print()
    printRow(medium.rawValue, ["calls", "ways", "cases", "failed", "errors"] + titles)
    for function in FaultFunction.all {
      guard let row = rows[function.name], row.calls > 0 else { continue }
      let counts = [row.calls, row.sites, row.cases, row.hits, row.errors.count]
      printRow(function.name, (counts + answers.map { row.answers[$0] ?? 0 }).map(String.init))
    }
    printRow("pages", ["cases", "pages"] + titles)
    for way in PageWay.allCases {
      guard let row = rows[way.rawValue] else { continue }
      let counts = [row.cases, row.hits] + answers.map { row.answers[$0] ?? 0 }
      printRow(way.rawValue, counts.map(String.init))
    }
    if let row = rows[MemoryCase.row] {
      let counts = [row.cases, row.hits] + answers.map { row.answers[$0] ?? 0 }
      printRow(MemoryCase.row, counts.map(String.init))
    }
    let cases = rows.values.reduce(0) { $0 + $1.cases }
    let unused = FaultFunction.all.filter { (rows[$0.name]?.calls ?? 0) == 0 }.map(\.name)
    if !unused.isEmpty { Swift.print("never called: \(unused.joined(separator: ", "))") }
    Swift.print("\(medium.rawValue): \(cases) cases, \(findings) findings")
  }

  private func printRow(_ name: String, _ cells: [String]) {
    Swift.print(Self.padded(name, 24) + cells.map(Self.aligned).joined())
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func aligned(_ text: String) -> String {
    String(repeating: " ", count: max(1, 12 - text.count)) + text
  }
}
