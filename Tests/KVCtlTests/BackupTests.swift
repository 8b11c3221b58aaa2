// `kvctl backup`, `restore`, and `verify` of a backup.

import Foundation
import Testing

@Suite struct `A backup` {
  let place: Workplace
  init() throws {
    place = try Workplace()
    _ = try place.kvctl("import", "s", "-", input: Array("a\t1\nb\t2\n".utf8))
  }

  @Test func `is made, goes on, is verified and restored`() throws {
    let first = try place.kvctl("backup", "s", "d")
    #expect(first.status == 0 && first.errors.isEmpty)
    #expect(
      first.text.hasPrefix("d: 1 segment, ")
        && first.text.hasSuffix(" bytes copied, 0 bytes there already, at sequence 1\n")
    )
    _ = try place.kvctl("put", "s", "c", "3")
    let second = try place.kvctl("backup", "s", "d")
    #expect(second.text.hasSuffix(" bytes there already, at sequence 2\n"))
    let verified = try place.kvctl("verify", "d")
    #expect(verified.text.hasPrefix("d: a sound backup, 1 segment, "))
    #expect(verified.text.hasSuffix(" bytes, at sequence 2\n"))
    let restored = try place.kvctl("restore", "d", "r")
    #expect(restored.text.hasPrefix("r: 1 segment, ") && restored.status == 0)
    #expect(try place.kvctl("export", "r").text == "a\t1\nb\t2\nc\t3\n")
    #expect(try place.kvctl("get", "r", "c", "--at", "1").status == 1)
    #expect(try place.names() == ["d", "r", "s"])
    _ = try place.kvctl("put", "s", "d", "4")
    let token = try place.kvctl("watch", "s", "--all", "--no-wait", "--format", "jsonl").text
      .split(separator: "\n").last?.split(separator: "\"").first { $0.hasSuffix("-3") }
    let refused = try place.kvctl("watch", "r", "--after", String(token ?? ""), "--no-wait")
    #expect(refused.status == 66 && refused.errors.contains("no such transaction"))
  }

  @Test func `that is damaged gives status 65, and can be mended from the store`() throws {
    _ = try place.kvctl("backup", "s", "d")
    let name = try #require(try place.names(in: "d").first { $0.hasSuffix(".part") })
    try place.damage("b2", in: "d")
    let verified = try place.kvctl("verify", "d")
    #expect(verified.status == 65 && verified.text.contains("d/\(name): damaged at offset 0"))
    #expect(verified.errors.hasPrefix("kvctl: d: damaged in 1 place"))
    #expect(try place.kvctl("restore", "d", "r").status == 65)
    #expect(try place.names() == ["d", "s"])
    #expect(try place.kvctl("backup", "s", "d", "--check").status == 0)
    #expect(try place.kvctl("verify", "d").status == 0)
    try place.damage("b2", in: "s")
    let refused = try place.kvctl("backup", "s", "e")
    #expect(refused.status == 65 && refused.errors.contains("s/00000001.segment: damaged at"))
    #expect(try place.names() == ["d", "s"])
  }

  @Test func `is no store, and other things are no backup`() throws {
    _ = try place.kvctl("backup", "s", "d")
    let files = try place.files(of: "d")
    for command in [["stat", "d"], ["get", "d", "a"], ["list", "d"], ["compact", "d"]] {
      let outcome = try place.shell("kvctl \(command.joined(separator: " "))")
      #expect(outcome.status == 66 && outcome.errors.contains("d: a backup and not a store"))
    }
    #expect(try place.kvctl("put", "d", "a", "1").status == 73)
    #expect(try place.files(of: "d") == files)
    _ = try place.kvctl("put", "t", "a", "1")
    for (arguments, status, message) in [
      (["backup", "none", "d"], 66, "none: no store there"),
      (["backup", "t", "d"], 73, "d: holds a backup of another store"),
      (["backup", "s", "t"], 73, "t: a directory with other files"),
      (["backup", "s", "none/d"], 73, "none/d: "), (["restore", "none", "r"], 66, "none: no"),
      (["restore", "s", "r"], 66, "s: no complete backup"),
      (["restore", "d", "t"], 73, "t: there is something"),
      (["restore", "d", "none/r"], 73, "none/r"),
    ] as [([String], Int32, String)] {
      let outcome = try place.shell("kvctl \(arguments.joined(separator: " "))")
      #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("kvctl: \(message)"), "\(outcome.errors)")
    }
    #expect(try place.names() == ["d", "s", "t"])
  }
}
