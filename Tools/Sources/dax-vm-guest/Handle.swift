// One handle that stays open while its medium changes under it: a line of the standard input is a call, its
// answer a line of the standard output.

import Fenceline
import Glibc

/// Answers calls until the input ends.
struct Handle {
  let store: Store

  func serve() {
    while let line = readLine() {
      let words = line.split(separator: " ", maxSplits: 2).map(String.init)
      do { print(try answer(words)) } catch { print("error: \(error)") }
      fflush(nil)
    }
  }

  private func answer(_ words: [String]) throws -> String {
    switch (words.first, words.count) {
    case ("get", 2):
      return try store.get(Array(words[1].utf8)).map { "\($0.count) bytes" } ?? "nothing"
    case ("put", 3), ("durable", 3):
      let durability: Durability = words[0] == "put" ? .buffered : .durable
      return "\(try store.put(words[1], words[2], durability: durability))"
    case ("sync", 1): return "\(try store.sync())"
    case ("compact", 1): return "\(try store.compact().removedSegmentCount) segments removed"
    case ("close", 1):
      try store.close()
      return "closed"
    case ("scan", 1), ("scan-in-order", 1):
      var count = 0
      do {
        try store.forEach(order: words[0] == "scan" ? .unordered : .ascending) { (_, _, _) in
          count += 1
          return .next
        }
      } catch { return "\(count) entries, error: \(error)" }
      return "\(count) entries"
    default: return "no such call"
    }
  }
}
