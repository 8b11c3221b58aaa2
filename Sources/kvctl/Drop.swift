// `kvctl drop`: a namespace goes with everything in it, durably before the program ends.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct Drop: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Drop a namespace with everything in it.",
    discussion: """
      Asks nothing, and takes the same short time for any number of keys. Ends with status 1 if there is no such namespace. \
      Space is given back by and by while a program has the store open, or at once by 'kvctl compact'.

      EXAMPLES
        kvctl drop notes shopping
        kvctl drop notes shopping && kvctl compact notes
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(help: "Name of the namespace.")
  var name: String

  @OptionGroup var retention: RetentionOption

  func run() throws {
    let path = location.store
    try reportingStoreErrors { () throws(StoreError) in
      var options = retention.storeOptions
      options.createsIfMissing = false
      let store = try Store.open(at: path, options: options)
      try store.dropNamespace(name)
      try store.close()
    }
    var output = Output.standard()
    try output.append("\(path): dropped the namespace '\(name)'\n")
    try output.flush()
  }
}
