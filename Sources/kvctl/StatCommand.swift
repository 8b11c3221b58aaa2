// `kvctl stat`: what a store is, where it lies and how large it has become.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct StatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show a store's medium, durability and size.",
    discussion: """
      The medium is found by trying: persistentMemory (mapped, flushed line by line), file (written \
      and flushed by the kernel) or volatile (in memory: nothing survives a restart). With --json \
      the same facts are one JSON object on one line, sizes in bytes.

      EXAMPLES
        kvctl stat notes
        kvctl stat notes --json | jq .segments
      """
  )

  @OptionGroup var location: StoreArgument

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let path = location.store
    let facts = try reportingStoreErrors { () throws(StoreError) in
      let store = try Store.openReadOnly(at: path)
      return StoreFacts(
        path: path,
        identifier: store.identifier,
        token: try store.changeToken,
        statistics: try store.statistics()
      )
    }
    var output = Output.standard()
    try output.append(json ? facts.json : facts.text)
    try output.flush()
  }
}
