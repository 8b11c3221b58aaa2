// `kvctl index`: a SQLite database that tells where every entry lies.

internal import ArgumentParser
internal import Fenceline
internal import IndexExport
internal import SystemPackage

struct Index: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a SQLite database about a store's entries.",
    discussion: """
      The database holds keys, places, lengths and sequences of all entries (not their values), the \
      segments, and views for common questions. It appears only when it is complete, and replaces \
      an older one.

      EXAMPLES
        kvctl index notes notes.sqlite
        sqlite3 notes.sqlite .schema
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(
    help: "The database to write.",
    completion: .file(extensions: ["sqlite"]),
    transform: { (text) throws in try path(text) }
  )
  var output: FilePath

  func run() throws {
    let store = try reportingStoreErrors { () throws(StoreError) in
      try Store.openReadOnly(at: location.store)
    }
    var progress = Progress("indexing:")
    do throws(IndexExportError) {
      let count = try IndexExport.write(store, to: output) { (count) in
        progress.update("\(count) entries")
      }
      progress.end("indexed \(counted(count, "entry", "entries"))")
    } catch {
      throw Failure(error)
    }
  }
}
