import Testing

@Suite struct `Entries as lines` {
  let place: Workplace
  init() throws { place = try Workplace() }

  @Test func `A list is in the order of the keys' bytes`() throws {
    for key in ["b", "a\tb", "é", "B"] { _ = try place.kvctl("put", "s", key, "<\(key)>\n") }
    let tsv = try place.kvctl("list", "s")
    #expect(tsv.status == 0)
    #expect(tsv.text == "B\t<B>\\n\na\\tb\t<a\\tb>\\n\nb\t<b>\\n\né\t<é>\\n\n")
    #expect(try place.kvctl("list", "s", "--keys-only").text == "B\na\\tb\nb\né\n")
    #expect(try place.kvctl("list", "s", "--limit", "1", "--keys-only").text == "B\n")
    #expect(try place.kvctl("list", "s", "--limit", "0").text == "")
    #expect(try place.kvctl("list", "s", "--limit", "9", "--keys-only").text == "B\na\\tb\nb\né\n")
    #expect(try place.kvctl("list", "s", "--prefix", "a").text == "a\\tb\t<a\\tb>\\n\n")
    #expect(try place.kvctl("list", "s", "--prefix", "zz").status == 0)
  }

  @Test func `A list starts, ends and turns round where it is told to`() throws {
    for key in ["", "a", "ab", "b", "ba", "c"] { _ = try place.kvctl("put", "s", "--", key, "v") }
    func keys(_ options: String) throws -> String {
      let outcome = try place.shell("kvctl list s --keys-only \(options)")
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      return outcome.text.replacing("\n", with: ",")
    }
    #expect(try keys("--from ab") == "ab,b,ba,c,")
    #expect(try keys("--to b") == ",a,ab,")
    #expect(try keys("--from ab --to ba") == "ab,b,")
    #expect(try keys("--from ab --to ba --reverse") == "b,ab,")
    #expect(try keys("--reverse") == "c,ba,b,ab,a,,")
    #expect(try keys("--reverse --limit 2") == "c,ba,")
    #expect(try keys("--prefix b --reverse") == "ba,b,")
    #expect(try keys("--prefix b --from b0 --limit 1") == "ba,")
    #expect(try keys("--prefix b --to b0") == "b,")
    #expect(try keys("--prefix b --to a") == "")
    #expect(try keys("--from zz") == "")
    #expect(try keys("--hex --from 6162 --to 6261 --reverse") == "62,6162,")
  }

  @Test func `JSON lines hold what is not text in base64`() throws {
    _ = try place.kvctl("put", "s", "k\"", "v")
    _ = try place.kvctl("put", "--hex", "s", "ff", "fffe")
    let lines = try place.kvctl("list", "s", "--format", "jsonl").text
    #expect(
      lines == #"{"key":"k\"","value":"v"}"# + "\n"
        + #"{"key_base64":"/w==","value_base64":"//4="}"# + "\n"
    )
    let keys = try place.kvctl("list", "s", "--format", "jsonl", "--keys-only").text
    #expect(keys == #"{"key":"k\""}"# + "\n" + #"{"key_base64":"/w=="}"# + "\n")
  }

  @Test func `The sample records survive both formats`() throws {
    let records = try sampleRecords()
    #expect(try place.kvctl("import", "s", "-", input: records).status == 0)
    let first = try place.kvctl("export", "s")
    #expect(first.status == 0 && first.errors.isEmpty)
    #expect(try place.kvctl("export", "s", "s.jsonl").status == 0)
    #expect(try place.kvctl("import", "t", "s.jsonl").status == 0)
    let second = try place.kvctl("export", "t")
    let isSame = first.output == records && second.output == records
    #expect(isSame)
  }

  @Test(arguments: ["tsv", "jsonl"])
  func `Export, import and export give the same file twice`(format: String) throws {
    let records = try sampleRecords().split(separator: UInt8(ascii: "\n")).enumerated()
      .filter { $0.offset % 50 == 0 }.map(\.element).joined(separator: [UInt8(ascii: "\n")])
    _ = try place.kvctl("import", "s", "-", input: Array(records))
    _ = try place.kvctl("put", "--hex", "s", "00ff0a", "80090d5c00")
    _ = try place.kvctl("put", "s", "", "")
    #expect(try place.kvctl("export", "s", "1.\(format)").status == 0)
    #expect(try place.kvctl("import", "t", "1.\(format)").status == 0)
    // The format by option, where the name says nothing.
    #expect(try place.kvctl("export", "t", "2", "--format", format).status == 0)
    let (first, second) = (try place.contents(of: "1.\(format)"), try place.contents(of: "2"))
    let isSame = first == second && first.count > 50_000
    #expect(isSame)
    #expect(first.starts(with: (format == "tsv" ? "\t\n" : "{\"key\":\"\"").utf8))
  }

  @Test func `An export replaces a file and leaves no other`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    try place.write("old".utf8, to: "out.tsv")
    _ = try place.shell("ln -s out.tsv link.tsv; chmod 666 out.tsv")
    #expect(try place.kvctl("export", "s", "link.tsv").status == 0)
    #expect(try place.contents(of: "out.tsv") == Array("k\tv\n".utf8))
    #expect(try place.names() == ["link.tsv", "out.tsv", "s"])
    #expect(try place.shell("stat -c %a out.tsv; readlink link.tsv").text == "666\nout.tsv\n")
  }

  @Test func `An export into a device goes there`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    #expect(try place.shell("kvctl export s /dev/stdout | cat").text == "k\tv\n")
    #expect(try place.kvctl("export", "s", "/dev/full").status == 74)
  }

  @Test func `A malformed line ends an import, and what stands before it stays`() throws {
    var lines = (0..<2500).map { "key\($0)\tvalue" }
    lines.insert("no tab", at: 2200)
    try place.write((lines.joined(separator: "\n") + "\n").utf8, to: "in.tsv")
    let outcome = try place.kvctl("import", "s", "in.tsv")
    #expect(outcome.status == 65)
    #expect(
      outcome.errors
        == "kvctl: in.tsv: line 2201: no tab between key and value; 2200 entries are imported\n"
    )
    let list = try place.kvctl("list", "s", "--keys-only").text
    #expect(list.split(separator: "\n").count == 2200)
    #expect(list.contains("key2199\n") && !list.contains("key2200\n"))
  }

  @Test func `A malformed JSON line is named too`() throws {
    let input = #"{"key":"a","value":"1"}"# + "\n" + #"{"key":"b"}"# + "\n"
    let outcome = try place.kvctl("import", "s", "-", "--format", "jsonl", input: Array(input.utf8))
    #expect(outcome.status == 65)
    #expect(outcome.errors.hasPrefix("kvctl: standard input: line 2: "))
    #expect(outcome.errors.hasSuffix("; 1 entry is imported\n"))
  }

  @Test func `A key that no store takes is a malformed line`() throws {
    let input = Array("a\t1\n".utf8) + Array(repeating: 0x6b, count: 65_536) + Array("\tv\n".utf8)
    let outcome = try place.kvctl("import", "s", "-", input: input)
    #expect(outcome.status == 65 && outcome.errors.contains("line 2: a key of 65536 bytes"))
    #expect(try place.kvctl("list", "s").text == "a\t1\n")
  }

  @Test func `An import adds to what is there, and nothing is an import too`() throws {
    _ = try place.kvctl("put", "s", "a", "old")
    _ = try place.kvctl("put", "s", "b", "stays")
    #expect(try place.kvctl("import", "s", "-", input: Array("a\tnew\nc\t\n".utf8)).status == 0)
    #expect(try place.kvctl("list", "s").text == "a\tnew\nb\tstays\nc\t\n")
    #expect(try place.kvctl("import", "empty", "-").status == 0)
    #expect(try place.kvctl("list", "empty").status == 0)
  }

  @Test(.enabled(if: isInstalled("script")))
  func `Long work tells on a terminal what it did, and nothing elsewhere`() throws {
    try place.write("a\t1\nb\t2\n".utf8, to: "in.tsv")
    let quiet = try place.kvctl("import", "s", "in.tsv")
    #expect(quiet.output.isEmpty && quiet.errors.isEmpty)
    let talking = try place.shell("script -qec 'kvctl import s in.tsv' /dev/null")
    #expect(talking.text == "imported 2 entries\r\n")
    let export = try place.shell("script -qec 'kvctl export s out.tsv' /dev/null")
    #expect(export.text == "exported 2 entries\r\n")
  }

  @Test func `A reader that has seen enough ends a list without a word`() throws {
    // More than a pipe holds.
    let lines = (0..<20_000).map { "key\($0)\tvalue\n" }.joined()
    _ = try place.kvctl("import", "s", "-", input: Array(lines.utf8))
    let list = try place.shell("kvctl list s | head -1 | wc -l")
    #expect(list.status == 0 && list.text.hasSuffix("1\n") && list.errors.isEmpty)
    // As other filters end: by the signal, also where a parent ignored it.
    for trap in ["", "trap '' PIPE; "] {
      let status = try place.shell("(\(trap)kvctl list s; echo $? >&2) | head -1 > /dev/null")
      #expect(status.errors == "141\n")
    }
  }
}
