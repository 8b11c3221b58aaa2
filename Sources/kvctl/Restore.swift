// `kvctl restore`: a store from a backup.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct Restore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a store of a backup.",
    discussion: """
      The store shows what the other one showed when it was backed up, and as much of its past. \
      Everything is verified on the way. NEWSTORE is there when all of it is durable; until then it \
      is in the making in NEWSTORE.restoring beside it, which the next try clears away.

      EXAMPLES
        kvctl restore /mnt/backups/notes notes
      """
  )

  @Argument(
    help: "The backup: a directory.",
    completion: .directory,
    transform: { (text) throws in try path(text) }
  )
  var dest: FilePath

  @Argument(
    help: "The store to create: nothing may be there, or an empty directory.",
    completion: .directory,
    transform: { (text) throws in try path(text) }
  )
  var newstore: FilePath

  func run() throws {
    var progress = Progress("restoring:")
    let result: Result<BackupReport, Failure>
    do throws(StoreError) {
      let report = try Backup.restore(dest, to: newstore) { (done, all) in
        progress.update(share(done, of: all))
      }
      result = .success(report)
    } catch { result = .failure(Failure(error, isCreating: true)) }
    progress.end()
    let report = try result.get()
    let facts = [
      counted(report.segmentCount, "segment", "segments"), "\(report.copiedBytes) bytes",
      "at sequence \(report.sequence)",
    ]
    var output = Output.standard()
    try output.append("\(newstore): \(facts.joined(separator: ", "))\n")
    try output.flush()
  }
}
