// `kvctl verify`: reads every byte of a store and says what is wrong with it. Changes nothing.

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

      EXAMPLES
        kvctl verify notes
        kvctl verify notes && kvctl export notes backup.tsv
        kvctl verify notes --format jsonl | jq 'select(.type == "finding")'
      """
  )

  @OptionGroup var location: StoreArgument

  @Option(help: "Format of the lines.")
  var format = ReportFormat.text

  func run() throws {
    let path = location.store
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
      counted(report.keyCount, "key", "keys"),
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
}
