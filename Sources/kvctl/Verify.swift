// `kvctl verify`: reads every byte of a store, or of a backup, and says what is wrong with it. Changes
// nothing.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read everything and report damage.",
    discussion: """
      Prints one line for each damaged place, with file, offset, kind (corrupt, stale, media error) \
      and the keys that can be named, and ends with status 65 if there is any. An unfinished write at \
      the end (torn), as a crash leaves it, is no damage: the next opening for writing removes it.

      Of a backup every file is compared with the checksum that was made when it was copied; a file that \
      is missing or belongs to none counts as damage.

      EXAMPLES
        kvctl verify notes
        kvctl verify notes && kvctl export notes notes.tsv
        kvctl verify notes --format jsonl | jq 'select(.type == "finding")'
        kvctl verify /mnt/backups/notes
      """
  )

  @OptionGroup var location: StoreArgument

  @Option(help: "Format of the lines.")
  var format = ReportFormat.text

  func run() throws {
    let path = location.store
    if try reportingStoreErrors({ () throws(StoreError) in try Backup.exists(at: path) }) {
      return try verifyBackup(path)
    }
    var progress = Progress("verifying:")
    let result: Result<VerificationReport, Failure>
    do throws(StoreError) {
      result = .success(
        try Store.verify(at: path) { (done, all) in progress.update("\(done) of \(all) segments") }
      )
    } catch { result = .failure(Failure(error)) }
    progress.end()
    let report = try result.get()
    var output = Output.standard()
    for place in report.places {
      try output.append { $0.append(contentsOf: place.line(format)) }
    }
    let end =
      report.isClosed
      ? "closed in order"
      : report.hasTornTail ? "an unfinished write at the end, which is no damage" : "not closed"
    let facts = [
      report.isSound ? "sound" : "damaged",
      counted(report.recordCount, "record", "records"),
      counted(report.segmentCount, "segment", "segments"),
      end,
    ]
    switch format {
    case .text: try output.append("\(path): \(facts.joined(separator: ", "))\n")
    case .jsonl: try output.append { $0.append(contentsOf: report.jsonLine(of: path)) }
    }
    try output.flush()
    guard report.isSound else {
      let count = counted(report.findings.count, "place", "places")
      throw Failure(
        .badData,
        "\(path): damaged in \(count); 'kvctl repair' saves what is sound"
      )
    }
  }

  private func verifyBackup(_ path: FilePath) throws {
    var progress = Progress("verifying:")
    let result: Result<BackupVerification, Failure>
    do throws(StoreError) {
      result = .success(try Backup.verify(path) { progress.update(share($0, of: $1)) })
    } catch { result = .failure(Failure(error)) }
    progress.end()
    let report = try result.get()
    var output = Output.standard()
    for finding in report.findings { try output.append("\(finding)\n") }
    var facts = [
      report.isSound ? "a sound backup" : "a damaged backup",
      counted(report.segmentCount, "segment", "segments"),
      counted(report.fileCount, "file", "files"), "\(report.byteCount) bytes",
      "at sequence \(report.sequence)",
    ]
    if report.leftoverCount > 0 {
      let files = counted(report.leftoverCount, "file", "files")
      facts.append("\(files) of a backup that was not finished, which are no damage")
    }
    try output.append("\(path): \(facts.joined(separator: ", "))\n")
    try output.flush()
    guard report.isSound else {
      let count = counted(report.findings.count, "place", "places")
      throw Failure(
        .badData,
        "\(path): damaged in \(count); 'kvctl backup --check' copies anew what the store still has"
      )
    }
  }
}
