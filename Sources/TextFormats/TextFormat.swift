// The formats by name, as a command line gives them, and the two operations that all have.
//
// Invariant: `decode` of what `appendLine` wrote (without its newline) gives the same bytes back,
// for every key and every value; a written line holds no newline byte but its last.

/// A line format for entries.
package enum TextFormat: String, CaseIterable, Sendable {
  /// `key TAB value`, with backslash escapes.
  case tsv
  /// One JSON object a line: `{"key":...,"value":...}`.
  case jsonl

  /// Appends one entry as one line, newline included.
  ///
  /// - Parameters:
  ///   - key: the entry's.
  ///   - value: the entry's.
  ///   - expires: when it ends, in milliseconds since 1970; TSV does not say.
  ///   - output: gets the line.
  /// - Complexity: O(key.count + value.count)
  package func appendLine(
    key: Span<UInt8>,
    value: Span<UInt8>,
    expires: UInt64? = nil,
    to output: inout [UInt8]
  ) {
    switch self {
    case .tsv: appendTSVLine(key: key, value: value, to: &output)
    case .jsonl: appendJSONLine(key: key, value: value, expires: expires, to: &output)
    }
  }

  /// Appends one entry as one line, for callers that hold raw views of a store's memory.
  ///
  /// - Complexity: O(key.byteCount + value.byteCount)
  package func appendLine(
    key: RawSpan,
    value: RawSpan,
    expires: UInt64? = nil,
    to output: inout [UInt8]
  ) {
    appendLine(key: Span(_bytes: key), value: Span(_bytes: value), expires: expires, to: &output)
  }

  /// Reads one line, given without its newline.
  ///
  /// - Throws: What is wrong with the line, by column.
  /// - Complexity: O(line.count)
  package func decode(_ line: Span<UInt8>) throws(TextFormatError) -> Entry {
    switch self {
    case .tsv: try decodeTSVLine(line)
    case .jsonl: try decodeJSONLine(line)
    }
  }
}
