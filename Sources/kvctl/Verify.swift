// `kvctl verify`: reads every byte of a store and says what is wrong with it. Changes nothing.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read everything and report damage.",
    discussion: """
      Prints one line for each damaged place, with file and offset, and ends with status 65 if there \
      is any. An unfinished write at the end, as a crash leaves it, is no damage: the next opening \
      for writing removes it.

      EXAMPLES
        kvctl verify notes
        kvctl verify notes && kvctl export notes backup.tsv
      """
  )

  @OptionGroup var location: StoreArgument

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
    for finding in report.findings { try output.append("\(finding)\n") }
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
    try output.append("\(path): \(facts.joined(separator: ", "))\n")
    try output.flush()
    guard report.isSound else {
      let count = counted(report.findings.count, "place", "places")
      throw Failure(
        .badData,
        "\(path): damaged in \(count); 'kvctl export' saves what is sound"
      )
    }
  }
}
