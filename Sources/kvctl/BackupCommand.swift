// `kvctl backup`: a copy of a store that the next run brings up to date.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy a store, or what is new in it, into a backup.",
    discussion: """
      Works while programs write to the store and compact it. The backup is the state behind one of \
      the store's transactions, and holds everything that was durable when the command began. Where \
      DEST holds an earlier backup of the store only what is missing there is copied; whatever \
      stops the command, an earlier backup stays as it was.

      A backup is no store: 'kvctl restore' makes one of it, 'kvctl verify' reads all of it.

      EXAMPLES
        kvctl backup notes /mnt/backups/notes
        kvctl verify /mnt/backups/notes
        kvctl restore /mnt/backups/notes notes-again
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(
    help: "The backup: a directory, created where there is none.",
    completion: .directory,
    transform: { (text) throws in try path(text) }
  )
  var dest: FilePath

  @Flag(help: "Read what is in DEST already, and copy again what is damaged there.")
  var check = false

  func run() throws {
    let store = location.store
    var options = BackupOptions()
    options.readsWhatIsThere = check
    var progress = Progress("copying:")
    let result: Result<BackupReport, Failure>
    do throws(StoreError) {
      let report = try Backup.update(dest, of: store, options: options) { (done, all) in
        progress.update(share(done, of: all))
      }
      result = .success(report)
    } catch {
      result = .failure(Failure(error, isCreating: error.isAbout(dest)))
    }
    progress.end()
    let report = try result.get()
    let facts = [
      counted(report.segmentCount, "segment", "segments"), "\(report.copiedBytes) bytes copied",
      "\(report.keptBytes) bytes there already", "at sequence \(report.sequence)",
    ]
    var output = Output.standard()
    try output.append("\(dest): \(facts.joined(separator: ", "))\n")
    try output.flush()
  }
}

/// How much of the bytes is done.
func share(_ done: Int, of all: Int) -> String {
  "\(done >> 20) of \(all >> 20) MiB"
}

extension StoreError {
  /// Whether a failed call was one on a directory or what is in it.
  fileprivate func isAbout(_ directory: FilePath) -> Bool {
    guard case .system(_, let path, _) = self else { return false }
    return path.starts(with: directory)
  }
}
