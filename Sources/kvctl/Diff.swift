// `kvctl diff`: what differs between two moments of a store.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what changed between two moments.",
    discussion: """
      In key order. TSV: a line "-", key, value for what was there behind transaction A and no more \
      behind B, a line "+", key, value for what came; a changed value gives both, with tabs between. JSON \
      lines: {"key":...,"before":...,"after":...}, without the member for what was not there. Without B, \
      up to now.

      EXAMPLES
        kvctl diff notes 17 20
        kvctl diff notes 17 --format jsonl | jq .key
        kvctl diff notes 0
        kvctl diff notes 17 --namespace shopping
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(help: ArgumentHelp("The first moment: a transaction's sequence.", valueName: "a"))
  var first: UInt64

  @Argument(help: ArgumentHelp("The second moment.", valueName: "b"))
  var second: UInt64?

  @OptionGroup var place: NamespaceOption

  @Option(help: "Format of the lines.")
  var format = TextFormat.tsv

  func run() throws {
    let (before, after) = try reportingStoreErrors { () throws(StoreError) in
      (try side(at: first), try side(at: second))
    }
    var output = Output.standard()
    do {
      try withCursor(of: before) { (old) in
        try withCursor(of: after) { (new) in
          try walk(&old, &new, to: &output)
        }
      }
    } catch let error as StoreError {
      try output.flush()
      throw Failure(error, remainder: "what lies before it was printed")
    }
    try output.flush()
  }

  /// The store at a moment, now for none, and the namespace in it; nil for the default one.
  private typealias Side = (store: Store, namespace: Namespace?)

  private func side(at sequence: UInt64?) throws(StoreError) -> Side {
    let store: Store
    if let sequence {
      store = try Store.openReadOnly(at: location.store, asOf: sequence)
    } else {
      store = try Store.openReadOnly(at: location.store)
    }
    return (store, try place.find(in: store))
  }

  private func withCursor(of side: Side, _ body: (inout Cursor) throws -> Void) throws {
    guard let namespace = side.namespace else { return try side.store.withCursor(body) }
    try namespace.withCursor(body)
  }

  /// Goes through both side by side.
  private func walk(
    _ old: inout Cursor,
    _ new: inout Cursor,
    to output: inout Output
  ) throws {
    var (hasOld, hasNew) = (try old.next(), try new.next())
    while hasOld || hasNew {
      let (oldKey, newKey) = (old.key, new.key)
      let isOnlyOld = newKey.map { (new) in
        oldKey.map { $0.lexicographicallyPrecedes(new) } ?? false
      }
      let isOnlyNew = oldKey.map { (old) in
        newKey.map { $0.lexicographicallyPrecedes(old) } ?? false
      }
      if isOnlyOld ?? true {
        try output.append { append(oldKey ?? [], old.value, nil, to: &$0) }
        hasOld = try old.next()
      } else if isOnlyNew ?? true {
        try output.append { append(newKey ?? [], nil, new.value, to: &$0) }
        hasNew = try new.next()
      } else {
        // The same transaction wrote the same.
        if old.location?.sequence != new.location?.sequence, old.value != new.value {
          try output.append { append(oldKey ?? [], old.value, new.value, to: &$0) }
        }
        (hasOld, hasNew) = (try old.next(), try new.next())
      }
    }
  }

  private func append(
    _ key: [UInt8],
    _ old: [UInt8]?,
    _ new: [UInt8]?,
    to line: inout [UInt8]
  ) {
    switch format {
    case .tsv:
      for (sign, value) in [("-", old), ("+", new)] {
        guard let value else { continue }
        line.append(contentsOf: "\(sign)\t".utf8)
        format.appendLine(key: key.span, value: value.span, to: &line)
      }
    case .jsonl:
      line.append(UInt8(ascii: "{"))
      appendJSONMember("key", key.span, to: &line)
      for (name, value) in [("before", old), ("after", new)] as [(StaticString, [UInt8]?)] {
        guard let value else { continue }
        line.append(UInt8(ascii: ","))
        appendJSONMember(name, value.span, to: &line)
      }
      line.append(contentsOf: "}\n".utf8)
    }
  }
}
