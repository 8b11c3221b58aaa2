// Hexadecimal text for bytes: two digits a byte, high half first, written in lower case, read in
// either case.

/// The value of a hexadecimal digit, or nil for any other byte.
@inline(__always)
func hexDigitValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}

/// The digit of a value below 16, in lower case.
@inline(__always)
func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? 0x30 + value : 0x61 + value - 10
}

/// The bytes as hexadecimal digits.
///
/// - Complexity: O(bytes.count)
package func hexEncode(_ bytes: Span<UInt8>) -> String {
  var digits: [UInt8] = []
  digits.reserveCapacity(2 * bytes.count)
  for index in bytes.indices {
    digits.append(hexDigit(bytes[index] >> 4))
    digits.append(hexDigit(bytes[index] & 0xf))
  }
  return String(decoding: digits, as: UTF8.self)
}

/// The bytes that hexadecimal text stands for.
///
/// - Throws: The first character that is no digit, or that the number of digits is odd.
/// - Complexity: O(text.utf8.count)
package func hexDecode(_ text: String) throws(HexError) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.utf8.count / 2)
  var high: UInt8?
  var column = 0
  for character in text.utf8 {
    column += 1
    guard let digit = hexDigitValue(character) else { throw .notADigit(column: column) }
    if let half = high {
      bytes.append(half << 4 | digit)
      high = nil
    } else {
      high = digit
    }
  }
  guard high == nil else { throw .oddLength(column) }
  return bytes
}

/// Why text is not hexadecimal.
package enum HexError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A byte that is none of `0-9 a-f A-F`; its column, from 1.
  case notADigit(column: Int)
  /// An odd number of digits, given here.
  case oddLength(Int)

  /// One line for people.
  package var description: String {
    switch self {
    case .notADigit(let column): "not a hexadecimal digit at column \(column)"
    case .oddLength(let length): "\(length) hexadecimal digits: a byte takes two"
    }
  }
}
