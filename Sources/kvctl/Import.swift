// `kvctl import`: lines become entries.
//
// Lines are committed in batches, each a transaction of its own, in the order of the lines; some
// commits are durable and the end is. So a crash keeps a prefix of the lines.
// Invariant: when a line can't be imported, all lines before it are, durably, and none behind it.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put entries that are read from lines of text.",
    discussion: """
      Reads what export writes: key, tab, value with the escapes \\t \\n \\r \\\\ \\xHH (TSV), or \
      {"key":"...","value":"..."} (JSON lines). A key that is there gets the new value; other \
      entries stay. The store is created if it is missing, and so is the namespace. FILE '-' is standard input.

      The first line that is not an entry ends the import with status 65: the lines before it are \
      imported, and the message names the line.

      EXAMPLES
        kvctl import notes notes.tsv
        kvctl import notes notes.jsonl
        gunzip < notes.tsv.gz | kvctl import notes -
        kvctl export old | kvctl import new -
        kvctl export old | kvctl import new - --namespace old
      """
  )

  @OptionGroup var location: StoreArgument

  @Argument(
    help: "The file to read; '-': standard input.",
    completion: .file(),
    transform: { (text) throws in try path(text) }
  )
  var file: FilePath

  @OptionGroup var lines: FormatOption

  @OptionGroup var retention: RetentionOption

  @OptionGroup var place: NamespaceOption

  func run() throws {
    // Opened first: without it nothing is created.
    let input = try Input.open(file)
    let (store, namespace) = try reportingStoreErrors(isCreating: true) { () throws(StoreError) in
      let store = try Store.open(at: location.store, options: retention.storeOptions)
      return (store, try place.find(in: store, creatingIfMissing: true))
    }
    var batches = ImportBatches(into: store, namespace)
    var progress = Progress("importing:")
    do throws(Failure) {
      try read(input, into: &batches, &progress)
      try batches.finish()
    } catch {
      // What was committed stays, and is made durable as far as the store still can.
      try? batches.finish()
      let kept = counted(batches.count, "entry is", "entries are")
      throw Failure(error.status, "\(error.message ?? ""); \(kept) imported")
    }
    progress.end("imported \(counted(batches.count, "entry", "entries"))")
  }

  private func read(
    _ input: borrowing Input,
    into batches: inout ImportBatches,
    _ progress: inout Progress
  ) throws(Failure) {
    var reader = EntryReader(input.descriptor, format: lines.format(for: file))
    while let entry = try Self.nextEntry(of: &reader, named: input.name) {
      if let reason = refusal(of: entry) {
        throw Failure(.badData, "\(input.name): line \(reader.lineNumber): \(reason)")
      }
      try batches.add(entry)
      progress.update("\(reader.lineNumber) entries")
    }
  }

  private static func nextEntry(
    of reader: inout EntryReader,
    named name: String
  ) throws(Failure) -> Entry? {
    do throws(EntryReaderError) { return try reader.next() } catch {
      switch error {
      case .malformed: throw Failure(.badData, "\(name): \(error)")
      case .unreadable(let cause): throw Failure(cause, on: name)
      }
    }
  }

  /// Why a well-formed line is no entry of a store, or nil.
  private func refusal(of entry: Entry) -> StoreError? {
    let limit =
      place.namespace == nil ? Store.maximumKeyLength : Namespace.maximumKeyLength
    if entry.key.count > limit { return .keyTooLong(length: entry.key.count, limit: limit) }
    if entry.value.count > Store.maximumValueLength {
      return .valueTooLong(length: entry.value.count)
    }
    return nil
  }
}
