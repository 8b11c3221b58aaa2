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
}
