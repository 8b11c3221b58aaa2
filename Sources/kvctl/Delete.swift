// `kvctl delete`: one key goes, durably before the program ends.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct Delete: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove a key.",
    discussion: """
      When the command has ended, the removal is durable. Ends with status 1, and prints nothing, \
      if the store has no such key. With --hex, KEY is hexadecimal digits.

      EXAMPLES
        kvctl delete notes milk
        kvctl delete --hex table 00ff
        kvctl delete notes milk --namespace shopping
      """
  )

  @OptionGroup var target: KeyArguments

  @OptionGroup var retention: RetentionOption

  @OptionGroup var place: NamespaceOption

  func run() throws {
    let key = try target.keyBytes
    let path = target.location.store
    let wasThere = try reportingStoreErrors { () throws(StoreError) in
      var options = retention.storeOptions
      options.createsIfMissing = false
      let store = try Store.open(at: path, options: options)
      let wasThere: Bool
      if let namespace = try place.find(in: store) {
        wasThere = try namespace.delete(key)
      } else {
        wasThere = try store.delete(key)
      }
      try store.close()
      return wasThere
    }
    if !wasThere { throw Failure.notFound }
  }
}
