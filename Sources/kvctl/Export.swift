// `kvctl export`: every entry as a line that import reads back to the same bytes.
//
// Invariant: a file that was there is replaced by a complete export or not at all.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write all entries as text that import reads.",
    discussion: """
      One line an entry, in key order, nothing lost: bytes that are not text are escaped (TSV) or in \
      base64 (JSON lines). When an entry ends only JSON lines say. FILE appears only when it is complete. Without FILE, or with '-', the \
      lines go to standard output.

      Of a damaged store everything sound is written, and the status is 65. A FILE that was there \
      stays as it was then; the lines are in FILE.partial.

      EXAMPLES
        kvctl export notes notes.tsv
        kvctl export notes notes.jsonl
        kvctl export notes | gzip > notes.tsv.gz
        kvctl export old | kvctl import new -
        kvctl export notes before.tsv --at 17
        kvctl export notes shopping.tsv --namespace shopping
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(
    help: "The file to write.",
    completion: .file(),
    transform: { (text) throws in try path(text) }
  )
  var file: FilePath = "-"

  @OptionGroup var lines: FormatOption

  @OptionGroup var moment: MomentOption

  @OptionGroup var place: NamespaceOption

  func run() throws {
    let (store, namespace) = try reportingStoreErrors { () throws(StoreError) in
      let store = try moment.open(location.store)
      return (store, try place.find(in: store))
    }
    guard file != "-" else {
      var output = Output.standard()
      if let damage = try write(store, namespace, to: &output).damage {
        throw Failure(damage, remainder: "what is sound was written")
      }
      return
    }
    let outputFile = try OutputFile.create(file)
    var output = Output(outputFile.descriptor, name: outputFile.name)
    let result: (count: Int, expiringCount: Int, damage: StoreError?)
    do throws(Failure) { result = try write(store, namespace, to: &output) } catch {
      outputFile.discard()
      throw error
    }
    guard let damage = result.damage else { return try outputFile.publish() }
    let suffix = outputFile.isReplacing ? ".partial" : ""
    try outputFile.publish(suffix: suffix)
    let count = counted(result.count, "entry", "entries")
    throw Failure(damage, remainder: "what is sound, \(count), is in \(file)\(suffix)")
  }

  private func write(
    _ store: Store,
    _ namespace: Namespace?,
    to output: inout Output
  ) throws(Failure) -> (count: Int, expiringCount: Int, damage: StoreError?) {
    let format = lines.format(for: file)
    var progress = Progress("exporting:")
    let result = try EntryLines(form: .entries(format))
      .write(store, namespace, to: &output) { (count) in progress.update("\(count) entries") }
    progress.end("exported \(counted(result.count, "entry", "entries"))")
    if format == .tsv, result.expiringCount > 0 {
      let entries = counted(result.expiringCount, "entry ends", "entries end")
      Kvctl.say("\(entries) at a time that TSV does not say; --format jsonl does")
    }
    // Where the catalogue is damaged, so is more, and that is told.
    if namespace == nil, let others = try? store.namespaces(), !others.isEmpty {
      let count = counted(others.count, "other namespace is", "other namespaces are")
      Kvctl.say("\(count) not in it; --namespace exports one, 'kvctl backup' copies all")
    }
    return result
  }
}
