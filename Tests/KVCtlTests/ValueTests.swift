import Testing

@Suite struct `One key and its value` {
  let place: Workplace
  init() throws { place = try Workplace() }

  @Test func `What was put can be got, and put creates the store`() throws {
    let put = try place.kvctl("put", "s", "milk", "two bottles")
    #expect(put.status == 0 && put.output.isEmpty && put.errors.isEmpty)
    let get = try place.kvctl("get", "s", "milk")
    #expect(get.status == 0 && get.text == "two bottles" && get.errors.isEmpty)
  }

  @Test func `A later value replaces an earlier one`() throws {
    _ = try place.kvctl("put", "s", "k", "1")
    _ = try place.kvctl("put", "s", "k", "2")
    #expect(try place.kvctl("get", "s", "k").text == "2")
  }

  @Test(arguments: [0, 1, 65_536, 3_000_001], [["-"], []])
  func `Any bytes come back as they went in`(length: Int, dash: [String]) throws {
    var state: UInt32 = 1
    let value = (0..<length).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    let command = (["kvctl put s k"] + dash).joined(separator: " ")
    #expect(try place.shell(command, input: value).status == 0)
    let get = try place.kvctl("get", "s", "k")
    #expect(get.status == 0)
    let isSame = get.output == value
    #expect(isSame)
  }

  @Test func `An empty value on the command line is a value`() throws {
    #expect(try place.kvctl("put", "s", "k", "", input: [1, 2]).status == 0)
    let get = try place.kvctl("get", "s", "k")
    #expect(get.status == 0 && get.output.isEmpty)
  }

  @Test func `Keys and values may begin with a dash behind two dashes`() throws {
    #expect(try place.kvctl("put", "s", "--", "-k", "-v").status == 0)
    #expect(try place.kvctl("get", "s", "--", "-k").text == "-v")
  }

  @Test func `Hexadecimal arguments stand for bytes`() throws {
    #expect(try place.kvctl("put", "--hex", "s", "00Ff", "0aFF00").status == 0)
    let get = try place.kvctl("get", "--hex", "s", "00fF")
    #expect(get.status == 0 && get.text == "0aff00\n")
    #expect(try place.kvctl("put", "--hex", "s", "6b", "-", input: [0x31]).status == 0)
    #expect(try place.kvctl("get", "s", "k").text == "1")
    #expect(try place.kvctl("list", "s", "--hex").text == "00ff\t0aff00\n6b\t31\n")
    #expect(try place.kvctl("delete", "--hex", "s", "00ff").status == 0)
    #expect(try place.kvctl("list", "s", "--hex", "--keys-only").text == "6b\n")
  }

  @Test func `The empty key is a key`() throws {
    #expect(try place.kvctl("put", "s", "", "v").status == 0)
    #expect(try place.kvctl("get", "s", "").text == "v")
  }

  @Test func `A key that is not there gives 1 and no word`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    for command in ["get", "delete"] {
      let outcome = try place.kvctl(command, "s", "other")
      #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.errors.isEmpty)
    }
  }

  @Test func `A deleted key is gone`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    #expect(try place.kvctl("delete", "s", "k").status == 0)
    #expect(try place.kvctl("get", "s", "k").status == 1)
    #expect(try place.kvctl("delete", "s", "k").status == 1)
  }

  @Test(.enabled(if: isInstalled("script")))
  func `A newline ends a value on a terminal, unless it has one`() throws {
    _ = try place.kvctl("put", "s", "without", "v")
    _ = try place.kvctl("put", "s", "with", "v\n")
    // Terminals write newlines as CR LF.
    for key in ["without", "with"] {
      let get = try place.shell("script -qec 'kvctl get s \(key)' /dev/null")
      #expect(get.status == 0 && get.text == "v\r\n")
    }
  }

  @Test(.enabled(if: isInstalled("script")))
  func `A put without a value on a terminal says what to do`() throws {
    let put = try place.shell("script -qec 'kvctl put s k' /dev/null < /dev/null")
    #expect(put.status == 64)
    #expect(put.text.contains("give one after the key"))
    #expect(try place.names().isEmpty)
  }
}
