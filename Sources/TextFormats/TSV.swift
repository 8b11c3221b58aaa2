// Tab-separated lines: key TAB value NEWLINE.
//
// Written: `\t \n \r \\` and `\xHH` for other control bytes (below 0x20, 0x7f) and for bytes that
// are no part of valid UTF-8; everything else as it is. Read: those escapes anywhere, any other
// byte as itself, also a raw carriage return (which belongs to the value even at the line's end).

private let tab = UInt8(ascii: "\t")
private let newline = UInt8(ascii: "\n")
private let backslash = UInt8(ascii: "\\")

/// Appends one entry as a line, newline included.
///
/// - Complexity: O(key.count + value.count)
package func appendTSVLine(key: Span<UInt8>, value: Span<UInt8>, to output: inout [UInt8]) {
  appendTSVField(key, to: &output)
  output.append(tab)
  appendTSVField(value, to: &output)
  output.append(newline)
}

/// Reads one line, given without its newline.
///
/// - Throws: `missingTab`, `extraTab` or `badEscape`.
/// - Complexity: O(line.count)
package func decodeTSVLine(_ line: Span<UInt8>) throws(TextFormatError) -> Entry {
  var key: [UInt8] = []
  let keyEnd = try decodeTSVField(line, from: 0, into: &key)
  guard keyEnd < line.count else { throw .missingTab }
  var value: [UInt8] = []
  let valueEnd = try decodeTSVField(line, from: keyEnd + 1, into: &value)
  guard valueEnd == line.count else { throw .extraTab(column: valueEnd + 1) }
  return Entry(key: key, value: value)
}

/// Appends one field, escaped.
package func appendTSVField(_ field: Span<UInt8>, to output: inout [UInt8]) {
  var start = 0
  while let invalid = firstInvalidUTF8(in: field.extracting(start..<field.count)) {
    let end = start + invalid.lowerBound
    appendTSVText(field.extracting(start..<end), to: &output)
    for offset in invalid { appendHexEscape(field[start + offset], to: &output) }
    start += invalid.upperBound
  }
  appendTSVText(field.extracting(start..<field.count), to: &output)
}

/// Appends valid UTF-8, with its control bytes and backslashes escaped.
private func appendTSVText(_ text: Span<UInt8>, to output: inout [UInt8]) {
  var runStart = 0
  for index in text.indices {
    let byte = text[index]
    if byte >= 0x20 && byte != backslash && byte != 0x7f { continue }
    output.append(copying: text.extracting(runStart..<index))
    runStart = index + 1
    switch byte {
    case tab: output.append(copying: [backslash, UInt8(ascii: "t")].span)
    case newline: output.append(copying: [backslash, UInt8(ascii: "n")].span)
    case UInt8(ascii: "\r"): output.append(copying: [backslash, UInt8(ascii: "r")].span)
    case backslash: output.append(copying: [backslash, backslash].span)
    default: appendHexEscape(byte, to: &output)
    }
  }
  output.append(copying: text.extracting(runStart..<text.count))
}

/// Appends `\xHH`.
private func appendHexEscape(_ byte: UInt8, to output: inout [UInt8]) {
  output.append(backslash)
  output.append(UInt8(ascii: "x"))
  output.append(hexDigit(byte >> 4))
  output.append(hexDigit(byte & 0xf))
}

/// Reads a field up to the next raw tab or the line's end; returns where it ended.
private func decodeTSVField(
  _ line: Span<UInt8>,
  from start: Int,
  into field: inout [UInt8]
) throws(TextFormatError) -> Int {
  var runStart = start
  var index = start
  while index < line.count {
    let byte = line[index]
    if byte == tab { break }
    guard byte == backslash else {
      index += 1
      continue
    }
    field.append(copying: line.extracting(runStart..<index))
    let (decoded, length) = try decodeTSVEscape(line, at: index)
    field.append(decoded)
    index += length
    runStart = index
  }
  field.append(copying: line.extracting(runStart..<index))
  return index
}

/// The byte that the escape at `index` stands for, and the escape's length.
private func decodeTSVEscape(
  _ line: Span<UInt8>,
  at index: Int
) throws(TextFormatError) -> (byte: UInt8, length: Int) {
  guard index + 1 < line.count else { throw .badEscape(column: index + 1) }
  switch line[index + 1] {
  case UInt8(ascii: "t"): return (tab, 2)
  case UInt8(ascii: "n"): return (newline, 2)
  case UInt8(ascii: "r"): return (UInt8(ascii: "\r"), 2)
  case backslash: return (backslash, 2)
  case UInt8(ascii: "x"):
    guard index + 3 < line.count,
      let high = hexDigitValue(line[index + 2]),
      let low = hexDigitValue(line[index + 3])
    else { throw .badEscape(column: index + 1) }
    return (high << 4 | low, 4)
  default: throw .badEscape(column: index + 1)
  }
}
