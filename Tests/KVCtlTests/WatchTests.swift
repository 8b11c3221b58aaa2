// `kvctl watch`: transactions as they come.

import Foundation
import Testing

@Suite struct Watch {
  let place: Workplace
  init() throws {
    place = try Workplace()
    _ = try place.kvctl("put", "s", "sky", "a\tb")
    _ = try place.kvctl("import", "s", "-", input: Array("x\t1\ny\t2\n".utf8))
    _ = try place.kvctl("delete", "s", "sky")
  }

  private func tokens() throws -> [String] {
    let lines = try place.kvctl("watch", "s", "--all", "--no-wait").text.split(separator: "\n")
    let columns: [[Substring]] = lines.map { $0.split(separator: "\t") }
    return columns.filter { $0[1] == "commit" }.map { String($0[2]) }
  }

  @Test func `all transactions come in order, with their tokens behind them`() throws {
    let tokens = try tokens()
    try #require(tokens.count == 3)
    #expect(
      try place.kvctl("watch", "s", "--all", "--no-wait").text == """
        1\tput\tsky\ta\\tb
        1\tcommit\t\(tokens[0])
        2\tput\tx\t1
        2\tput\ty\t2
        2\tcommit\t\(tokens[1])
        3\tdelete\tsky
        3\tcommit\t\(tokens[2])

        """
    )
    let rest = try place.kvctl("watch", "s", "--after", tokens[0], "--no-wait", "--format", "jsonl")
    #expect(
      rest.text == """
        {"sequence":2,"token":"\(tokens[1])","changes":[{"key":"x","value":"1"},{"key":"y","value":"2"}]}
        {"sequence":3,"token":"\(tokens[2])","changes":[{"key":"sky","deleted":true}]}

        """
    )
    let one = try place.kvctl("watch", "s", "--all", "--limit", "1", "--format", "jsonl")
    #expect(one.text.hasPrefix(#"{"sequence":1,"#) && one.text.split(separator: "\n").count == 1)
    #expect(try place.kvctl("watch", "s", "--no-wait").text.isEmpty)
    #expect(try place.kvctl("stat", "s").text.contains(tokens[2]))
  }

  @Test func `what is written meanwhile comes, and the command ends at its limit`() throws {
    let outcome = try place.shell(
      """
      mkfifo pipe
      kvctl watch s --limit 2 > pipe &
      watcher=$!
      exec 3< pipe
      for number in 1 2 3 4 5 6 7 8 9; do kvctl put s "k$number" v; sleep 0.2; done
      wait $watcher
      cat <&3
      """
    )
    #expect(outcome.status == 0)
    let lines = outcome.text.split(separator: "\n").map {
      $0.split(separator: "\t").map(String.init)
    }
    try #require(lines.count == 4)
    #expect(lines.map { $0[1] } == ["put", "commit", "put", "commit"])
    #expect(Int(lines[2][0]) == Int(lines[0][0]).map { $0 + 1 })
  }

  @Test(.timeLimit(.minutes(1)))
  func `the command ends when nobody reads what it prints`() throws {
    #expect(try place.shell("kvctl watch s --all | head -n 1").text == "1\tput\tsky\ta\\tb\n")
  }

  @Test func `a token that says nothing is refused`() throws {
    #expect(try place.kvctl("watch", "s", "--after", "x").status == 64)
    let token = try tokens()[0]
    #expect(try place.kvctl("watch", "s", "--after", token, "--all").status == 64)
    #expect(try place.kvctl("watch", "none").status == 66)
    _ = try place.kvctl("put", "other", "a", "b")
    let foreign = try place.kvctl("watch", "other", "--after", token, "--no-wait")
    #expect(foreign.status == 66)
    #expect(foreign.errors == "kvctl: \(token): the store has no such transaction\n")
    for number in 0..<40 {
      let value = String(repeating: "\(number % 10)", count: 20_000)
      _ = try place.kvctl("put", "s", "large", value)
    }
    _ = try place.kvctl("compact", "s")
    let gone = try place.kvctl("watch", "s", "--after", token, "--no-wait")
    #expect(gone.status == 66)
    #expect(gone.errors.contains("were compacted away"))
  }
}
