// What an index says of each entry is true of the segment files.

import Fenceline
import IndexExport
import JournalFormat
import SystemPackage
import Testing

@Suite("Entries of an index")
struct EntryTests {
  @Test("every live key is there, with the place where its bytes stand")
  func liveKeys() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    var expected: [[UInt8]: [UInt8]] = [:]
    func put(_ key: [UInt8], _ value: [UInt8]) throws {
      try store.put(key, value)
      expected[key] = value
    }
    for number in 0..<6000 {
      try put(Array("user/\(number)".utf8), Array("value \(number)".utf8))
    }
    for number in stride(from: 0, to: 6000, by: 3) {
      try put(Array("user/\(number)".utf8), Array("a newer and longer value \(number)".utf8))
    }
    for number in stride(from: 1, to: 6000, by: 3) {
      let key = Array("user/\(number)".utf8)
      #expect(try store.delete(key))
      expected[key] = nil
    }
    try put([], Array("the value of the empty key".utf8))
    try put(Array("empty value".utf8), [])
    try put([0], [0, 0xff])
    try put([0xff, 0xfe, 0x00], [1])
    try put([UInt8](repeating: 0xab, count: 65_535), [2])
    try put(Array("big".utf8), (0..<200_001).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    try put(Array("chunk".utf8), [UInt8](repeating: 7, count: 65_537))
    try store.transaction {
      for number in 0..<50 {
        try $0.put(Array("transaction/\(number)".utf8), Array("\(number)".utf8))
        expected[Array("transaction/\(number)".utf8)] = Array("\(number)".utf8)
      }
      try $0.delete(Array("user/2".utf8))
      expected[Array("user/2".utf8)] = nil
    }
    try store.sync()

    let count = try IndexExport.write(store, to: scratch.index)
    #expect(count == expected.count)
    try expectIndex(scratch.index, of: scratch.store, holds: expected)
    let used = try query(scratch.index, "SELECT count(DISTINCT segment) FROM entries")
    #expect(try #require(Int(used[0][0])) > 2)
    let shared = try query(
      scratch.index,
      "SELECT count(DISTINCT sequence) FROM entries WHERE key_text LIKE 'transaction/%'"
    )
    #expect(shared == [["1"]])
  }

  @Test("a closed store that is opened for reading gives the same index")
  func readOnly() throws {
    let scratch = try Scratch()
    do {
      let store = try scratch.openStore()
      for number in 0..<100 { try store.put("key \(number)", "value") }
      try store.close()
    }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try IndexExport.write(store, to: scratch.index) == 100)
    #expect(try readEntries(scratch.index, of: scratch.store).count == 100)
  }

  @Test("the place in a store on disk is that in the file", .enabled(if: diskIsThere))
  func onDisk() throws {
    let scratch = try Scratch(in: "/var/tmp")
    let store = try scratch.openStore()
    var expected: [[UInt8]: [UInt8]] = [:]
    for number in 0..<2000 {
      let key = Array("key/\(number)".utf8)
      expected[key] = Array("value \(number)".utf8)
      try store.put(key, Array("value \(number)".utf8))
    }
    try store.sync()
    try IndexExport.write(store, to: scratch.index)
    try expectIndex(scratch.index, of: scratch.store, holds: expected)
  }

  /// Keys and whether they are text.
  static let texts: [([UInt8], Bool)] = [
    ([], true), (Array("plain".utf8), true), (Array("żółć €😀".utf8), true),
    (Array("new\nline|bar'quote".utf8), true), ([0x01], true), ([0xef, 0xbb, 0xbf], true),
    ([0x00], false), (Array("a\0b".utf8), false), ([0xff], false), ([0xc0, 0x80], false),
    ([0xed, 0xa0, 0x80], false), ([0xf4, 0x90, 0x80, 0x80], false), ([0xe2, 0x82], false),
  ]

  @Test("a key is shown as text if it is text, else NULL", arguments: texts)
  func text(key: [UInt8], isText: Bool) throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    try store.put(key, [1])
    try IndexExport.write(store, to: scratch.index)
    let hexadecimal = key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
      .joined()
    let rows = try query(
      scratch.index,
      "SELECT typeof(key), hex(key), typeof(key_text), hex(key_text), is_text FROM entries"
    )
    #expect(
      rows == [
        [
          "blob", hexadecimal, isText ? "text" : "null", isText ? hexadecimal : "",
          isText ? "1" : "0",
        ]
      ]
    )
  }

  @Test("progress is told every 4,096 entries")
  func progress() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    for number in 0..<10_000 { try store.put("\(number)", "") }
    var told: [Int] = []
    let count = try IndexExport.write(store, to: scratch.index) { told.append($0) }
    #expect(count == 10_000)
    #expect(told == [4096, 8192])
  }

  @Test("an empty store gives an index without entries")
  func empty() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    #expect(try IndexExport.write(store, to: scratch.index) == 0)
    #expect(try readEntries(scratch.index, of: scratch.store).isEmpty)
    #expect(try query(scratch.index, "SELECT live_bytes FROM segments") == [["0"]])
    for view in ["largest_values", "recent_entries", "key_prefixes", "value_sizes"] {
      #expect(try query(scratch.index, "SELECT * FROM \(view)").isEmpty)
    }
    #expect(
      try query(scratch.index, "SELECT number, dead_percent FROM segment_usage") == [
        ["1", "100.0"]
      ]
    )
  }
}

/// Whether the machine has a directory for files that outlive a boot.
let diskIsThere = (try? Scratch(in: "/var/tmp")) != nil
