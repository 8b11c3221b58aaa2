// Base64 with the standard alphabet and padding, for the JSON members `key_base64`, `value_base64`.
//
// Reading is strict, so that bytes have exactly one spelling: padding is required, bits that stand
// for nothing are zero, white space is refused. (Foundation's decoder reads "====" as one zero byte.)

/// The digits, by value.
private let alphabet = [UInt8](
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
)

/// The values, by digit; 0xff for bytes that are no digit.
private let digitValues: [UInt8] = {
  var values = [UInt8](repeating: 0xff, count: 256)
  for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
  return values
}()

private let padding = UInt8(ascii: "=")

/// Appends the bytes in base64.
///
/// - Complexity: O(bytes.count)
func appendBase64(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
  let digits = alphabet
  var index = 0
  while index < bytes.count {
    let length = min(3, bytes.count - index)
    var group = UInt32(bytes[index]) << 16
    if length > 1 { group |= UInt32(bytes[index + 1]) << 8 }
    if length > 2 { group |= UInt32(bytes[index + 2]) }
    output.append(digits[Int(group >> 18)])
    output.append(digits[Int(group >> 12 & 0x3f)])
    output.append(length > 1 ? digits[Int(group >> 6 & 0x3f)] : padding)
    output.append(length > 2 ? digits[Int(group & 0x3f)] : padding)
    index += length
  }
}

/// The bytes that base64 text stands for, or nil where the text is not base64.
///
/// - Complexity: O(text.count)
func decodeBase64(_ text: Span<UInt8>) -> [UInt8]? {
  guard text.count % 4 == 0 else { return nil }
  let values = digitValues
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.count / 4 * 3)
  var index = 0
  while index < text.count {
    // Only the last group may be padded, by one or two.
    var digitCount = 4
    if index + 4 == text.count {
      if text[index + 3] == padding { digitCount = text[index + 2] == padding ? 2 : 3 }
    }
    var group: UInt32 = 0
    for offset in 0..<digitCount {
      let value = values[Int(text[index + offset])]
      guard value != 0xff else { return nil }
      group |= UInt32(value) << UInt32(18 - 6 * offset)
    }
    bytes.append(UInt8(truncatingIfNeeded: group >> 16))
    if digitCount > 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
    if digitCount > 3 { bytes.append(UInt8(truncatingIfNeeded: group)) }
    let unused: UInt32 = digitCount == 4 ? 0 : digitCount == 3 ? 0xff : 0xffff
    guard group & unused == 0 else { return nil }
    index += 4
  }
  return bytes
}
