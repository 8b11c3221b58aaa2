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

  /// All that stands in an index, but when and by which opening it was written.
  private static let dump = """
    dump() {
      sqlite3 -readonly "$1" 'SELECT hex(key), * FROM entries; SELECT * FROM segments;
        SELECT * FROM store WHERE name NOT IN ("exported_at", "records_at_opening", "was_closed")'
    }
    expect_whole() {
      kvctl index s whole.sqlite && dump whole.sqlite > wanted && dump out.sqlite > got
      cmp wanted got || exit 9
    }

    """

  @Test func `An update says what a whole index says, and why where it has to write one`() throws {
    let outcome = try place.shell(
      Self.dump + """
        kvctl put s a 1 && kvctl index s out.sqlite --update && expect_whole
        kvctl put s b 2 && kvctl delete s a && kvctl index s out.sqlite --update && expect_whole
        for number in 1 2 3 4 5 6 7 8 9; do
          head -c 60000 /dev/zero | kvctl put s large -
        done
        kvctl compact s && kvctl index s out.sqlite --update && expect_whole
        ls
        """
    )
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("kvctl: out.sqlite: compactions have taken changes"))
    #expect(outcome.text.hasSuffix("got\nout.sqlite\ns\nwanted\nwhole.sqlite\n"))
  }

  @Test func `What can't be updated is refused with a status`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    _ = try place.kvctl("put", "t", "k", "v")
    _ = try place.kvctl("index", "t", "out.sqlite")
    let other = try place.kvctl("index", "s", "out.sqlite", "--update")
    #expect(other.status == 73 && other.errors.contains("out.sqlite: the index of another store"))
    let old = try place.shell(
      "sqlite3 out.sqlite 'PRAGMA user_version = 1' && kvctl index t out.sqlite --update"
    )
    #expect(old.status == 65 && old.errors.contains("an index of version 1"))
    try place.write("precious".utf8, to: "notes.txt")
    #expect(try place.kvctl("index", "s", "notes.txt", "--follow").status == 73)
    #expect(try place.contents(of: "notes.txt") == Array("precious".utf8))
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["TERM", "INT"])
  func `An index that follows comes to what is written, and ends in order`(signal: String) throws {
    let outcome = try place.shell(
      Self.dump + """
        kvctl put s a 1
        kvctl index s out.sqlite --follow & follower=$!
        for number in 1 2 3 4 5 6; do kvctl put s "k$number" v; done
        for tries in $(seq 500); do
          [ "$(sqlite3 -readonly out.sqlite 'SELECT count(*) FROM entries' 2>&1)" = 7 ] && break
          sleep 0.02
        done
        kill -\(signal) $follower; wait $follower; echo "status $?"
        expect_whole
        ls
        """
    )
    #expect(outcome.errors == "")
    #expect(outcome.text == "status 0\ngot\nout.sqlite\ns\nwanted\nwhole.sqlite\n")
  }

  // A follower that is killed leaves a log beside the database, or a journal that the next one who may
  // write rolls back; rows and token are of one step.
  @Test(.timeLimit(.minutes(1)))
  func `An index whose follower was killed is whole, and goes on from there`() throws {
    let outcome = try place.shell(
      Self.dump + """
        kvctl put s a 1 && kvctl index s out.sqlite
        for round in 1 2 3; do
          kvctl index s out.sqlite --follow & follower=$!
          seq -f "key $round.%g\tv" 8000 | kvctl import s - &
          sleep 0.$round
          kill -KILL $follower; wait
          sqlite3 out.sqlite 'PRAGMA integrity_check;
            SELECT (SELECT value FROM store WHERE name = "key_count") = count(*) FROM entries'
          kvctl index s out.sqlite --update && expect_whole
        done
        """
    )
    #expect(outcome.status == 0)
    #expect(outcome.text == String(repeating: "ok\n1\n", count: 3))
  }
}
