// JSON lines, written: one object a line, `key` and `value` as strings, or `key_base64` and
// `value_base64` where the bytes are not UTF-8; `expires`, a number, where the entry ends.
//
// The members always come in this order, without white space; only what JSON demands is escaped.

private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")

/// Appends one entry as a line, newline included.
///
/// - Complexity: O(key.count + value.count)
package func appendJSONLine(
  key: Span<UInt8>,
  value: Span<UInt8>,
  expires: UInt64? = nil,
  to output: inout [UInt8]
) {
  output.append(UInt8(ascii: "{"))
  appendJSONMember("key", key, to: &output)
  output.append(UInt8(ascii: ","))
  appendJSONMember("value", value, to: &output)
  if let expires { appendJSONExpiry(expires, to: &output) }
  output.append(UInt8(ascii: "}"))
  output.append(UInt8(ascii: "\n"))
}

/// Appends `,"expires":milliseconds`.
package func appendJSONExpiry(_ milliseconds: UInt64, to output: inout [UInt8]) {
  output.append(contentsOf: ",\"expires\":\(milliseconds)".utf8)
}

/// Appends `"name":"text"` or `"name_base64":"..."`.
///
/// - Complexity: O(bytes.count)
package func appendJSONMember(
  _ name: StaticString,
  _ bytes: Span<UInt8>,
  to output: inout [UInt8]
) {
  let isText = isUTF8(bytes)
  output.append(quote)
  output.append(contentsOf: name.description.utf8)
  if !isText { output.append(contentsOf: "_base64".utf8) }
  output.append(quote)
  output.append(UInt8(ascii: ":"))
  output.append(quote)
  if isText {
    appendJSONText(bytes, to: &output)
  } else {
    appendBase64(bytes, to: &output)
  }
  output.append(quote)
}

/// Appends valid UTF-8 with quotes, backslashes and control bytes escaped.
private func appendJSONText(_ text: Span<UInt8>, to output: inout [UInt8]) {
  var runStart = 0
  for index in text.indices {
    let byte = text[index]
    if byte >= 0x20 && byte != quote && byte != backslash { continue }
    output.append(copying: text.extracting(runStart..<index))
    runStart = index + 1
    output.append(backslash)
    switch byte {
    case quote, backslash: output.append(byte)
    case 0x08: output.append(UInt8(ascii: "b"))
    case 0x09: output.append(UInt8(ascii: "t"))
    case 0x0a: output.append(UInt8(ascii: "n"))
    case 0x0c: output.append(UInt8(ascii: "f"))
    case 0x0d: output.append(UInt8(ascii: "r"))
    default:
      output.append(contentsOf: "u00".utf8)
      output.append(hexDigit(byte >> 4))
      output.append(hexDigit(byte & 0xf))
    }
  }
  output.append(copying: text.extracting(runStart..<text.count))
}
