// The arguments that several commands share, and what turns their text into bytes.
//
// Invariant: text that can't be understood is refused while arguments are parsed, before any file is
// touched.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

extension TextFormat: ExpressibleByArgument {}

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
  @Argument(
    help: "The store: a directory.",
    completion: .directory,
    transform: { (text) throws in try path(text) }
  )
  var store: FilePath
}

/// One key of a store.
struct KeyArguments: ParsableArguments {
  @OptionGroup var location: StoreArgument

  @Argument(help: "The key.")
  var key: String

  @Flag(help: "Keys and values on the command line and in the output are hexadecimal.")
  var hex = false

  /// The key's bytes.
  var keyBytes: [UInt8] {
    get throws { try bytes(of: key, isHex: hex, "key") }
  }

  func validate() throws {
    let length = try keyBytes.count
    guard length <= Store.maximumKeyLength else {
      throw ValidationError(StoreError.keyTooLong(length: length).description)
    }
  }
}

/// The namespace that a command works in.
struct NamespaceOption: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Work in this namespace; without it in the default one.",
      discussion:
        "'kvctl namespaces' lists them. One that is missing ends the command with status 1.",
      valueName: "name"
    )
  )
  var namespace: String?

  /// The namespace in a store; nil for the default one.
  func find(in store: Store, creatingIfMissing: Bool = false) throws(StoreError) -> Namespace? {
    guard let namespace else { return nil }
    return try store.namespace(namespace, creatingIfMissing: creatingIfMissing)
  }
}

/// The moment that a command looks at.
struct MomentOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Look at the store as it was behind this transaction.",
      discussion: "'kvctl stat' shows from where on that can be, 'kvctl log' a key's transactions.",
      valueName: "sequence"
    )
  )
  var at: UInt64?

  /// Opens a store for reading, at the moment.
  func open(_ path: FilePath) throws(StoreError) -> Store {
    guard let at else { return try Store.openReadOnly(at: path) }
    return try Store.openReadOnly(at: path, asOf: at)
  }
}

/// How much of the past a command that writes leaves readable.
struct RetentionOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep the past readable within the newest so many bytes of the journal.",
      discussion: "A number, with K, M or G behind it for its 1024, 1024^2 or 1024^3 times. "
        + "Nothing is remembered: a command without it leaves the past to compactions.",
      valueName: "size"
    ),
    transform: { (text) throws in try byteCount(text) }
  )
  var retain = 0

  /// The usual options of a store, and this one.
  var storeOptions: StoreOptions {
    var options = StoreOptions()
    options.retainedJournalBytes = retain
    return options
  }
}

/// The number of bytes that an argument gives.
func byteCount(_ text: String) throws -> Int {
  let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
  let shift = text.last.flatMap { shifts[$0] }
  let digits = shift == nil ? text : String(text.dropLast())
  guard let number = Int(digits), number >= 0, number <= Int.max >> (shift ?? 0) else {
    throw ValidationError("'\(text)' is no size: 4096, 64K, 10M and 2G are.")
  }
  return number << (shift ?? 0)
}

/// The time that an argument gives.
func duration(_ text: String) throws -> Duration {
  let units: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]
  if let unit = units.first(where: { text.hasSuffix($0.suffix) }),
    let number = Int64(text.dropLast(unit.suffix.count)), number >= 0,
    case let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds),
    !overflow
  {
    return .milliseconds(milliseconds)
  }
  throw ValidationError("'\(text)' is no time: 500ms, 90s, 30m, 12h and 7d are.")
}

/// The format of the lines in a file.
struct FormatOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Format of the lines.",
      discussion: "Without it, files ending in .jsonl or .ndjson are JSON lines, all else is TSV."
    )
  )
  var format: TextFormat?

  /// The format that was asked for, or the one that a file's name suggests.
  func format(for file: FilePath) -> TextFormat {
    format ?? (file.extension == "jsonl" || file.extension == "ndjson" ? .jsonl : .tsv)
  }
}

/// The path that an argument names.
func path(_ text: String) throws -> FilePath {
  guard !text.isEmpty else { throw ValidationError("An empty path names no file.") }
  return FilePath(text)
}

/// The bytes of an argument.
func bytes(of text: String, isHex: Bool, _ name: String) throws -> [UInt8] {
  guard isHex else { return Array(text.utf8) }
  do throws(HexError) { return try hexDecode(text) } catch {
    throw ValidationError("The \(name) is not hexadecimal: \(error).")
  }
}
