// The past on the command line: --at, log and diff.

import Foundation
import Testing

@Suite struct `The past` {
  let place: Workplace
  init() throws {
    place = try Workplace()
    for value in ["blue", "green"] { _ = try place.kvctl("put", "s", "sky", value) }
    _ = try place.kvctl("delete", "s", "sky")
    _ = try place.kvctl("put", "s", "sea", "a\tb")
    _ = try place.kvctl("put", "s", "sky", "red")
  }

  @Test func `get, list and export look at a moment`() throws {
    #expect(try place.kvctl("get", "s", "sky", "--at", "2").text == "green")
    let gone = try place.kvctl("get", "s", "sky", "--at", "3")
    #expect(gone.status == 1 && gone.errors.isEmpty && gone.output.isEmpty)
    #expect(try place.kvctl("list", "s", "--at", "1").text == "sky\tblue\n")
    #expect(try place.kvctl("list", "s", "--at", "0").text.isEmpty)
    #expect(try place.kvctl("export", "s", "-", "--at", "4").text == "sea\ta\\tb\n")
    let future = try place.kvctl("get", "s", "sky", "--at", "6")
    #expect(future.status == 66)
    #expect(future.errors == "kvctl: nothing was written at 6 yet; the newest is 5\n")
    #expect(try place.kvctl("get", "s", "sky", "--at", "-1").status == 64)
  }

  @Test func `log prints the versions of a key, the newest first`() throws {
    #expect(
      try place.kvctl("log", "s", "sky").text
        == "5\tput\tred\n3\tdelete\n2\tput\tgreen\n1\tput\tblue\n"
    )
    #expect(
      try place.kvctl("log", "s", "sea", "--format", "jsonl").text
        == #"{"sequence":4,"value":"a\tb"}"# + "\n"
    )
    #expect(
      try place.kvctl("log", "s", "736b79", "--hex").text
        == "5\tput\t726564\n3\tdelete\n2\tput\t677265656e\n1\tput\t626c7565\n"
    )
    let unknown = try place.kvctl("log", "s", "land")
    #expect(unknown.status == 1 && unknown.output.isEmpty && unknown.errors.isEmpty)
    #expect(try place.kvctl("log", "none", "sky").status == 66)
  }

  @Test func `diff prints what went and what came`() throws {
    #expect(
      try place.kvctl("diff", "s", "1", "5").text == "+\tsea\ta\\tb\n-\tsky\tblue\n+\tsky\tred\n"
    )
    #expect(try place.kvctl("diff", "s", "2", "3").text == "-\tsky\tgreen\n")
    #expect(try place.kvctl("diff", "s", "5", "5").text.isEmpty)
    #expect(
      try place.kvctl("diff", "s", "3", "--format", "jsonl").text
        == #"{"key":"sea","after":"a\tb"}"# + "\n" + #"{"key":"sky","after":"red"}"# + "\n"
    )
    // The same value again is no difference.
    _ = try place.kvctl("put", "s", "sky", "red")
    #expect(try place.kvctl("diff", "s", "5").text.isEmpty)
    #expect(try place.kvctl("diff", "s", "9").status == 66)
    #expect(try place.kvctl("diff", "s").status == 64)
  }

  @Test func `--retain keeps the past from a compaction`() throws {
    for number in 0..<40 {
      let value = String(repeating: "\(number % 10)", count: 20_000)
      _ = try place.kvctl("put", "s", "large", value, "--retain", "2M")
    }
    #expect(try place.kvctl("compact", "s", "--retain", "2M").status == 0)
    #expect(try place.kvctl("get", "s", "sky", "--at", "2").text == "green")
    #expect(try place.kvctl("compact", "s", "--retain", "100K").status == 0)
    #expect(try place.kvctl("get", "s", "sky", "--at", "2").status == 66)
    // Each value takes 20 KB, so the last four are there for certain.
    let last = try place.kvctl("get", "s", "large", "--at", "41").text
    #expect(last == String(repeating: "5", count: 20_000))
    #expect(try place.kvctl("stat", "s").text.contains("of that: kept for the past:"))
    for size in ["", "-1", "ten", "10T", "9999999999G"] {
      #expect(try place.kvctl("compact", "s", "--retain=\(size)").status == 64)
    }
  }

  @Test func `What a compaction gave back is said to be gone`() throws {
    for number in 0..<40 {
      let value = String(repeating: "\(number % 10)", count: 20_000)
      _ = try place.kvctl("put", "s", "large", value)
    }
    #expect(try place.kvctl("compact", "s").status == 0)
    let past = try place.kvctl("get", "s", "sky", "--at", "2")
    #expect(past.status == 66 && past.output.isEmpty)
    #expect(
      past.errors.hasPrefix("kvctl: what was there at 2 is gone; the oldest that can be read is ")
    )
    let oldest = past.errors.split(separator: " ").last?.dropLast() ?? ""
    #expect(try place.kvctl("get", "s", "sky", "--at", String(oldest)).text == "red")
    #expect(
      try place.kvctl("stat", "s").text.contains("past can be seen from:") == true
    )
  }
}
