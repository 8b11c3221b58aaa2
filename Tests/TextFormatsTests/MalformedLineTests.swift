// Lines that are refused, each with its exact error, and unusual lines that are accepted.

import Testing
import TextFormats

@Suite("Read TSV lines")
struct TSVLineTests {
  @Test(
    "a malformed line is refused by column",
    arguments: [
      ("", .missingTab),
      ("key", .missingTab),
      ("key\\t", .missingTab),
      ("key\tvalue\tmore", .extraTab(column: 10)),
      ("\t\t", .extraTab(column: 2)),
      ("é\té\t", .extraTab(column: 6)),
      ("ke\\y\tvalue", .badEscape(column: 3)),
      ("key\\", .badEscape(column: 4)),
      ("key\tvalue\\", .badEscape(column: 10)),
      ("key\t\\\tvalue", .badEscape(column: 5)),
      ("key\t\\x", .badEscape(column: 5)),
      ("key\t\\x4", .badEscape(column: 5)),
      ("key\t\\x4g", .badEscape(column: 5)),
      ("key\t\\xg4", .badEscape(column: 5)),
      ("key\t\\X41", .badEscape(column: 5)),
      ("\\x4\t1", .badEscape(column: 1)),
      ("key\t\\\\\\", .badEscape(column: 7)),
    ] as [(String, TextFormatError)]
  )
  func malformed(text: String, error: TextFormatError) {
    #expect(throws: error) { try TextFormat.tsv.decode(Array(text.utf8).span) }
  }

  @Test("any raw byte but tab and newline is itself, a carriage return at the end too")
  func rawBytes() throws {
    let others = (UInt8.min...UInt8.max).filter { $0 != 0x09 && $0 != 0x0a && $0 != 0x5c }
    let line = others + [0x09] + others + [0x0d]
    #expect(try TextFormat.tsv.decode(line.span) == Entry(key: others, value: others + [0x0d]))
  }

  @Test("escapes are accepted where they are not needed, in either case")
  func needlessEscapes() throws {
    let line = Array("\\x4b\\x4B\t\\xC3\\xa9".utf8)
    let expected = Entry(key: Array("KK".utf8), value: Array("é".utf8))
    #expect(try TextFormat.tsv.decode(line.span) == expected)
  }
}

@Suite("Read JSON lines")
struct JSONLineTests {
  @Test(
    "a malformed line is refused, and the error says what and where",
    arguments: [
      ("", .invalidJSON(.expectedObject, column: 1)),
      ("  ", .invalidJSON(.expectedObject, column: 3)),
      ("[]", .invalidJSON(.expectedObject, column: 1)),
      ("{", .invalidJSON(.expectedName, column: 2)),
      (#"{"key""#, .invalidJSON(.expectedColon, column: 7)),
      (#"{"key":"#, .invalidJSON(.expectedString, column: 8)),
      (#"{"key":1}"#, .invalidJSON(.expectedString, column: 8)),
      (#"{"key":null}"#, .invalidJSON(.expectedString, column: 8)),
      (#"{"expires":"1"}"#, .invalidJSON(.expectedMilliseconds, column: 12)),
      (#"{"expires":-1}"#, .invalidJSON(.expectedMilliseconds, column: 12)),
      (#"{"expires":01}"#, .invalidJSON(.expectedMilliseconds, column: 12)),
      (#"{"expires":18446744073709551616}"#, .invalidJSON(.expectedMilliseconds, column: 12)),
      (#"{"expires":1.5}"#, .invalidJSON(.expectedCommaOrEnd, column: 13)),
      (#"{"expires":1,"expires":1}"#, .repeatedMember("expires", column: 14)),
      (#"{"key":"a""#, .invalidJSON(.expectedCommaOrEnd, column: 11)),
      (#"{"key":"a" "value":"b"}"#, .invalidJSON(.expectedCommaOrEnd, column: 12)),
      (#"{"key":"a",}"#, .invalidJSON(.expectedName, column: 12)),
      (#"{,"key":"a"}"#, .invalidJSON(.expectedName, column: 2)),
      (#"{key:"a"}"#, .invalidJSON(.expectedName, column: 2)),
      (#"{"key":"a","value":"b"} x"#, .invalidJSON(.trailingText, column: 25)),
      (#"{"key":"a","value":"b"}{}"#, .invalidJSON(.trailingText, column: 24)),
      (#"{"key":"a"#, .invalidJSON(.unterminatedString, column: 10)),
      ("{\"key\":\"\t\"}", .invalidJSON(.controlCharacter, column: 9)),
      ("{\"key\":\"\u{1f}\"}", .invalidJSON(.controlCharacter, column: 9)),
      ("{\"key\":\"\0\"}", .invalidJSON(.controlCharacter, column: 9)),
      (#"{"key":"\x41"}"#, .invalidJSON(.badEscape, column: 9)),
      (#"{"key":"\"#, .invalidJSON(.badEscape, column: 9)),
      (#"{"key":"\u12"}"#, .invalidJSON(.badEscape, column: 9)),
      (#"{"key":"\u12g4"}"#, .invalidJSON(.badEscape, column: 9)),
      (#"{"key":"\ud83d"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      (#"{"key":"\ud83d\n"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      (#"{"key":"\ud83d\u0041"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      (#"{"key":"\ud83d\ud83d"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      (#"{"key":"\ud83d\ude"}"#, .invalidJSON(.badEscape, column: 15)),
      (#"{"key":"\ude00"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      (#"{"key":"\ude00\u12"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      (#"{"key":"\ude00\ud83d"}"#, .invalidJSON(.loneSurrogate, column: 9)),
      ("\u{feff}{}", .invalidJSON(.expectedObject, column: 1)),
      (#"{"ke\u0079s":[1,{}]}"#, .unknownMember("keys", column: 2)),
      (#"{"key":"a","":"b"}"#, .unknownMember("", column: 12)),
      (#"{"key":"a","Value":"b"}"#, .unknownMember("Value", column: 12)),
      (#"{"key":"a","key":"a"}"#, .repeatedMember("key", column: 12)),
      (#"{"value_base64":"","value_base64":""}"#, .repeatedMember("value_base64", column: 20)),
      ("{}", .missingMember("key")),
      (#"{"value":"b"}"#, .missingMember("key")),
      (#"{"key":"a"}"#, .missingMember("value")),
      (#"{"key":"a","key_base64":"YQ==","value":"b"}"#, .bothForms("key")),
      (#"{"key":"a","value_base64":"Yg==","value":"b"}"#, .bothForms("value")),
    ] as [(String, TextFormatError)]
  )
  func malformed(text: String, error: TextFormatError) {
    #expect(throws: error) { try TextFormat.jsonl.decode(Array(text.utf8).span) }
  }

  @Test(
    "base64 has one spelling",
    arguments: [
      "Y", "YQ", "YQ=", "YQ==YQ==", "====", "Y===", "YR==", "YWJ=", "YWI =", "Y-_=", "é===",
    ]
  )
  func base64(text: String) {
    let valueLine = Array(#"{"key":"a","value_base64":"\#(text)"}"#.utf8)
    #expect(throws: TextFormatError.badBase64("value_base64")) {
      try TextFormat.jsonl.decode(valueLine.span)
    }
    let keyLine = Array(#"{"key_base64":"\#(text)","value":""}"#.utf8)
    #expect(throws: TextFormatError.badBase64("key_base64")) {
      try TextFormat.jsonl.decode(keyLine.span)
    }
  }

  @Test(
    "bytes that are not UTF-8 are refused by column",
    arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]] as [[UInt8]]
  )
  func invalidUTF8(bytes: [UInt8]) {
    let line = Array(#"{"key":""#.utf8) + bytes + Array(#""}"#.utf8)
    #expect(throws: TextFormatError.invalidJSON(.notUTF8, column: 9)) {
      try TextFormat.jsonl.decode(line.span)
    }
  }

  @Test(
    "other spellings of an entry are accepted",
    arguments: [
      (#"{"value":"b","key":"a"}"#, "a", "b"),
      (" {\t\"key\" : \"a\" ,\r\"value\" : \"b\" } \r", "a", "b"),
      (#"{"key_base64":"YQ==","value_base64":""}"#, "a", ""),
      (#"{"k\u0065y":"\u00e9\u00E9","value":"\ud83d\ude00"}"#, "éé", "😀"),
      (
        #"{"key":"\"\\\/\b\f\n\r\t","value":"\u0000\uffff"}"#, "\"\\/\u{8}\u{c}\n\r\t", "\0\u{ffff}"
      ),
      (#"{"key":"\ud800\udc00","value":"\udbff\udfff"}"#, "\u{10000}", "\u{10ffff}"),
      ("{\"key\":\"\u{feff}a\",\"value\":\"\u{feff}\"}", "\u{feff}a", "\u{feff}"),
    ]
  )
  func accepted(text: String, key: String, value: String) throws {
    let entry = try TextFormat.jsonl.decode(Array(text.utf8).span)
    #expect(entry == Entry(key: Array(key.utf8), value: Array(value.utf8)))
  }

  @Test(
    "random damage to a line gives an entry or an error, never a trap",
    arguments: TextFormat.allCases
  )
  func damage(format: TextFormat) throws {
    let seed = testSeed()
    var generator = SeededGenerator(seed: seed)
    var accepted = 0
    for _ in 0..<10_000 {
      let entry = Entry(
        key: randomBytes(upTo: 8, using: &generator),
        value: randomBytes(upTo: 8, using: &generator)
      )
      var text = line(entry, format).dropLast()
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        guard let index = text.indices.randomElement(using: &generator) else { break }
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: text.remove(at: index)
        default: text = text[..<index]
        }
      }
      if let read = try? format.decode(Array(text).span) {
        accepted += 1
        try expectRoundTrip(read, format, "seed \(seed)")
      }
    }
    #expect(accepted > 0 && accepted < 10_000, "seed \(seed)")
  }
}
