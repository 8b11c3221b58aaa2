// Whatever bytes a store holds, a text file carries them: written and read back they are the same.

import Testing
import TextFormats

@Suite("Round trips")
struct RoundTripTests {
  @Test(
    "every byte survives, alone in a key, alone in a value and between others",
    arguments: TextFormat.allCases
  )
  func everyByte(format: TextFormat) throws {
    for byte in UInt8.min...UInt8.max {
      try expectRoundTrip(Entry(key: [byte], value: []), format, "\(byte)")
      try expectRoundTrip(Entry(key: [], value: [byte]), format, "\(byte)")
      try expectRoundTrip(Entry(key: [0x61, byte, 0x61], value: [byte, 0xff]), format, "\(byte)")
    }
  }

  @Test("every pair of bytes survives", arguments: TextFormat.allCases)
  func everyPair(format: TextFormat) throws {
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        try expectRoundTrip(Entry(key: [first, second], value: [second, first]), format)
      }
    }
  }

  @Test("empty keys and values survive", arguments: TextFormat.allCases)
  func empty(format: TextFormat) throws {
    try expectRoundTrip(Entry(key: [], value: []), format)
    try expectRoundTrip(Entry(key: [0x61], value: []), format)
    try expectRoundTrip(Entry(key: [], value: [0x61]), format)
  }

  @Test("when an entry ends survives in JSON lines", arguments: [0, 1, 10, UInt64.max])
  func expiry(milliseconds: UInt64) throws {
    let entry = Entry(key: [0x6b], value: [0xff], expires: milliseconds)
    try expectRoundTrip(entry, .jsonl)
    #expect(line(entry, .tsv) == line(Entry(key: [0x6b], value: [0xff]), .tsv))
  }

  @Test("random bytes survive", arguments: TextFormat.allCases)
  func randomEntries(format: TextFormat) throws {
    let seed = testSeed()
    var generator = SeededGenerator(seed: seed)
    for round in 0..<2_000 {
      let entry = Entry(
        key: randomBytes(upTo: 40, using: &generator),
        value: randomBytes(upTo: 200, using: &generator)
      )
      try expectRoundTrip(entry, format, "seed \(seed), round \(round)")
    }
  }

  @Test("values of a megabyte survive", arguments: TextFormat.allCases)
  func longValues(format: TextFormat) throws {
    let text = [UInt8](repeating: 0x61, count: 1 << 20)
    try expectRoundTrip(Entry(key: [0x6b], value: text), format)
    try expectRoundTrip(Entry(key: text, value: text + [0xff]), format)
    try expectRoundTrip(Entry(key: [], value: [UInt8](repeating: 0xff, count: 1 << 19)), format)
  }
}

@Suite("Written lines")
struct WrittenLineTests {
  @Test(
    "TSV escapes control bytes, backslashes and what is not UTF-8, and nothing else",
    arguments: [
      ("a", "b", "a\tb\n"),
      ("a\tb", "c\nd", "a\\tb\tc\\nd\n"),
      ("a\\b", "c\rd", "a\\\\b\tc\\rd\n"),
      ("\u{0}\u{1f}\u{7f}", "\u{80}é😀\u{feff}\"", "\\x00\\x1f\\x7f\t\u{80}é😀\u{feff}\"\n"),
    ]
  )
  func tsv(key: String, value: String, expected: String) {
    let entry = Entry(key: Array(key.utf8), value: Array(value.utf8))
    #expect(String(decoding: line(entry, .tsv), as: UTF8.self) == expected)
  }

  @Test("TSV escapes each byte that is no part of valid UTF-8, and only those")
  func tsvInvalid() {
    let entry = Entry(key: [0xc3, 0xa9, 0xc3, 0x61], value: [0xed, 0xa0, 0x80, 0x09, 0xff])
    #expect(
      String(decoding: line(entry, .tsv), as: UTF8.self) == "é\\xc3a\t\\xed\\xa0\\x80\\t\\xff\n"
    )
  }

  @Test(
    "JSON lines escape what JSON demands, and nothing else",
    arguments: [
      ("a", "b", #"{"key":"a","value":"b"}"#),
      ("\"\\/", "\u{8}\t\n\u{c}\r", #"{"key":"\"\\/","value":"\b\t\n\f\r"}"#),
      ("\u{0}\u{1f}\u{7f}", "é😀", "{\"key\":\"\\u0000\\u001f\u{7f}\",\"value\":\"é😀\"}"),
    ]
  )
  func json(key: String, value: String, expected: String) {
    let entry = Entry(key: Array(key.utf8), value: Array(value.utf8))
    #expect(String(decoding: line(entry, .jsonl), as: UTF8.self) == expected + "\n")
  }

  @Test(
    "bytes that are not UTF-8 go into JSON lines as base64",
    arguments: [
      ([0xff], "/w=="), ([0xff, 0xfe], "//4="), ([0xff, 0xfe, 0xfd], "//79"),
      ([0x00, 0x10, 0x83, 0xff], "ABCD/w=="),
    ] as [([UInt8], String)]
  )
  func jsonBase64(bytes: [UInt8], text: String) {
    let written = line(Entry(key: bytes, value: bytes), .jsonl)
    let expected = #"{"key_base64":"\#(text)","value_base64":"\#(text)"}"# + "\n"
    #expect(String(decoding: written, as: UTF8.self) == expected)
  }
}
