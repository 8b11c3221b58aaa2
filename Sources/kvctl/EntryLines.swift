// A store's entries as lines of text, in key order: what list prints and export writes.
//
// Invariant: a damaged store's readable entries are all written before the damage is reported.

internal import Fenceline
internal import SystemPackage
internal import TextFormats

/// Which entries become lines, and of which form.
struct EntryLines {
  /// How one entry is written.
  enum Form {
    /// Key and value, in a format that import reads.
    case entries(TextFormat)
    /// The key alone, escaped as in the format.
    case keys(TextFormat)
    /// Key, tab and value, both in hexadecimal.
    case hexEntries
    /// The key alone in hexadecimal.
    case hexKeys
  }

  var form: Form
  /// No key before it; empty for all.
  var start: [UInt8] = []
  /// Neither it nor a key behind it; nil for all.
  var end: [UInt8]?
  var prefix: [UInt8] = []
  /// The largest keys first.
  var isReversed = false
  /// The most lines to write.
  var limit = Int.max

  /// Writes the lines and flushes the output.
  ///
  /// - Parameters:
  ///   - store: where the entries are.
  ///   - namespace: in which of its namespaces; nil for the default one.
  ///   - output: where the lines go.
  ///   - progress: gets the number of lines after each.
  /// - Returns: how many lines were written, of how many entries that end, and what keeps them from being
  ///   all.
  /// - Throws: what the output reports.
  func write(
    _ store: Store,
    _ namespace: Namespace?,
    to output: inout Output,
    progress: (Int) -> Void = { _ in }
  ) throws(Failure) -> (count: Int, expiringCount: Int, damage: StoreError?) {
    guard limit > 0 else { return (0, 0, nil) }
    var (count, expiringCount) = (0, 0)
    var failure: Failure?
    var damage: StoreError?
    func take(_ key: RawSpan, _ value: RawSpan, _ place: EntryLocation) -> IterationStep {
      guard Memory.isThere(Self.mostBytes(key, value)) else {
        failure = Failure(.noMemory, on: output.name)
        return .stop
      }
      do throws(Failure) {
        try output.append { appendLine(key, value, place.expiry, to: &$0) }
      } catch {
        failure = error
        return .stop
      }
      count += 1
      if place.expiry != nil { expiringCount += 1 }
      progress(count)
      return .next
    }
    let order = isReversed ? IterationOrder.descending : .ascending
    do throws(StoreError) {
      if let namespace {
        try namespace.forEach(
          from: start,
          to: end,
          prefix: prefix,
          order: order,
          limit: limit,
          take
        )
      } else {
        try store.forEach(
          from: start,
          to: end,
          prefix: prefix,
          order: order,
          limit: limit,
          take
        )
      }
    } catch {
      damage = error
    }
    if let failure { throw failure }
    try output.flush()
    return (count, expiringCount, damage)
  }

  /// Memory for a line while its buffer grows: an escaped byte takes up to six.
  private static func mostBytes(_ key: RawSpan, _ value: RawSpan) -> Int {
    18 * (key.byteCount + value.byteCount)
  }

  private func appendLine(
    _ key: RawSpan,
    _ value: RawSpan,
    _ expiry: Expiry?,
    to line: inout [UInt8]
  ) {
    let tab = UInt8(ascii: "\t")
    let newline = UInt8(ascii: "\n")
    switch form {
    case .entries(let format):
      let expires = expiry?.millisecondsSince1970
      format.appendLine(key: key, value: value, expires: expires, to: &line)
    case .keys(let format):
      // The entry with an empty value, less what stands for the value.
      format.appendLine(key: key, value: RawSpan(), to: &line)
      switch format {
      case .tsv:
        line.removeLast("\t\n".utf8.count)
        line.append(newline)
      case .jsonl:
        line.removeLast(#","value":""}"#.utf8.count + 1)
        line.append(contentsOf: "}\n".utf8)
      }
    case .hexEntries:
      appendHex(key, to: &line)
      line.append(tab)
      appendHex(value, to: &line)
      line.append(newline)
    case .hexKeys:
      appendHex(key, to: &line)
      line.append(newline)
    }
  }

  private func appendHex(_ bytes: RawSpan, to line: inout [UInt8]) {
    line.append(contentsOf: hexEncode(Span(_bytes: bytes)).utf8)
  }
}
