// `kvctl repair`: what can be saved of a damaged store, into a new one.
//
// Invariant: the damaged store is never written to, and a new one is there whole or not at all.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Repair: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Save what can be saved of a damaged store into a new one.",
    discussion: """
      The store itself is only read. A key is kept where its newest version is whole and nothing that \
      was lost can have superseded it: what 'kvctl get' gives. Every other key is listed. Where an \
      older version of it is held, --older-versions keeps that: what was overwritten or deleted may \
      come back. So it is with a namespace that may have been dropped. Of a transaction that has lost records the others are kept, and it is listed. An \
      unfinished write at the end, as a crash leaves it, is left out and no loss.

      The new store has no past: its history begins with what was saved. Where anything was lost or \
      is older, the status is 65, and the new store is there all the same.

      EXAMPLES
        kvctl repair notes --dry-run
        kvctl repair notes --output saved
        kvctl repair notes --output saved --older-versions --format jsonl > report.jsonl
      """
  )

  @OptionGroup var location: StoreArgument

  @Flag(help: "Only say what would be kept and what not.")
  var dryRun = false

  @Option(
    help: "The new store; nothing may be there.",
    completion: .directory,
    transform: { (text) throws in try path(text) }
  )
  var output: FilePath?

  @Flag(help: "Keep older versions of keys whose newest one may be lost.")
  var olderVersions = false

  @Option(help: "Format of the lines.")
  var format = ReportFormat.text

  func validate() throws {
    guard dryRun != (output != nil) else {
      throw ValidationError("Either --dry-run or --output.")
    }
  }

  func run() throws {
    let store = location.store
    var output = Output.standard()
    var progress = Progress("repairing:")
    var failure: Failure?
    let report = try reportingStoreErrors(isCreating: true) { () throws(StoreError) in
      try Store.salvage(
        from: store,
        to: self.output,
        keepingOlderVersions: olderVersions
      ) { (step, done, all) in
        progress.update("\(done) of \(all) \(step == .reading ? "segments" : "keys")")
      } lost: { (loss) in
        guard failure == nil else { return }
        do throws(Failure) {
          try output.append { $0.append(contentsOf: line(loss)) }
        } catch {
          failure = error
        }
      }
    }
    progress.end()
    if let failure { throw failure }
    try print(report, to: &output)
    guard report.isComplete else {
      throw Failure(.badData, "\(store): not everything could be saved; \(summary(report))")
    }
  }

  private func print(_ report: SalvageReport, to output: inout Output) throws(Failure) {
    for sequence in report.incompleteTransactions {
      try output.append { $0.append(contentsOf: line(sequence)) }
    }
    for name in report.doubtfulNamespaces {
      try output.append { $0.append(contentsOf: line(doubtful: name)) }
    }
    for place in report.verification.places {
      try output.append { $0.append(contentsOf: place.line(format)) }
    }
    switch format {
    case .text: try output.append("\(location.store): \(summary(report))\n")
    case .jsonl:
      var object = JSONObject()
      object.add("type", "repair")
      object.add("store", location.store.string)
      if let path = self.output { object.add("output", path.string) }
      object.add("kept", report.keptCount)
      object.add("older", report.olderCount)
      object.add("lost", report.lostCount)
      object.add("lost_unnamed", report.unnamedCount)
      object.add("doubtful_namespaces", report.doubtfulNamespaces.count)
      object.add("incomplete_transactions", report.incompleteTransactions.count)
      object.add("complete", report.isComplete)
      try output.append { $0.append(contentsOf: object.line) }
    }
    try output.flush()
  }

  private func summary(_ report: SalvageReport) -> String {
    let unnamed =
      switch report.unnamedCount {
      case 0?: ""
      case let count?: ", perhaps \(counted(count, "key", "keys")) without a name lost"
      case nil: ", perhaps more lost that nothing names"
      }
    let older = report.olderCount > 0 ? ", \(report.olderCount) in an older version" : ""
    let kept = counted(report.keptCount + report.olderCount, "key", "keys")
    return "\(kept) \(dryRun ? "can be " : "")kept\(older), \(report.lostCount) lost\(unnamed)"
  }

  // MARK: Lines

  private func line(_ loss: SalvageLoss) -> [UInt8] {
    guard format == .text else {
      var object = JSONObject()
      object.add("type", "key")
      if let name = loss.namespace { object.add("namespace", name) }
      object.add("key", loss.key)
      object.add("kept", loss.isKept)
      object.add("held_sequence", loss.heldSequence)
      object.add("cause", loss.cause.description)
      return object.line
    }
    var line = Array("key ".utf8)
    appendTSVField(loss.key.span, to: &line)
    if let name = loss.namespace {
      line.append(contentsOf: " in namespace ".utf8)
      appendTSVField(Array(name.utf8).span, to: &line)
    }
    let fate =
      switch (loss.heldSequence, loss.isKept) {
      case (nil, _): "lost"
      case (let sequence?, true): "kept as of transaction \(sequence), perhaps an older version"
      case (let sequence?, false):
        "lost; --older-versions keeps it as of transaction \(sequence), perhaps an older version"
      }
    line.append(contentsOf: ": \(fate)\n".utf8)
    return line
  }

  private func line(doubtful name: String) -> [UInt8] {
    guard format == .text else {
      var object = JSONObject()
      object.add("type", "namespace")
      object.add("namespace", name)
      object.add("certain", false)
      return object.line
    }
    var line = Array("namespace ".utf8)
    appendTSVField(Array(name.utf8).span, to: &line)
    line.append(contentsOf: ": it may have been dropped, or its name is lost\n".utf8)
    return line
  }

  private func line(_ sequence: UInt64) -> [UInt8] {
    guard format == .text else {
      var object = JSONObject()
      object.add("type", "transaction")
      object.add("sequence", sequence)
      object.add("whole", false)
      return object.line
    }
    let text = "transaction \(sequence): some of its records are lost, the others are taken\n"
    return Array(text.utf8)
  }
}
