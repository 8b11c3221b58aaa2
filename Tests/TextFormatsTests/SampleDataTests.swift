// The project's sample records: real text of many sizes, in many scripts, with every escape.

import Foundation
import SystemPackage
import Testing
import TextFormats

@Suite("Sample data")
struct SampleDataTests {
  @Test("the sample records are in key order, and written again they are the same bytes")
  func sampleRecords() throws {
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    let text = try Data(contentsOf: root.appending(path: "Data/unicode-records.tsv"))
    let (count, last, written) = try withFile(Array(text)) { file in
      var reader = EntryReader(file, format: .tsv)
      var count = 0
      var last: [UInt8] = []
      var written: [UInt8] = []
      while let entry = try reader.next() {
        try #require(count == 0 || last.lexicographicallyPrecedes(entry.key), "line \(count + 1)")
        last = entry.key
        count += 1
        TextFormat.tsv.appendLine(key: entry.key.span, value: entry.value.span, to: &written)
      }
      return (count, last, written)
    }
    #expect(count >= 30_000)
    #expect(String(decoding: last, as: UTF8.self).hasPrefix("utf-16le/"))
    let isSame = written == Array(text)
    #expect(isSame)
  }

  @Test("raw views are written like spans of bytes", arguments: TextFormat.allCases)
  func rawViews(format: TextFormat) {
    let entry = Entry(key: Array("ke\ty".utf8), value: [0x61, 0xff])
    var written: [UInt8] = []
    // SAFETY: a byte has no padding that reading its raw memory could show.
    unsafe format.appendLine(key: entry.key.span.bytes, value: entry.value.span.bytes, to: &written)
    #expect(written == line(entry, format))
  }

  @Test("an error stays on one line, whatever the name that it shows")
  func description() {
    let error = TextFormatError.unknownMember("a\n\u{1b}[1m\"", column: 2)
    #expect(error.description == #"unknown member "a\n\u{1B}[1m\"" at column 2"#)
  }
}
