// `kvctl index`: a SQLite database that tells where every entry lies, written whole, brought up to date,
// or kept so.

internal import ArgumentParser
internal import Fenceline
internal import IndexExport
internal import SystemPackage

struct Index: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a SQLite database about a store's entries.",
    discussion: """
      The database holds keys, places, lengths, sequences and expiries of the entries of all \
      namespaces (not their values), the segments, and views for common questions. It appears only when it is complete, and replaces \
      an older one.

      With --update an existing database of the same store is changed instead, at a cost in \
      proportion to what has changed in the store since: who reads it meanwhile sees the state \
      before or the one behind. Where compactions have taken what it lacks, and where there is none, \
      all is written. --follow goes on doing so, a hundredth of a second behind whoever writes, until \
      SIGINT, SIGTERM or SIGHUP end it in order (status 0); meanwhile the database has a write-ahead \
      log beside it, and readers wait for nothing.

      EXAMPLES
        kvctl index notes notes.sqlite
        sqlite3 notes.sqlite .schema
        kvctl index notes notes.sqlite --update
        kvctl index notes notes.sqlite --follow &
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(
    help: "The database to write.",
    completion: .file(extensions: ["sqlite"]),
    transform: { (text) throws in try path(text) }
  )
  var output: FilePath

  @Flag(help: "Bring the database up to date.")
  var update = false

  @Flag(help: "Bring the database up to date, and keep it so until interrupted.")
  var follow = false

  /// Milliseconds between two looks.
  private static let pause = 10

  func run() throws {
    // An update that is interrupted takes itself back first.
    if update || follow { SystemCalls.holdEndingSignals() }
    let store = try reportingStoreErrors { () throws(StoreError) in
      try Store.openReadOnly(at: location.store)
    }
    var progress = Progress("indexing:")
    do throws(IndexExportError) {
      guard update || follow else {
        let count = try IndexExport.write(store, to: output) { (count) in
          progress.update("\(count) entries")
        }
        return progress.end("indexed \(counted(count, "entry", "entries"))")
      }
      let done = try IndexExport.update(store, at: output) { (count) in
        progress.update("\(count) entries")
        return SystemCalls.hasEndingSignal ? .stop : .next
      }
      tell(done)
      progress.end(summary(done))
      if follow { try keepUp(with: store) }
    } catch IndexExportError.stopped {
      // Following ends in order; an update ends as any program that is interrupted.
      if !follow { SystemCalls.releaseEndingSignals() }
    } catch {
      throw Failure(error)
    }
  }

  private func keepUp(with store: Store) throws(IndexExportError) {
    var follower = try IndexFollower(store, at: output)
    repeat {
      let done: IndexUpdate?
      do throws(IndexExportError) {
        done = try follower.step { (_) in SystemCalls.hasEndingSignal ? .stop : .next }
      } catch .stopped {
        break
      }
      if let done { tell(done) }
    } while !SystemCalls.takeEndingSignal(within: Self.pause)
    try follower.close()
  }

  /// Says why all was written where that was not to be expected.
  private func tell(_ done: IndexUpdate) {
    let reason: String
    switch done.extent {
    case .changes, .everything(.noIndex): return
    case .everything(.changesAreGone): reason = "compactions have taken changes that it lacks"
    case .everything(.anotherHistory): reason = "the store does not lead there from what it shows"
    case .everything(.noToken): reason = "it does not say what it shows"
    }
    let line = "kvctl: \(output): \(reason); all of it was written anew\n"
    _ = try? FileDescriptor.standardError.writeAll(line.utf8)
  }

  private func summary(_ done: IndexUpdate) -> String {
    guard done.extent == .changes else {
      return "indexed \(counted(done.entryCount, "entry", "entries"))"
    }
    let facts = [
      counted(done.transactionCount, "transaction", "transactions"),
      counted(done.changedKeyCount, "key", "keys") + " changed",
      counted(done.movedRecordCount, "record", "records") + " moved",
      counted(done.writtenRowCount, "row", "rows") + " written",
    ]
    return "updated: " + facts.joined(separator: ", ")
  }
}
