// `kvctl repair`, and what `kvctl verify` tells programs.

import Foundation
import Testing

@Suite struct Repair {
  let place: Workplace

  /// A store with a damaged value whose older version is there, and one without.
  init() throws {
    place = try Workplace()
    for key in ["a", "b", "c"] { _ = try place.kvctl("put", "s", key, "value of \(key)") }
    _ = try place.kvctl("import", "s", "-", input: Array("x\tfirst of two\ny\t2\n".utf8))
    _ = try place.kvctl("put", "s", "b", "newer of b")
    try place.damage("newer of b", in: "s")
    try place.damage("first of two", in: "s")
  }

  @Test func `A dry run tells what would be kept, and what not and why`() throws {
    let before = try place.files(of: "s")
    let outcome = try place.kvctl("repair", "s", "--dry-run")
    #expect(outcome.status == 65)
    #expect(outcome.errors.hasPrefix("kvctl: s: not everything could be saved; 3 keys can be kept"))
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.count == 6)
    #expect(lines.contains { $0.hasPrefix("key b: lost; --older-versions keeps it as of ") })
    #expect(lines.contains("key x: lost"))
    #expect(lines.contains { $0.hasPrefix("transaction 4: some of its records are lost") })
    #expect(lines.contains { $0.hasSuffix("[corrupt, key x]") })
    #expect(lines.last == "s: 3 keys can be kept, 2 lost")
    #expect(try place.names() == ["s"])
    #expect(try place.files(of: "s") == before)
  }

  @Test func `What is sound goes into a new store, what is older only if that is wanted`() throws {
    let before = try place.files(of: "s")
    #expect(try place.kvctl("repair", "s", "--output", "new").status == 65)
    #expect(try place.kvctl("list", "new").text == "a\tvalue of a\nc\tvalue of c\ny\t2\n")
    #expect(try place.kvctl("verify", "new").status == 0)
    let older = try place.kvctl("repair", "s", "--output", "older", "--older-versions")
    #expect(older.status == 65)
    #expect(older.text.contains("key b: kept as of transaction 2, perhaps an older version\n"))
    #expect(try place.kvctl("get", "older", "b").text == "value of b")
    #expect(try place.kvctl("get", "older", "x").status == 1)
    #expect(try place.files(of: "s") == before)
    #expect(try place.names() == ["new", "older", "s"])
  }

  @Test func `The new store takes nobody's place, and a sound one is copied`() throws {
    _ = try place.kvctl("put", "sound", "k", "v")
    let taken = try place.kvctl("repair", "s", "--output", "sound")
    #expect(taken.status == 73 && taken.errors == "kvctl: sound: mkdir: File exists\n")
    let copy = try place.kvctl("repair", "sound", "--output", "copy")
    #expect(copy.status == 0 && copy.text == "sound: 1 key kept, 0 lost\n" && copy.errors == "")
    #expect(try place.kvctl("get", "copy", "k").text == "v")
    #expect(try place.kvctl("repair", "s", "--output", "none/new").status == 73)
    #expect(try place.kvctl("repair", "missing", "--dry-run").status == 66)
    #expect(try place.kvctl("repair", "s").status == 64)
    #expect(try place.kvctl("repair", "s", "--dry-run", "--output", "o").status == 64)
    #expect(try place.names() == ["copy", "s", "sound"])
  }

  @Test func `Programs get each finding and each key as JSON`() throws {
    func objects(_ command: [String]) throws -> [[String: Any]] {
      let outcome = try place.shell("kvctl \(command.joined(separator: " "))")
      #expect(outcome.status == 65)
      return try outcome.text.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }
    let found = try objects(["verify", "s", "--format", "jsonl"])
    #expect(found.map { $0["type"] as? String } == ["finding", "finding", "store"])
    #expect(found[0]["file"] as? String == "s/00000001.segment")
    #expect(found[0]["kind"] as? String == "corrupt")
    #expect(found[0]["cause"] as? String == "recordBody")
    let records = try #require(found[0]["records"] as? [[String: Any]])
    #expect(records.map { $0["key"] as? String } == ["x"])
    #expect(records[0]["offset"] as? Int == found[0]["offset"] as? Int)
    #expect(found[2]["sound"] as? Bool == false && found[2]["findings"] as? Int == 2)
    #expect(found[2]["records"] as? Int == 3)
    let told = try objects(["repair", "s", "--dry-run", "--format", "jsonl"])
    #expect(told.filter { $0["type"] as? String == "key" }.count == 2)
    #expect(told.last?["kept"] as? Int == 3 && told.last?["lost_unnamed"] as? Int == 0)
  }
}
