// What stat knows about a store, as lines for people and as JSON for programs.
//
// Both forms come from one list, so that neither lacks what the other has.

internal import Fenceline
internal import SystemPackage

/// A store's account of itself, ready to be printed.
struct StoreFacts {
  private enum Value {
    case text(String)
    case number(Int)
    case sequence(UInt64)
    case bytes(Int)
    case flag(Bool)
  }

  private struct Fact {
    let title: String
    let member: String
    let value: Value

    init(_ title: String, _ member: String, _ value: Value) {
      self.title = title
      self.member = member
      self.value = value
    }
  }

  private let facts: [Fact]

  init(path: FilePath, identifier: String, token: ChangeToken, statistics: StoreStatistics) {
    facts = [
      Fact("store", "store", .text(path.string)),
      Fact("identifier", "identifier", .text(identifier)),
      Fact("medium", "medium", .text(statistics.medium)),
      Fact("medium is forced", "mediumIsForced", .flag(statistics.isForced)),
      Fact("a durable write survives", "durableSurvives", .text("\(statistics.durableSurvival)")),
      Fact(
        "a buffered write survives",
        "bufferedSurvives",
        .text("\(statistics.bufferedSurvival)")
      ),
      Fact("copy policy", "copyPolicy", .text(statistics.copyPolicy)),
      Fact("copy instructions", "copyInstructions", .text(statistics.instructionSet)),
      Fact("flush instruction", "flushInstruction", .text(statistics.flushInstruction)),
      Fact("checksum", "checksum", .text(statistics.checksumImplementation)),
      Fact("keys", "keys", .number(statistics.keyCount)),
      Fact("namespaces", "namespaces", .number(statistics.namespaceCount)),
      Fact("records read", "recordsRead", .number(statistics.recordCountAtOpening)),
      Fact("newest transaction", "newestSequence", .sequence(statistics.newestSequence)),
      Fact("token of it", "changeToken", .text(token.description)),
      Fact(
        "past can be seen from",
        "oldestSequence",
        .sequence(statistics.oldestSequence)
      ),
      Fact("segments", "segments", .number(statistics.segmentCount)),
      Fact("journal size", "journalBytes", .bytes(statistics.journalCapacityInBytes)),
      Fact("space on the medium", "allocatedBytes", .bytes(statistics.space.totalBytes)),
      Fact("of that: live records", "liveBytes", .bytes(statistics.space.liveBytes)),
      Fact(
        "of that: kept for the past",
        "retainedBytes",
        .bytes(statistics.space.retainedBytes)
      ),
      Fact("of that: dead records", "deadBytes", .bytes(statistics.space.deadBytes)),
      Fact("of that: reserved", "reservedBytes", .bytes(statistics.space.reservedBytes)),
      Fact("of that: free", "freeBytes", .bytes(statistics.space.freeBytes)),
      Fact("closed in order", "closedInOrder", .flag(statistics.wasClosed)),
      Fact("unfinished write at the end", "unfinishedWrite", .flag(statistics.hadTornTail)),
      Fact("damaged places", "damagedPlaces", .number(statistics.damageCount)),
    ]
  }

  /// One fact a line, in columns.
  var text: String {
    let width = (facts.map(\.title.count).max() ?? 0) + 2
    return facts.map { fact in
      let title = fact.title + ":"
      let gap = String(repeating: " ", count: max(1, width - title.count))
      return title + gap + Self.text(of: fact.value) + "\n"
    }.joined()
  }

  /// One object on one line.
  var json: String {
    let members = facts.map { "\(quoted($0.member)):\(Self.json(of: $0.value))" }
    return "{" + members.joined(separator: ",") + "}\n"
  }

  private static func text(of value: Value) -> String {
    switch value {
    case .text(let text): text
    case .number(let number): String(number)
    case .sequence(let sequence): String(sequence)
    case .bytes(let bytes): "\(bytes) bytes" + rounded(bytes)
    case .flag(let isSet): isSet ? "yes" : "no"
    }
  }

  private static func json(of value: Value) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .number(let number), .bytes(let number): String(number)
    case .sequence(let sequence): String(sequence)
    case .flag(let isSet): isSet ? "true" : "false"
    }
  }

  /// The number in a larger unit, with one digit behind the point; nothing for small numbers.
  private static func rounded(_ bytes: Int) -> String {
    var unit = 1
    for name in ["KiB", "MiB", "GiB", "TiB"] {
      unit *= 1024
      if bytes < 1024 * unit || name == "TiB" {
        guard bytes >= unit else { return "" }
        let tenths = (bytes * 10 + unit / 2) / unit
        return " (\(tenths / 10).\(tenths % 10) \(name))"
      }
    }
    return ""
  }
}

/// Text as a JSON string.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\u{0}"..<" ":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
