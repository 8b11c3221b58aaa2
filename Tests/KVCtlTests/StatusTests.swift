import Fenceline
import Foundation
import SystemPackage
import Testing

@testable import kvctl

@Suite struct `The exit status` {
  let place: Workplace
  init() throws { place = try Workplace() }

  /// Every command, with arguments that are fine but for the store.
  static let reading = [
    ["get", "s", "k"], ["list", "s"], ["export", "s"], ["stat", "s"], ["verify", "s"],
    ["index", "s", "out.sqlite"],
  ]
  static let writing = [["put", "s", "k", "v"], ["import", "s", "in.tsv"], ["delete", "s", "k"]]

  /// Runs a command and checks status and the one line of error.
  func expect(
    _ status: Int32,
    _ message: String,
    from command: [String],
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let line = command.map { "'\($0)'" }.joined(separator: " ")
    let outcome = try place.shell("without_privileges kvctl \(line)")
    #expect(outcome.status == status, "\(line): \(outcome.errors)", sourceLocation: location)
    #expect(outcome.errors.hasPrefix("kvctl: "), sourceLocation: location)
    #expect(outcome.errors.contains(message), "\(outcome.errors)", sourceLocation: location)
    #expect(outcome.errors.filter { $0 == "\n" }.count == 1, sourceLocation: location)
  }

  @Test(arguments: [
    [], ["get"], ["get", "s"], ["list", "s", "--limit", "many"], ["list", "s", "--limit=-1"],
    ["list", "s", "--format", "xml"], ["list", "s", "--hex", "--format", "jsonl"],
    ["list", "s", "--from", "b", "--to", "a"], ["list", "s", "--from", "a", "--to", "a"],
    ["list", "s", "--to", ""], ["list", "s", "--hex", "--to", "0"], ["list", "s", "--from"],
    ["list", "s", "--hex", "--from", "xx"], ["list", "s", "--reverse=yes"],
    ["get", "--hex", "s", "0"], ["put", "--hex", "s", "00", "0g"], ["list", "", "k"],
    ["get", "s", String(repeating: "k", count: 65_536)], ["nonsense"], ["stat", "s", "--yaml"],
  ])
  func `64 is wrong usage, and creates nothing`(arguments: [String]) throws {
    let line = arguments.map { "'\($0)'" }.joined(separator: " ")
    let outcome = try place.shell("kvctl \(line)")
    if arguments.isEmpty {
      #expect(outcome.status == 0 && outcome.text.contains("SUBCOMMANDS"))
    } else {
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      #expect(outcome.errors.hasPrefix("Error: ") && outcome.errors.contains("Usage: kvctl"))
    }
    #expect(try place.names().isEmpty)
  }

  @Test func `64 is also an argument that is not text`() throws {
    let outcome = try place.shell(#"kvctl put s "$(printf '\377')" v"#)
    #expect(outcome.status == 64 && outcome.errors.contains("argument 3 is not UTF-8"))
    #expect(try place.names().isEmpty)
  }

  @Test(arguments: reading + [["delete", "s", "k"]])
  func `66 is no store, and none is created`(command: [String]) throws {
    try expect(66, "s: no store there", from: command)
    #expect(try place.names().isEmpty)
    try FileManager.default.createDirectory(
      atPath: place.path + "/s",
      withIntermediateDirectories: true
    )
    try expect(66, "s: no store there", from: command)
    try place.write([1], to: "s/other")
    try expect(66, "s: no store there", from: command)
    #expect(try place.names(in: "s") == ["other"])
    try FileManager.default.removeItem(atPath: place.path + "/s")
    try place.write([1], to: "s")
    try expect(66, "s: ", from: command)
  }

  @Test func `66 is no input, and no store is created then`() throws {
    try expect(66, "in.tsv: ", from: ["import", "s", "in.tsv"])
    try expect(66, "/: Is a directory", from: ["import", "s", "/"])
    #expect(try place.names().isEmpty)
  }

  @Test func `69 is a copy core that this machine lacks`() throws {
    let outcome = try place.shell("PMEM_IS_PMEM_FORCE=1 FENCELINE_COPY=none-such kvctl put s k v")
    #expect(outcome.status == 69 && outcome.errors.hasPrefix("kvctl: FENCELINE_COPY"))
  }

  @Test(arguments: [["put", "s", "k", "v"], ["import", "s", "in.tsv"]])
  func `73 is a place where no store can be created`(command: [String]) throws {
    try place.write("k\tv\n".utf8, to: "in.tsv")
    try expect(73, "s/t: ", from: [command[0], "s/t"] + command.dropFirst(2))
    try FileManager.default.createDirectory(
      atPath: place.path + "/s",
      withIntermediateDirectories: true
    )
    try place.write([1], to: "s/other")
    try expect(73, "s: a directory with other files", from: command)
    #expect(try place.names(in: "s") == ["other"])
    try FileManager.default.removeItem(atPath: place.path + "/s")
    try place.write([1], to: "s")
    try expect(73, "s: ", from: command)
  }

  @Test func `73 is a file that can't be created`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    try expect(73, "none/out: ", from: ["export", "s", "none/out"])
    try expect(73, "s: Is a directory", from: ["export", "s", "s"])
  }

  @Test(
    arguments: reading.filter { $0[0] != "index" } + [
      ["--help"], ["--version"], ["put", "--help"],
    ]
  )
  func `74 is an output that can't be written`(command: [String]) throws {
    _ = try place.kvctl("put", "s", "k", "v")
    let line = command.joined(separator: " ")
    let full = try place.shell("kvctl \(line) > /dev/full")
    #expect(full.status == 74)
    #expect(full.errors == "kvctl: standard output: No space left on device\n")
    // A descriptor that is closed is never taken by a file of the store.
    let closed = try place.shell("kvctl \(line) >&-")
    #expect(closed.status == 74)
    #expect(closed.errors == "kvctl: standard output: Bad file descriptor\n")
  }

  @Test func `Messages to nowhere do not get into a store`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    let before = try place.files(of: "s")
    let outcome = try place.shell("kvctl delete s other <&- >&- 2>&-; kvctl put s k 2>&- <&-")
    #expect(outcome.status == 74)
    #expect(try place.kvctl("verify", "s").status == 0)
    #expect(try place.files(of: "s").keys == before.keys)
    #expect(try place.kvctl("get", "s", "k").text == "v")
  }

  @Test func `74 is a closed input, and no file of the store is read in its place`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    for command in ["put s k", "import s -"] {
      let outcome = try place.shell("kvctl \(command) <&-")
      #expect(outcome.status == 74)
      #expect(outcome.errors.hasPrefix("kvctl: standard input: Bad file descriptor"))
    }
    #expect(try place.kvctl("get", "s", "k").text == "v")
  }

  @Test func `74 is a medium without room, and what was committed stays`() throws {
    try place.write(try sampleRecords(), to: "in.tsv")
    // Small batches fit into small segments; those of the large records do not.
    let outcome = try place.shell("trap '' XFSZ; ulimit -f 300; kvctl import s in.tsv")
    #expect(outcome.status == 74)
    #expect(outcome.errors.contains("no room left"))
    let words = outcome.errors.split(separator: " ")
    let named = try #require(words.firstIndex(of: "entries").map { Int(words[$0 - 1]) })
    let list = try place.kvctl("list", "s", "--keys-only")
    #expect(list.status == 0)
    #expect(list.text.split(separator: "\n").count == named)
  }

  @Test(arguments: writing)
  func `75 is a store that is open for writing elsewhere`(command: [String]) throws {
    try place.write("k\tv\n".utf8, to: "in.tsv")
    let store = try Store.open(at: FilePath(place.path + "/s"))
    try store.put("k", "first", durability: .durable)
    try expect(75, "s: open for writing elsewhere; try again", from: command)
    #expect(try place.kvctl("get", "s", "k").text == "first")
    try store.close()
    #expect(try place.kvctl("put", "s", "k", "v").status == 0)
  }

  @Test(.enabled(if: getuid() != 0 || isInstalled("setpriv")), arguments: reading + writing)
  func `77 is a store that one may not enter`(command: [String]) throws {
    try place.write("k\tv\n".utf8, to: "in.tsv")
    _ = try place.kvctl("put", "s", "k", "v")
    _ = try place.shell("chmod 000 s")
    try expect(77, "s: ", from: command)
    _ = try place.shell("chmod 700 s")
  }

  @Test(.enabled(if: getuid() != 0 || isInstalled("setpriv")))
  func `77 is a file that one may not read or a directory that one may not write`() throws {
    _ = try place.kvctl("put", "s", "k", "v")
    try place.write([], to: "in.tsv")
    _ = try place.shell("chmod 000 in.tsv; mkdir d; chmod 555 d")
    try expect(77, "in.tsv: ", from: ["import", "t", "in.tsv"])
    try expect(77, "d/out: ", from: ["export", "s", "d/out"])
    try expect(77, "d/t: ", from: ["put", "d/t", "k", "v"])
  }

  @Test(arguments: [
    (StoreError.noStore("s"), 66), (.notAStore("s"), 73), (.locked("s"), 75),
    (.corrupt(file: "f", offset: 0, cause: .recordBody), 65),
    (.newerFormat(file: "f", feature: "x"), 65), (.mediaError(file: "f", offset: 0), 74),
    (.full("s"), 74), (.poisoned, 74), (.addressSpaceExhausted, 74),
    (.system(operation: "open", path: "f", cause: .permissionDenied), 77),
    (.system(operation: "open", path: "f", cause: .readOnlyFileSystem), 77),
    (.system(operation: "open", path: "f", cause: .noSuchFileOrDirectory), 66),
    (.system(operation: "mkdir", path: "f", cause: .noSuchFileOrDirectory), 73),
    (.system(operation: "fdatasync", path: "f", cause: .ioError), 74),
    (.insufficientDurability(required: .powerFailure, offered: .nothing), 69),
    (.copyCoreUnavailable, 69), (.keyTooLong(length: 1), 64), (.closed, 70),
  ])
  func `Every error of a store has its status`(error: StoreError, status: Int) {
    #expect(Int(ExitStatus(error, isCreating: false).rawValue) == status)
  }
}
