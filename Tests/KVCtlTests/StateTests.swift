import Fenceline
import Foundation
import SystemPackage
import Testing

@Suite struct `Stores in every state` {
  let place: Workplace
  init() throws { place = try Workplace() }

  static let reading = [
    ["get", "s", "a"], ["list", "s"], ["export", "s"], ["stat", "s"], ["verify", "s"],
  ]

  /// A store whose writer went without closing it.
  private func makeCrashedStore() throws {
    let store = try Store.open(at: FilePath(place.path + "/s"))
    try store.put("a", "first")
    try store.put("b", "second", durability: .durable)
  }

  /// A store with a value in the middle that is damaged, closed in order before.
  private func makeDamagedStore() throws {
    for key in ["a", "b", "c"] { _ = try place.kvctl("put", "s", key, "value of \(key)") }
    try place.damage("value of b", in: "s")
  }

  @Test(arguments: reading)
  func `A store after a crash is read, and not changed by it`(command: [String]) throws {
    try makeCrashedStore()
    let before = try place.files(of: "s")
    let line = command.joined(separator: " ")
    let outcome = try place.shell("kvctl \(line)")
    #expect(outcome.status == 0 && outcome.errors.isEmpty && !outcome.output.isEmpty)
    #expect(try place.files(of: "s") == before)
  }

  @Test func `A store after a crash takes the next write`() throws {
    try makeCrashedStore()
    #expect(try place.kvctl("put", "s", "c", "third").status == 0)
    #expect(try place.kvctl("list", "s").text == "a\tfirst\nb\tsecond\nc\tthird\n")
    #expect(try place.kvctl("verify", "s").text.contains("sound, 3 records"))
  }

  @Test(.enabled(if: getuid() != 0 || isInstalled("setpriv")), arguments: reading)
  func `A store in a directory that can't be written is read`(command: [String]) throws {
    try makeCrashedStore()
    _ = try place.shell("chmod 400 s/*; chmod 500 s")
    let line = command.joined(separator: " ")
    let outcome = try place.shell("without_privileges kvctl \(line)")
    #expect(outcome.status == 0 && !outcome.output.isEmpty)
    let put = try place.shell("without_privileges kvctl put s k v")
    #expect(put.status == 77)
    _ = try place.shell("chmod 700 s")
  }

  static let writing = [
    ["put", "s", "k", "v"], ["delete", "s", "a"], ["import", "s", "in.tsv"],
  ]

  /// Closed to others, as every store is made.
  @Test(.enabled(if: getuid() == 0 && isInstalled("setpriv")), arguments: reading + writing)
  func `Another user's store can't be used`(command: [String]) throws {
    try makeCrashedStore()
    try place.write("k\tv\n".utf8, to: "in.tsv")
    let before = try place.files(of: "s")
    let line = command.joined(separator: " ")
    let outcome = try place.shell(
      "chmod 755 . && setpriv --reuid 65534 --regid 65534 --clear-groups kvctl \(line)"
    )
    #expect(outcome.status == 77 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("kvctl: s: ") && outcome.errors.last == "\n")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try place.files(of: "s") == before)
  }

  @Test func `Reading works beside a writer`() throws {
    let store = try Store.open(at: FilePath(place.path + "/s"))
    try store.put("a", "1", durability: .durable)
    for command in Self.reading {
      #expect(try place.shell("kvctl \(command.joined(separator: " "))").status == 0)
    }
    try store.close()
  }

  @Test func `What is sound in a damaged store is printed, and the status is 65`() throws {
    try makeDamagedStore()
    let damaged = "kvctl: s/00000001.segment: damaged at offset "
    for command in ["list", "export"] {
      let outcome = try place.kvctl(command, "s")
      #expect(outcome.status == 65 && outcome.text == "a\tvalue of a\nc\tvalue of c\n")
      #expect(outcome.errors.hasPrefix(damaged))
    }
    let sound = try place.kvctl("get", "s", "a")
    #expect(sound.status == 0 && sound.text == "value of a")
    let lost = try place.kvctl("get", "s", "b")
    #expect(lost.status == 65 && lost.output.isEmpty && lost.errors.hasPrefix(damaged))
    #expect(try place.kvctl("stat", "s").text.contains("damaged places:              1\n"))
  }

  @Test func `Damage is reported by verify, place by place`() throws {
    try makeDamagedStore()
    let verify = try place.kvctl("verify", "s")
    #expect(verify.status == 65)
    #expect(verify.text.hasPrefix("s/00000001.segment: damaged at offset "))
    #expect(verify.text.contains("\ns: damaged, "))
    #expect(verify.errors.hasPrefix("kvctl: s: damaged in 1 place;"))
  }

  @Test func `A damaged store takes no writes, and says how to save it`() throws {
    try makeDamagedStore()
    let before = try place.files(of: "s")
    try place.write("k\tv\n".utf8, to: "in.tsv")
    for command in ["put s k v", "delete s a", "import s in.tsv"] {
      let outcome = try place.shell("kvctl \(command)")
      #expect(outcome.status == 65 && outcome.errors.contains("'kvctl export' saves"))
    }
    #expect(try place.files(of: "s") == before)
  }

  @Test func `An incomplete export does not replace a complete one`() throws {
    try makeDamagedStore()
    let first = try place.kvctl("export", "s", "out.tsv")
    #expect(first.status == 65 && first.errors.hasSuffix("2 entries, is in out.tsv\n"))
    try place.write("complete".utf8, to: "out.tsv")
    let second = try place.kvctl("export", "s", "out.tsv")
    #expect(second.status == 65 && second.errors.hasSuffix("is in out.tsv.partial\n"))
    #expect(try place.contents(of: "out.tsv") == Array("complete".utf8))
    let partial = try place.contents(of: "out.tsv.partial")
    #expect(partial == Array("a\tvalue of a\nc\tvalue of c\n".utf8))
  }

  @Test func `A sound store is said to be sound`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    let verify = try place.kvctl("verify", "s")
    #expect(verify.status == 0)
    #expect(verify.text == "s: sound, 1 record, 1 segment, closed in order\n")
  }

  @Test func `The facts about a store are the same as text and as JSON`() throws {
    _ = try place.kvctl("put", "s\"\n", "k", "v")
    let text = try place.kvctl("stat", "s\"\n").text
    let json = try place.kvctl("stat", "s\"\n", "--json")
    #expect(json.status == 0 && json.output.last == UInt8(ascii: "\n"))
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any]
    )
    #expect(object["store"] as? String == "s\"\n")
    #expect(object["keys"] as? Int == 1)
    #expect(object["closedInOrder"] as? Bool == true)
    #expect(object["damagedPlaces"] as? Int == 0)
    #expect(object["identifier"] as? String != nil)
    for title in ["medium:", "a durable write survives:", "copy policy:", "journal size:"] {
      #expect(text.contains(title))
    }
    for member in ["medium", "durableSurvives", "copyPolicy", "copyInstructions", "journalBytes"] {
      #expect(object[member] != nil)
    }
  }

  @Test func `What stat says of space adds up to what du says, before and after a compaction`()
    throws
  {
    for round in 0..<3 {
      let lines = (0..<20_000).map { "key \($0)\tvalue \($0) of round \(round)\n" }.joined()
      try place.write(lines.utf8, to: "in.tsv")
      #expect(try place.kvctl("import", "s", "in.tsv").status == 0)
    }
    func space() throws -> (sum: Int, live: Int, du: Int) {
      let json = try place.kvctl("stat", "s", "--json").output
      let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any] ?? [:]
      let parts = ["liveBytes", "deadBytes", "retainedBytes", "reservedBytes", "freeBytes"].map {
        object[$0] as? Int ?? -1
      }
      let du = try place.shell("du -s --block-size=1 s").text.split(separator: "\t")[0]
      return (parts.reduce(0, +), parts[0], Int(du) ?? 0)
    }
    let before = try space()
    #expect(before.sum == before.du && before.live > 20_000 * 30)
    let outcome = try place.kvctl("compact", "s")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.hasPrefix("s: \(before.du) bytes before, "))
    let after = try space()
    #expect(after.sum == after.du && after.live == before.live)
    // A segment of 256 KiB that is still empty, and the reserve.
    #expect(after.du < after.live * 11 / 10 + (400 << 10))
    #expect(try place.kvctl("get", "s", "key 19999").text == "value 19999 of round 2")
    #expect(try place.kvctl("verify", "s").status == 0)
    #expect(try place.kvctl("compact", "missing").status == 66)
  }

  @Test func `Every command explains itself with examples`() throws {
    let overview = try place.kvctl("--help")
    #expect(overview.status == 0 && overview.errors.isEmpty)
    let subcommands = overview.text.components(separatedBy: "SUBCOMMANDS:")[1]
      .split(separator: "\n").compactMap { (line) -> String? in
        line.hasPrefix("  ") && !line.hasPrefix("   ") && !line.contains("help <")
          ? line.split(separator: " ").first.map(String.init) : nil
      }
    #expect(subcommands.count == 18)
    for subcommand in subcommands {
      let help = try place.kvctl(subcommand, "--help")
      #expect(help.status == 0 && help.text.contains("EXAMPLES\n  kvctl \(subcommand) "))
    }
    #expect(try place.kvctl("--version").text == "kvctl 0.1.0\n")
  }
}
