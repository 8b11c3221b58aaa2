// `kvctl namespaces`: which namespaces a store has, and how many keys are in each.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Namespaces: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the namespaces of a store.",
    discussion: """
      One line a namespace, in the order of the names: name, tab, number of keys (TSV), or \
      {"namespace":"...","keys":5} (JSON lines). The default namespace has no name and is not listed. \
      'put' and 'import' with --namespace create one, 'drop' drops it.

      EXAMPLES
        kvctl namespaces notes
        kvctl namespaces notes --format jsonl | jq .keys
      """
  )

  @OptionGroup var location: StoreArgument

  @Option(help: "Format of the lines.")
  var format = TextFormat.tsv

  func run() throws {
    let counts = try reportingStoreErrors { () throws(StoreError) in
      // One moment: none is dropped while they are counted.
      let snapshot = try Store.openReadOnly(at: location.store).snapshot()
      var counts: [(name: String, count: Int)] = []
      for name in try snapshot.namespaces() {
        counts.append((name, try snapshot.namespace(name).count))
      }
      return counts
    }
    var output = Output.standard()
    for (name, count) in counts {
      try output.append { (line) in
        switch format {
        case .tsv:
          appendTSVField(Array(name.utf8).span, to: &line)
          line.append(contentsOf: "\t\(count)\n".utf8)
        case .jsonl:
          line.append(UInt8(ascii: "{"))
          appendJSONMember("namespace", Array(name.utf8).span, to: &line)
          line.append(contentsOf: ",\"keys\":\(count)}\n".utf8)
        }
      }
    }
    try output.flush()
  }
}
