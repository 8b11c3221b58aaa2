// `kvctl list`: entries in key order, as lines.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print entries in key order.",
    discussion: """
      One line an entry. TSV: key, tab, value, with the escapes \\t \\n \\r \\\\ \\xHH. JSON lines: \
      {"key":"...","value":"..."}, or key_base64 and value_base64 for bytes that are not text. \
      Keys are ordered by their bytes; one that begins another comes before it. --from, --to and \
      --prefix may be combined: what is printed lies within all of them. Of a damaged store everything sound is printed; the status \
      is then 65.

      EXAMPLES
        kvctl list notes
        kvctl list notes --prefix 2026- --limit 10
        kvctl list notes --from 2026-01 --to 2026-03
        kvctl list notes --reverse --limit 1
        kvctl list notes --keys-only | wc -l
        kvctl list notes --format jsonl | jq .
        kvctl list table --hex --prefix 00ff
        kvctl list notes --at 17
        kvctl list notes --namespace shopping
      """
  )

  @OptionGroup var location: StoreArgument

  @OptionGroup var moment: MomentOption

  @OptionGroup var place: NamespaceOption

  @Option(help: "No key before this one.")
  var from: String?

  @Option(help: "Neither this key nor one behind it.")
  var to: String?

  @Option(help: "Only keys that begin with this.")
  var prefix: String?

  @Flag(help: "The last key first; a limit then keeps the last entries.")
  var reverse = false

  @Option(help: "At most this many entries.")
  var limit: Int?

  @Flag(help: "Print no values.")
  var keysOnly = false

  @Option(help: "Format of the lines.")
  var format = TextFormat.tsv

  @Flag(help: "Keys and values are printed in hexadecimal, and given so in --from, --to, --prefix.")
  var hex = false

  func validate() throws {
    let (from, to) = (try fromBytes, try toBytes)
    _ = try prefixBytes
    if let to, !from.lexicographicallyPrecedes(to) {
      throw ValidationError("No key lies between --from and --to: --to has to be the larger one.")
    }
    if let limit, limit < 0 { throw ValidationError("The limit can't be negative.") }
    if hex, format == .jsonl {
      throw ValidationError("--hex prints columns; JSON lines need none, base64 is part of them.")
    }
  }

  func run() throws {
    var lines = EntryLines(form: form)
    lines.start = try fromBytes
    lines.end = try toBytes
    lines.prefix = try prefixBytes
    lines.isReversed = reverse
    lines.limit = limit ?? .max
    let (store, namespace) = try reportingStoreErrors { () throws(StoreError) in
      let store = try moment.open(location.store)
      return (store, try place.find(in: store))
    }
    var standardOutput = Output.standard()
    if let damage = try lines.write(store, namespace, to: &standardOutput).damage {
      throw Failure(damage, remainder: "what is sound was printed")
    }
  }

  private var form: EntryLines.Form {
    if hex { return keysOnly ? .hexKeys : .hexEntries }
    return keysOnly ? .keys(format) : .entries(format)
  }

  private var fromBytes: [UInt8] {
    get throws { try bytes(of: from ?? "", isHex: hex, "start") }
  }

  private var toBytes: [UInt8]? {
    get throws { try to.map { try bytes(of: $0, isHex: hex, "end") } }
  }

  private var prefixBytes: [UInt8] {
    get throws { try bytes(of: prefix ?? "", isHex: hex, "prefix") }
  }
}
