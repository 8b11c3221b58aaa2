// `kvctl compact`: gives back the space of what was overwritten and deleted.

internal import ArgumentParser
internal import Fenceline

struct Compact: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Give back the space of overwritten and deleted entries.",
    discussion: """
      Works in small steps; interrupting it loses nothing that was done. A store that a program has \
      open compacts itself; this is for one that nobody has open, and for more thoroughness. Works on \
      a full medium.

      EXAMPLES
        kvctl compact notes
        kvctl compact notes && du -sh notes
        kvctl compact notes --retain 10M
      """
  )

  @OptionGroup var location: StoreArgument

  @OptionGroup var retention: RetentionOption

  func run() throws {
    let path = location.store
    var options = retention.storeOptions
    options.createsIfMissing = false
    options.compactsInBackground = false
    var progress = Progress("compacting:")
    let result: Result<(before: Int, after: Int), Failure>
    do throws(StoreError) {
      let store = try Store.open(at: path, options: options)
      let before = try store.statistics().space.totalBytes
      try store.compact { (done) in
        progress.update("\(done.freedBytes) bytes given back")
        return true
      }
      let after = try store.statistics().space.totalBytes
      try store.close()
      result = .success((before, after))
    } catch { result = .failure(Failure(error)) }
    progress.end()
    let space = try result.get()
    var output = Output.standard()
    try output.append("\(path): \(space.before) bytes before, \(space.after) bytes now\n")
    try output.flush()
  }
}
