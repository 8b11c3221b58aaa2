import Testing

@Suite struct `An index in SQLite` {
  let place: Workplace
  init() throws { place = try Workplace() }

  @Test func `An index is a database, and replaces an older one`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    let before = try place.files(of: "s")
    for _ in 1...2 {
      let outcome = try place.kvctl("index", "s", "out.sqlite")
      #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    }
    #expect(try place.contents(of: "out.sqlite").starts(with: "SQLite format 3\0".utf8))
    #expect(try place.names() == ["out.sqlite", "s"])
    #expect(try place.files(of: "s") == before)
  }

  @Test func `An index is not written over another file, nor where there is no directory`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    try place.write("precious".utf8, to: "notes.txt")
    let foreign = try place.kvctl("index", "s", "notes.txt")
    #expect(foreign.status == 73 && foreign.errors.contains("notes.txt: not an index"))
    #expect(try place.contents(of: "notes.txt") == Array("precious".utf8))
    let nowhere = try place.kvctl("index", "s", "none/out.sqlite")
    #expect(nowhere.status == 73 && nowhere.errors.hasPrefix("kvctl: none"))
    #expect(try place.kvctl("index", "other", "out.sqlite").status == 66)
    #expect(try place.names() == ["notes.txt", "s"])
  }

  @Test func `There is no index of a damaged store`() throws {
    _ = try place.kvctl("put", "s", "k", "value of k")
    try place.damage("value of k", in: "s")
    let outcome = try place.kvctl("index", "s", "out.sqlite")
    #expect(outcome.status == 65 && outcome.errors.hasPrefix("kvctl: s/00000001.segment: damaged"))
    #expect(try place.names() == ["s"])
  }
}
