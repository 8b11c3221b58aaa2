// Hexadecimal text, and the questions whether bytes are text and whether they can be shown.

import Testing
import TextFormats

@Suite("Bytes as text")
struct BytesAsTextTests {
  @Test("hexadecimal digits and back, for every byte")
  func everyByteInHex() throws {
    let bytes = Array(UInt8.min...UInt8.max)
    let text = hexEncode(bytes.span)
    #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff") && text.utf8.count == 512)
    #expect(try hexDecode(text) == bytes)
    #expect(try hexDecode(text.uppercased()) == bytes)
    #expect(try hexDecode("") == [])
  }

  @Test(
    "what is not hexadecimal is refused",
    arguments: [
      ("0", .oddLength(1)), ("012", .oddLength(3)), ("0x12", .notADigit(column: 2)),
      ("12 ", .notADigit(column: 3)), ("g0", .notADigit(column: 1)), ("1é", .notADigit(column: 2)),
      ("/:", .notADigit(column: 1)), ("@`", .notADigit(column: 1)), ("0:", .notADigit(column: 2)),
    ] as [(String, HexError)]
  )
  func malformedHex(text: String, error: HexError) {
    #expect(throws: error) { try hexDecode(text) }
  }

  @Test(
    "bytes are text if they are UTF-8, and printable if they hold no control characters",
    arguments: [
      ([], true, true),
      (Array("aé😀\u{a0}".utf8), true, true),
      ([0x09], true, false), ([0x0a], true, false), ([0x1b], true, false), ([0x7f], true, false),
      ([0xc2, 0x80], true, false), ([0xc2, 0x9f], true, false), ([0xc2, 0xa0], true, true),
      ([0xc3, 0x80], true, true), ([0xe2, 0x82, 0xac], true, true),
      ([0x80], false, false), ([0xc2], false, false), ([0xff], false, false),
      ([0xed, 0xa0, 0x80], false, false), ([0xc0, 0x80], false, false),
      ([0xf4, 0x90, 0x80, 0x80], false, false),
    ] as [([UInt8], Bool, Bool)]
  )
  func text(bytes: [UInt8], isText: Bool, isPrintable: Bool) {
    #expect(isUTF8(bytes.span) == isText)
    #expect(isPrintableText(bytes.span) == isPrintable)
  }
}
