// `kvctl watch`: transactions as they come, from this or any other process that writes to the store.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print transactions as they come.",
    discussion: """
      Each transaction once, whole, in order, as soon as it is committed; what is printed is durable. \
      TSV: for each key a line with the transaction's sequence, "put", key, value, or sequence, \
      "delete", key, with tabs between; behind the keys a line with sequence, "commit", token. In \
      another namespace than the default one: sequence, "put-in" or "delete-in", the namespace, and so on; \
      sequence, "drop", namespace where that was dropped. JSON \
      lines: one for each transaction, {"sequence":5,"token":"...","changes":[{"key":"...","value":"..."},\
      {"key":"...","deleted":true}]}, with "expires" behind a value that ends, "namespace":"..." before the \
      key, and {"namespace":"...","dropped":true}. What was written to a namespace that is dropped by now is \
      left out. Without --after or --all, what is committed from now on.

      A token names the place behind a transaction; 'kvctl stat' prints that of the newest one. Compactions \
      give superseded versions back: a token that lies before what they took ends the command with status \
      66, and 'kvctl list' or 'kvctl export' is then the way on.

      EXAMPLES
        kvctl watch notes
        kvctl watch notes --all --no-wait
        kvctl watch notes --after "$(cat token)" --format jsonl
        kvctl watch notes --limit 1 && echo changed
      """
  )

  @OptionGroup var location: StoreArgument

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Only changes in this namespace, which may be missing, and transactions that have some.",
      valueName: "name"
    )
  )
  var namespace: String?

  @Option(help: "Only what was committed behind the transaction of this token.")
  var after: String?

  @Flag(help: "Everything that the journal still has, from the first transaction on.")
  var all = false

  @Flag(help: "End where nothing more is there.")
  var noWait = false

  @Option(help: "End behind this many transactions.")
  var limit: Int?

  @Option(help: "Format of the lines.")
  var format = TextFormat.tsv

  /// Milliseconds between two looks.
  private static let pause = 10

  func validate() throws {
    if after != nil, all { throw ValidationError("--after and --all exclude each other.") }
    if let limit, limit < 0 { throw ValidationError("The limit can't be negative.") }
    if let after, ChangeToken(after) == nil {
      throw ValidationError("'\(after)' is no token; 'kvctl stat' and 'kvctl watch' print some.")
    }
  }

  func run() throws {
    var feed = try reportingStoreErrors { () throws(StoreError) in
      let store = try Store.openReadOnly(at: location.store)
      return store.changeFeed(after: try start(store))
    }
    var output = Output.standard()
    var count = 0
    while count < limit ?? .max {
      let next: ChangedTransaction?
      do throws(StoreError) { next = try feed.next() } catch {
        try output.flush()
        throw Failure(error)
      }
      if let next {
        let changes = next.changes.filter { namespace == nil || $0.namespace == namespace }
        guard !changes.isEmpty else { continue }
        try output.append { append(next, changes, to: &$0) }
        count += 1
        continue
      }
      try output.flush()
      if noWait { return }
      if SystemCalls.hasNoReader(.standardOutput, within: Self.pause) { return }
    }
    try output.flush()
  }

  private func start(_ store: Store) throws(StoreError) -> ChangeToken {
    if all { return store.firstChangeToken }
    if let token = after.flatMap({ ChangeToken($0) }) { return token }
    return try store.changeToken
  }

  private func append(
    _ transaction: ChangedTransaction,
    _ changes: [KeyChange],
    to lines: inout [UInt8]
  ) {
    switch format {
    case .tsv:
      for change in changes {
        lines.append(contentsOf: "\(transaction.sequence)".utf8)
        let place = change.namespace == nil ? "" : "-in"
        let verb = change.value == nil ? "delete" : "put"
        lines.append(contentsOf: "\t\(change.isDrop ? "drop" : verb + place)".utf8)
        let name = change.namespace.map { Array($0.utf8) }
        for field in [name, change.isDrop ? nil : change.key, change.value] {
          guard let field else { continue }
          lines.append(UInt8(ascii: "\t"))
          appendTSVField(field.span, to: &lines)
        }
        lines.append(UInt8(ascii: "\n"))
      }
      lines.append(contentsOf: "\(transaction.sequence)\tcommit\t\(transaction.token)\n".utf8)
    case .jsonl:
      let token = transaction.token
      lines.append(contentsOf: "{\"sequence\":\(token.sequence),\"token\":\"\(token)\"".utf8)
      lines.append(contentsOf: ",\"changes\":[".utf8)
      for (number, change) in changes.enumerated() {
        lines.append(contentsOf: (number > 0 ? ",{" : "{").utf8)
        appendJSONMembers(of: change, to: &lines)
        lines.append(UInt8(ascii: "}"))
      }
      lines.append(contentsOf: "]}\n".utf8)
    }
  }

  private func appendJSONMembers(of change: KeyChange, to line: inout [UInt8]) {
    if let name = change.namespace {
      appendJSONMember("namespace", Array(name.utf8).span, to: &line)
      line.append(UInt8(ascii: ","))
    }
    if change.isDrop {
      line.append(contentsOf: "\"dropped\":true".utf8)
      return
    }
    appendJSONMember("key", change.key.span, to: &line)
    line.append(UInt8(ascii: ","))
    if let value = change.value {
      appendJSONMember("value", value.span, to: &line)
      if let expiry = change.expiry { appendJSONExpiry(expiry.millisecondsSince1970, to: &line) }
    } else {
      line.append(contentsOf: "\"deleted\":true".utf8)
    }
  }
}
