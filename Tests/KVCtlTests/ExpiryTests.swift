// Values that end, on the command line.

import Foundation
import Testing

@Suite struct `Values that end` {
  let place: Workplace
  init() throws { place = try Workplace() }

  @Test func `A value ends after the time that put was given`() throws {
    #expect(try place.kvctl("put", "s", "gone", "1", "--expires-in", "0s").status == 0)
    #expect(try place.kvctl("put", "s", "there", "2", "--expires-in", "1h").status == 0)
    #expect(try place.kvctl("get", "s", "gone").status == 1)
    #expect(try place.kvctl("get", "s", "there").text == "2")
    #expect(try place.kvctl("list", "s").text == "there\t2\n")
    #expect(try place.kvctl("put", "s", "there", "3").status == 0)
    let line = try place.kvctl("export", "s", "--format", "jsonl").text
    #expect(line == #"{"key":"there","value":"3"}"# + "\n")
    for time in ["5", "1.5s", "-1s", "s", "5 m", "99999999999999999999d"] {
      let refused = try place.kvctl("put", "none", "k", "v", "--expires-in=" + time)
      #expect(refused.status == 64, "\(time)")
      #expect(refused.errors.contains("30m, 12h and 7d are"), "\(time)")
    }
    #expect(try place.kvctl("list", "none").status == 66)
  }

  @Test func `JSON lines carry when an entry ends, and TSV says that it does not`() throws {
    let line = #"{"key":"k","value":"v","expires":4102444800000}"# + "\n"
    #expect(
      try place.kvctl("import", "s", "-", "--format", "jsonl", input: Array(line.utf8)).status == 0
    )
    #expect(try place.kvctl("export", "s", "--format", "jsonl").text == line)
    #expect(try place.kvctl("log", "s", "k", "--format", "jsonl").text.contains("4102444800000"))
    let watched = try place.kvctl("watch", "s", "--all", "--no-wait", "--format", "jsonl").text
    #expect(watched.contains(#""value":"v","expires":4102444800000}"#))
    let tsv = try place.kvctl("export", "s", "--format", "tsv")
    #expect(tsv.text == "k\tv\n")
    #expect(
      tsv.errors == "kvctl: 1 entry ends at a time that TSV does not say; --format jsonl does\n"
    )
  }

  @Test func `A compaction removes what has ended`() throws {
    for number in 0..<3 {
      _ = try place.kvctl("put", "s", "key \(number)", "v", "--expires-in", "0s")
    }
    _ = try place.kvctl("put", "s", "lasts", "v")
    #expect(try place.kvctl("compact", "s").status == 0)
    let report = try place.shell("kvctl stat s --json | grep -o '\"keys\":[0-9]*'")
    #expect(report.text == "\"keys\":1\n", "\(report)")
  }
}
