// `--namespace`, `kvctl namespaces` and `kvctl drop`.

import Testing

@Suite struct `Namespaces` {
  let place: Workplace
  init() throws { place = try Workplace() }

  /// A store with a key of one name in three places.
  private func prepare() throws {
    let outcome = try place.shell(
      """
      set -e
      kvctl put s milk default
      kvctl put s milk 'two bottles' --namespace shopping
      kvctl put s milk white -n colours
      printf 'sky\\tblue\\ngrass\\tgreen\\n' | kvctl import s - -n colours
      """
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func `put and import create a namespace; get, list and export show it alone`() throws {
    try prepare()
    #expect(try place.kvctl("get", "s", "milk").text == "default")
    #expect(try place.kvctl("get", "s", "milk", "-n", "shopping").text == "two bottles")
    #expect(try place.kvctl("list", "s").text == "milk\tdefault\n")
    let colours = "grass\tgreen\nmilk\twhite\nsky\tblue\n"
    #expect(try place.kvctl("list", "s", "-n", "colours").text == colours)
    #expect(
      try place.kvctl("list", "s", "-n", "colours", "--reverse", "--limit", "1").text
        == "sky\tblue\n"
    )
    #expect(try place.kvctl("export", "s", "-", "--namespace", "colours").text == colours)
    #expect(try place.kvctl("namespaces", "s").text == "colours\t3\nshopping\t1\n")
    #expect(
      try place.kvctl("namespaces", "s", "--format", "jsonl").text
        == #"{"namespace":"colours","keys":3}"# + "\n" + #"{"namespace":"shopping","keys":1}"#
        + "\n"
    )
    #expect(try place.shell("kvctl stat s --json | grep -c '\"namespaces\":2'").text == "1\n")
  }

  @Test func `delete, log and diff look into one namespace`() throws {
    try prepare()
    let before = try place.shell("kvctl log s milk -n colours | cut -f 1").text.dropLast()
    #expect(try place.kvctl("delete", "s", "milk", "-n", "colours").status == 0)
    #expect(try place.kvctl("delete", "s", "milk", "-n", "colours").status == 1)
    #expect(try place.kvctl("get", "s", "milk").text == "default")
    #expect(
      try place.shell("kvctl log s milk -n colours | cut -f 2,3").text == "delete\nput\twhite\n"
    )
    #expect(
      try place.kvctl("diff", "s", String(before), "-n", "colours").text
        == "+\tgrass\tgreen\n-\tmilk\twhite\n+\tsky\tblue\n"
    )
    #expect(
      try place.kvctl("get", "s", "milk", "-n", "colours", "--at", String(before)).text == "white"
    )
  }

  @Test func `A namespace that is missing ends every command with 1 and a line`() throws {
    try prepare()
    for command in [
      ["get", "s", "k"], ["list", "s"], ["export", "s"], ["delete", "s", "k"], ["log", "s", "k"],
      ["diff", "s", "1"],
    ] {
      let line = command.joined(separator: " ")
      let outcome = try place.shell("kvctl \(line) -n none")
      #expect(outcome.status == 1 && outcome.output.isEmpty, "\(line)")
      #expect(outcome.errors == "kvctl: there is no namespace 'none'\n", "\(line)")
    }
    let drop = try place.kvctl("drop", "s", "none")
    #expect(drop.status == 1 && drop.errors == "kvctl: there is no namespace 'none'\n")
    #expect(try place.kvctl("drop", "no-store", "none").status == 66)
    #expect(try place.kvctl("put", "s", "k", "v", "-n", "").status == 64)
  }

  @Test func `drop takes everything, says so, and watch tells it`() throws {
    try prepare()
    let drop = try place.kvctl("drop", "s", "colours")
    #expect(drop.status == 0 && drop.text == "s: dropped the namespace 'colours'\n")
    #expect(try place.kvctl("namespaces", "s").text == "shopping\t1\n")
    #expect(try place.kvctl("list", "s").text == "milk\tdefault\n")
    let lines = try place.shell("kvctl watch s --all --no-wait | grep -v commit | cut -f 2-").text
    #expect(
      lines == "put\tmilk\tdefault\nput-in\tshopping\tmilk\ttwo bottles\ndrop\tcolours\n"
    )
    let json = try place.shell(
      "kvctl watch s --all --no-wait --format jsonl -n shopping | sed 's/.*changes/changes/'"
    ).text
    #expect(
      json
        == #"changes":[{"namespace":"shopping","key":"milk","value":"two bottles"}]}"# + "\n"
    )
    #expect(try place.kvctl("compact", "s").status == 0)
    #expect(try place.shell("kvctl verify s").status == 0)
    #expect(try place.kvctl("get", "s", "milk", "-n", "shopping").text == "two bottles")
    // One of the same name is another one.
    #expect(try place.kvctl("put", "s", "k", "v", "-n", "colours").status == 0)
    #expect(try place.kvctl("list", "s", "-n", "colours").text == "k\tv\n")
  }

  @Test func `What ends ends in a namespace too, and its lines carry when`() throws {
    let outcome = try place.shell(
      """
      set -e
      kvctl put s stays 1 -n n --expires-in 10d
      kvctl put s goes 2 -n n --expires-in 0s
      kvctl export s s.jsonl -n n
      kvctl import t s.jsonl -n other
      kvctl export t - -n other --format jsonl | diff - s.jsonl
      grep -c '"expires":' s.jsonl
      kvctl list t -n other
      """
    )
    #expect(outcome.status == 0 && outcome.text == "1\nstays\t1\n", "\(outcome)")
  }

  @Test func `Whatever copies a store takes its namespaces along`() throws {
    try prepare()
    let outcome = try place.shell(
      """
      set -e
      kvctl put s gone 1 -n dropped && kvctl drop s dropped
      kvctl backup s copy && kvctl restore copy restored
      kvctl repair s --output repaired
      kvctl index s s.sqlite
      kvctl put s milk none -n colours && kvctl index s s.sqlite --update
      sqlite3 -separator : s.sqlite \
        "SELECT namespace, count(*) FROM entries GROUP BY namespace; SELECT name FROM namespaces"
      for store in restored repaired; do
        kvctl namespaces $store
        kvctl list $store -n colours | head -n 1
      done
      """
    )
    let namespaces = "colours\t3\nshopping\t1\ngrass\tgreen\n"
    #expect(outcome.status == 0, "\(outcome)")
    #expect(
      outcome.text.hasSuffix(
        ":1\ncolours:3\nshopping:1\ncolours\nshopping\n" + namespaces + namespaces
      ),
      "\(outcome)"
    )
  }

  @Test func `An export says what is not in it`() throws {
    try prepare()
    let outcome = try place.kvctl("export", "s", "s.tsv")
    #expect(outcome.status == 0 && outcome.errors.contains("2 other namespaces are not in it"))
    #expect(try !place.kvctl("export", "s", "-", "-n", "colours").errors.contains("not in it"))
  }
}
