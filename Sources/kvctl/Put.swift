// `kvctl put`: one key, one value, durable before the program ends.
//
// Invariant: the value is complete before the store is opened, so a slow pipe holds no lock and a
// broken one stores nothing.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Put: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Give a key a value.",
    discussion: """
      The value is what is given after the key, or what comes from standard input if that is '-' or \
      nothing; then it may be any bytes, none included. The store is created if it is missing, and so \
      is the namespace. When the command has ended, the value is durable.

      A key or value that begins with '-' goes behind '--'. With --hex, KEY and VALUE are \
      hexadecimal digits; standard input is always taken as it is.

      EXAMPLES
        kvctl put notes milk 'two bottles'
        kvctl put photos cat.jpg < cat.jpg
        date | kvctl put notes today -
        kvctl put --hex table 00ff 0badcafe
        kvctl put sessions alice 4711 --expires-in 30m
        kvctl put notes -- -5 minus
        kvctl put notes milk 'two bottles' --namespace shopping
      """
  )

  @OptionGroup var target: KeyArguments

  @OptionGroup var retention: RetentionOption

  @OptionGroup var place: NamespaceOption

  @Option(
    help: ArgumentHelp(
      "The value ends after this time.",
      discussion: "A number with ms, s, m, h or d behind it: 90s, 12h, 7d.",
      valueName: "duration"
    ),
    transform: { (text) throws in try duration(text) }
  )
  var expiresIn: Duration?

  @Argument(help: "The value; '-' or nothing: standard input.")
  var value: String?

  func validate() throws {
    guard let value else {
      if SystemCalls.isTerminal(.standardInput) {
        throw ValidationError(
          "No value: give one after the key, or pipe or redirect it in ('-' reads the terminal)."
        )
      }
      return
    }
    if value != "-" { _ = try bytes(of: value, isHex: target.hex, "value") }
  }

  func run() throws {
    let key = try target.keyBytes
    let value = try valueBytes
    let path = target.location.store
    try reportingStoreErrors(isCreating: true) { () throws(StoreError) in
      guard value.count <= Store.maximumValueLength else {
        throw .valueTooLong(length: value.count)
      }
      let store = try Store.open(at: path, options: retention.storeOptions)
      let expiry = expiresIn.map { Expiry.after($0) }
      if let namespace = try place.find(in: store, creatingIfMissing: true) {
        try namespace.put(key, value, expiry: expiry)
      } else if let expiry {
        try store.put(key, value, expiry: expiry)
      } else {
        try store.put(key, value)
      }
      // Makes it durable, and ends the journal so that later damage is always found.
      try store.close()
    }
  }

  private var valueBytes: [UInt8] {
    get throws {
      guard let value, value != "-" else {
        return try Input.standard().readAll(limit: Store.maximumValueLength)
      }
      return try bytes(of: value, isHex: target.hex, "value")
    }
  }
}
