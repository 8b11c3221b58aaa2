// Whether bytes are text, and text that a terminal shows as it stands.
//
// Text means valid UTF-8 by the Unicode standard's table (no overlong forms, no surrogates).

/// Whether the bytes are valid UTF-8; no bytes at all are.
///
/// - Complexity: O(bytes.count)
package func isUTF8(_ bytes: Span<UInt8>) -> Bool {
  firstInvalidUTF8(in: bytes) == nil
}

/// Whether the bytes are valid UTF-8 without control characters (U+0000-U+001F, U+007F-U+009F), so
/// that printing them neither breaks a line nor steers a terminal.
///
/// - Complexity: O(bytes.count)
package func isPrintableText(_ bytes: Span<UInt8>) -> Bool {
  guard isUTF8(bytes) else { return false }
  var previous: UInt8 = 0
  for index in bytes.indices {
    let byte = bytes[index]
    if byte < 0x20 || byte == 0x7f { return false }
    // U+0080-U+009F are the second control set: C2 80 to C2 9F.
    if previous == 0xc2 && byte < 0xa0 { return false }
    previous = byte
  }
  return true
}

/// The first bytes that are no part of valid UTF-8, or nil if all are.
func firstInvalidUTF8(in bytes: Span<UInt8>) -> Range<Int>? {
  do {
    _ = try UTF8Span(validating: bytes)
    return nil
  } catch {
    return error.byteOffsets
  }
}
