// The tables of segments and properties, and the views, on stores that are small enough to know.

import Fenceline
import Foundation
import JournalFormat
import SystemPackage
import Testing

@testable import IndexExport

@Suite("Content of an index")
struct ContentTests {
  /// A store of eight entries and its index.
  private func knownIndex() throws -> Scratch {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    try store.put("a/1", "12")
    try store.put("a/2", "123")
    try store.put("a:b/3", String(repeating: "x", count: 1000))
    try store.put("b:c/4", "")
    try store.put("plain", "1")
    try store.put([0xff, 0x2f, 0x31], [1, 2, 3, 4])
    try store.put("a/1", "1234567")
    try store.transaction {
      try $0.put("t/1", "1")
      try $0.put("t/2", "12345678")
    }
    try IndexExport.write(store, to: scratch.index)
    return scratch
  }

  @Test("the views answer")
  func views() throws {
    let scratch = try knownIndex()
    let index = scratch.index
    #expect(
      try query(index, "SELECT key_text, value_length FROM largest_values LIMIT 3")
        == [["a:b/3", "1000"], ["t/2", "8"], ["a/1", "7"]]
    )
    #expect(
      try query(index, "SELECT key_text, sequence FROM recent_entries").map { $0[0] }
        == ["t/2", "t/1", "a/1", "NULL", "plain", "b:c/4", "a:b/3", "a/2"]
    )
    #expect(
      try query(
        index,
        """
        SELECT prefix_text, hex(prefix), entries, key_bytes, value_bytes FROM key_prefixes
        ORDER BY prefix
        """
      ) == [
        ["NULL", "", "1", "5", "1"],
        ["a/", "612F", "2", "6", "10"],
        ["a:", "613A", "1", "5", "1000"],
        ["b:", "623A", "1", "5", "0"],
        ["t/", "742F", "2", "6", "9"],
        ["NULL", "FF2F", "1", "3", "4"],
      ]
    )
    #expect(
      try query(index, "SELECT * FROM value_sizes") == [
        ["0", "0", "1", "0"], ["1", "1", "2", "2"], ["2", "3", "1", "3"], ["4", "7", "2", "11"],
        ["8", "15", "1", "8"], ["512", "1023", "1", "1000"],
      ]
    )
    let usage = try query(index, "SELECT number, live_entries, is_newest FROM segment_usage")
    #expect(usage == [["1", "8", "1"]])
  }

  @Test("the histogram has a place for the longest value")
  func longestValue() throws {
    let scratch = try knownIndex()
    try run("sqlite3", [scratch.index.string, "UPDATE entries SET value_length = 4294967295"])
    #expect(
      try query(scratch.index, "SELECT from_bytes, to_bytes, entries FROM value_sizes")
        == [["2147483648", "4294967295", "8"]]
    )
  }

  @Test("live and dead bytes are those of the records")
  func segments() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    for round in 0..<3 {
      for number in 0..<1000 { try store.put("key \(number)", "value of round \(round)") }
    }
    // Does not fit behind them: that segment ends early, and the rest of its file is given back.
    try store.put("large", String(repeating: "x", count: 500_000))
    try IndexExport.write(store, to: scratch.index)
    let segments = try store.segments()
    #expect(segments.count > 2)
    #expect(segments.contains { $0.allocatedBytes < $0.capacityInBytes })
    // By hand: what each entry takes, summed per segment.
    var live: [UInt32: (entries: Int, bytes: Int)] = [:]
    try store.forEach { (_, _, location) in
      live[location.segment, default: (0, 0)].entries += 1
      live[location.segment, default: (0, 0)].bytes += location.recordLength
      return .next
    }
    let rows = try query(
      scratch.index,
      """
      SELECT number, file_name, capacity, allocated, live_entries, live_bytes, dead_bytes,
        incarnation, first_sequence, created_at
      FROM segments
      """
    )
    let expected = segments.map { (segment) in
      let (entries, bytes) = live[segment.number] ?? (0, 0)
      return [
        "\(segment.number)", segment.fileName, "\(segment.capacityInBytes)",
        "\(segment.allocatedBytes)", "\(entries)", "\(bytes)", "\(segment.allocatedBytes - bytes)",
        "\(segment.incarnation)", "\(segment.firstSequence)", "\(segment.createdAt)",
      ]
    }
    #expect(rows == expected)
    let usage = try query(
      scratch.index,
      "SELECT number, dead_bytes, dead_percent, is_newest FROM segment_usage"
    )
    #expect(usage.count == segments.count)
    let first = try #require(usage.first { $0[0] == "1" })
    #expect(first == ["1", "\(segments[0].allocatedBytes)", "100.0", "0"])
    let newest = try #require(segments.last)
    #expect(usage.filter { $0[3] == "1" }.map { $0[0] } == ["\(newest.number)"])
  }

  @Test("the properties are the store's own account, and each is explained")
  func properties() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    try store.put("a", "1")
    try store.put("b", "1")
    try store.delete("a")
    let before = Date()
    try IndexExport.write(store, to: scratch.index)
    let rows = try query(scratch.index, "SELECT name, value, meaning FROM store")
    let values = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    let statistics = try store.statistics()
    #expect(values["id"] == store.identifier)
    #expect(values["path"] == scratch.store.string)
    #expect(values["format_version"] == "1")
    #expect(values["key_count"] == "1")
    #expect(values["segment_count"] == "1")
    #expect(values["medium"] == statistics.medium)
    #expect(values["buffered_survival"] == statistics.bufferedSurvival.description)
    #expect(values["durable_survival"] == statistics.durableSurvival.description)
    #expect(values["copy_policy"] == statistics.copyPolicy)
    #expect(values["was_read_only"] == "0")
    let time = try ISO8601DateFormatter().date(from: #require(values["exported_at"]))
    #expect(abs(try #require(time).timeIntervalSince(before)) < 30)
    #expect(rows.allSatisfy { $0.count == 3 && $0[2].count > 10 })
  }

  @Test("the schema says what everything is")
  func schema() throws {
    let scratch = try knownIndex()
    let index = scratch.index
    let schema = try run("sqlite3", ["-readonly", index.string, ".schema"])
    for name in ["store", "segments", "namespaces", "entries"] {
      #expect(schema.contains("CREATE TABLE \(name) (\n  -- "))
    }
    for view in try query(index, "SELECT name FROM sqlite_schema WHERE type = 'view'") {
      #expect(schema.contains("CREATE VIEW \(view[0]) AS\n  -- "))
    }
    #expect(schema.contains("dead_bytes      INTEGER AS (max(0, allocated - live_bytes))"))
    #expect(try query(index, "PRAGMA application_id") == [["\(0x464e_434c)"]])
    #expect(try query(index, "PRAGMA user_version") == [["3"]])
    #expect(try query(index, "PRAGMA foreign_key_check").isEmpty)
  }
}
