// Lines and entries from descriptors: buffers of any size, lines of any length, numbers from 1.

import Foundation
import SystemPackage
import Testing
import TextFormats

@Suite("Line reader")
struct LineReaderTests {
  @Test(
    "lines end at newlines and at the end of the input, whatever the buffer's size",
    arguments: [
      ("", []),
      ("\n", [""]),
      ("a", ["a"]),
      ("a\n", ["a"]),
      ("a\nb", ["a", "b"]),
      ("\n\na\n\n", ["", "", "a", ""]),
      ("a\r\nb\r", ["a\r", "b\r"]),
      ("one\n\0\ntwenty-one letters here\nx\n", ["one", "\0", "twenty-one letters here", "x"]),
    ] as [(String, [String])],
    [1, 2, 3, 7, 1 << 18]
  )
  func lines(input: (text: String, lines: [String]), bufferSize: Int) throws {
    let found = try withFile(Array(input.text.utf8)) { file in
      try allLines(of: file, bufferSizeInBytes: bufferSize)
    }
    let expected = zip(1..., input.lines.map { Array($0.utf8) })
    #expect(found == Dictionary(uniqueKeysWithValues: expected.map { ($0, $1) }))
  }

  @Test("random lines come back, through buffers of random sizes")
  func randomLines() throws {
    let seed = testSeed()
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var expected: [Int: [UInt8]] = [:]
      var input: [UInt8] = []
      for number in 1..<Int.random(in: 2...40, using: &generator) {
        let line = randomBytes(upTo: 60, using: &generator).filter { $0 != UInt8(ascii: "\n") }
        expected[number] = line
        input += line + [UInt8(ascii: "\n")]
      }
      let size = Int.random(in: 1...100, using: &generator)
      let found = try withFile(input) {
        try allLines(of: $0, bufferSizeInBytes: size)
      }
      try #require(found == expected, "seed \(seed)")
    }
  }

  @Test("a line of several MB comes in one piece, between short ones")
  func longLine() throws {
    let long = [UInt8](repeating: 0x61, count: 9_000_001)
    let found = try withFile([0x62, 0x0a] + long + [0x0a, 0x63]) { file in
      try allLines(of: file, bufferSizeInBytes: 1000)
    }
    // Compared outside: a failing expectation would print megabytes.
    let isSame = found == [1: [0x62], 2: long, 3: [0x63]]
    #expect(isSame)
  }

  @Test("a pipe that gives a few bytes at a time gives the same lines")
  func pipe() throws {
    let (readEnd, writeEnd) = try FileDescriptor.pipe()
    let writer = Thread {
      for piece in ["fi", "rst\nsec", "ond\n", "", "third"] {
        _ = try? writeEnd.writeAll(piece.utf8)
        Thread.sleep(forTimeInterval: 0.01)
      }
      try? writeEnd.close()
    }
    writer.start()
    let found = try readEnd.closeAfter { try allLines(of: readEnd, bufferSizeInBytes: 4) }
    #expect(
      found.mapValues { String(decoding: $0, as: UTF8.self) } == [
        1: "first", 2: "second", 3: "third",
      ]
    )
  }

  @Test("there is no line after the last, however often one asks")
  func afterTheEnd() throws {
    try withFile(Array("a".utf8)) { file in
      var reader = LineReader(file)
      var found = [reader.lineNumber]
      for _ in 1...3 { found.append(try reader.advance() ? reader.lineNumber : -1) }
      #expect(found == [0, 1, -1, -1])
      let (number, length) = (reader.lineNumber, reader.withLine { $0.count })
      #expect(number == 1 && length == 0)
    }
  }

  @Test("a failing read is that error")
  func unreadable() throws {
    let directory = try FileDescriptor.open(FilePath("/"), .readOnly)
    try directory.closeAfter {
      var lines = LineReader(directory)
      #expect(throws: Errno.isDirectory) { try lines.advance() }
      var entries = EntryReader(directory, format: .tsv)
      #expect(throws: EntryReaderError.unreadable(.isDirectory)) { try entries.next() }
    }
  }
}

@Suite("Entry reader")
struct EntryReaderTests {
  @Test("a malformed line is named by number, and reading can go on behind it")
  func malformedLine() throws {
    let text = "a\t1\n\nb\\q\t2\nc\t3"
    try withFile(Array(text.utf8)) { file in
      var reader = EntryReader(file, format: .tsv)
      let first = try reader.next()
      #expect(first == Entry(key: [0x61], value: [0x31]))
      #expect(throws: EntryReaderError.malformed(line: 2, .missingTab)) { try reader.next() }
      let third = EntryReaderError.malformed(line: 3, .badEscape(column: 2))
      #expect(throws: third) { try reader.next() }
      #expect(third.description.hasPrefix("line 3: bad escape at column 2"))
      let fourth = try reader.next()
      #expect(fourth == Entry(key: [0x63], value: [0x33]))
      let none = try reader.next()
      #expect(none == nil)
      let number = reader.lineNumber
      #expect(number == 4)
    }
  }

  @Test("what was written is what is read", arguments: TextFormat.allCases)
  func stream(format: TextFormat) throws {
    let seed = testSeed()
    var generator = SeededGenerator(seed: seed)
    var entries: [Entry] = []
    for _ in 0..<200 {
      entries.append(
        Entry(
          key: randomBytes(upTo: 30, using: &generator),
          value: randomBytes(upTo: 3_000, using: &generator)
        )
      )
    }
    let text = entries.flatMap { line($0, format) }
    let found = try withFile(text) { file in
      var reader = EntryReader(file, format: format)
      var found: [Entry] = []
      while let entry = try reader.next() { found.append(entry) }
      return found
    }
    let isSame = found == entries
    #expect(isSame, "seed \(seed)")
  }
}
