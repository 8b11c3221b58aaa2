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
      Keys are ordered by their bytes. Of a damaged store everything sound is printed; the status \
      is then 65.

      EXAMPLES
        kvctl list notes
        kvctl list notes --prefix 2026- --limit 10
        kvctl list notes --keys-only | wc -l
        kvctl list notes --format jsonl | jq .
        kvctl list table --hex --prefix 00ff
      """
  )

  @OptionGroup var location: StoreArgument

  @Option(help: "Only keys that begin with this.")
  var prefix: String?

  @Option(help: "At most this many entries.")
  var limit: Int?

  @Flag(help: "Print no values.")
  var keysOnly = false

  @Option(help: "Format of the lines.")
  var format = TextFormat.tsv

  @Flag(help: "Print keys and values in hexadecimal; the prefix is hexadecimal too.")
  var hex = false

  func validate() throws {
    _ = try prefixBytes
    if let limit, limit < 0 { throw ValidationError("The limit can't be negative.") }
    if hex, format == .jsonl {
      throw ValidationError("--hex prints columns; JSON lines need none, base64 is part of them.")
    }
  }

  func run() throws {
    let prefix = try prefixBytes
    let store = try reportingStoreErrors { () throws(StoreError) in
      try Store.openReadOnly(at: location.store)
    }
    var standardOutput = Output.standard()
    let lines = EntryLines(form: form, prefix: prefix, limit: limit ?? .max)
    if let damage = try lines.write(store, to: &standardOutput).damage {
      throw Failure(damage, remainder: "what is sound was printed")
    }
  }

  private var form: EntryLines.Form {
    if hex { return keysOnly ? .hexKeys : .hexEntries }
    return keysOnly ? .keys(format) : .entries(format)
  }

  private var prefixBytes: [UInt8] {
    get throws { try bytes(of: prefix ?? "", isHex: hex, "prefix") }
  }
}
