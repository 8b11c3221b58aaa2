// Helpers of these tests: a scratch directory, the stock sqlite3 shell, and a reader of segment files
// that shares nothing with the engine but the numbers of the format.

import Fenceline
import Foundation
import JournalFormat
import SystemPackage
import Testing

/// A directory of its own, removed with everything in it.
final class Scratch: Sendable {
  let path: FilePath

  // tmpfs by default, so that syncs are quick.
  init(in parent: FilePath = "/dev/shm") throws {
    path = parent.appending("fenceline-index-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      atPath: path.string,
      withIntermediateDirectories: false
    )
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  var store: FilePath { path.appending("store") }
  var index: FilePath { path.appending("index.sqlite") }

  /// Names of everything but the store.
  var names: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: path.string).filter { $0 != "store" }
        .sorted()
    }
  }

  func bytes(of file: FilePath) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: file.string)))
  }

  func write(_ bytes: [UInt8], to file: FilePath) throws {
    try Data(bytes).write(to: URL(filePath: file.string))
  }

  /// Opens the store with segments so small that a test fills several.
  func openStore(smallestSegment: Int = 64 << 10, retaining bytes: Int = 0) throws -> Store {
    var options = StoreOptions()
    options.retainedJournalBytes = bytes
    options.compactsInBackground = false
    options.segmentOptions.smallest = smallestSegment
    options.segmentOptions.largest = 1 << 20
    return try Store.open(at: store, options: options)
  }
}

/// A program that failed.
struct ProgramError: Error {
  let status: Int32
  let message: String
}

/// Runs a program and gives what it printed.
@discardableResult
func run(_ program: String, _ arguments: [String]) throws -> String {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [program] + arguments
  let output = Pipe()
  let errors = Pipe()
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  let text = try output.fileHandleForReading.readToEnd() ?? Data()
  let message = try errors.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw ProgramError(
      status: process.terminationStatus,
      message: String(decoding: message, as: UTF8.self)
    )
  }
  return String(decoding: text, as: UTF8.self)
}

/// Rows that the sqlite3 shell gives, as text; NULL is "NULL".
func query(_ index: FilePath, _ sql: String) throws -> [[String]] {
  let output = try run(
    "sqlite3",
    ["-batch", "-bail", "-readonly", "-list", "-nullvalue", "NULL", index.string, sql]
  )
  return output.split(separator: "\n").map {
    $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
  }
}

/// The bytes of a hexadecimal string.
func bytes(hexadecimal text: String) -> [UInt8] {
  var bytes: [UInt8] = []
  var rest = Substring(text)
  while let byte = UInt8(rest.prefix(2), radix: 16) {
    bytes.append(byte)
    rest = rest.dropFirst(2)
  }
  return bytes
}

/// A put as it stands in a segment file, by the offsets of the format.
struct RawRecord: Equatable {
  var key: [UInt8]
  var value: [UInt8]
  var checksum: UInt64
  var sequence: UInt64
  var recordLength: Int
  var valueOffset: Int

  /// Reads a record at an offset of a segment file, or nil where no put stands.
  init?(in file: [UInt8], at offset: Int) {
    func number(_ at: Int, _ count: Int) -> UInt64 {
      file[at..<at + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard offset + RecordField.headerEnd <= file.count else { return nil }
    let kindAndFlags = number(offset + RecordField.kindAndFlags, 2)
    guard kindAndFlags & 0xf == 1 else { return nil }
    func isSet(_ bit: UInt64) -> Bool { kindAndFlags >> bit & 1 == 1 }
    // The count has 4 bytes; links, source, expiry and wide sequence have 8.
    let optional = [(7, 4), (9, 8), (10, 8), (11, 8), (13, 8)] as [(UInt64, Int)]
    let header = optional.reduce(RecordField.headerEnd) { $0 + (isSet($1.0) ? $1.1 : 0) }
    let keyLength = Int(number(offset + RecordField.keyLength, 2))
    let valueLength = Int(number(offset + RecordField.valueLength, 4))
    let chunks = isSet(12) ? (valueLength + 65_535) / 65_536 : 0
    let keyStart = offset + header
    valueOffset = keyStart + keyLength
    recordLength = (header + keyLength + valueLength + 4 * chunks + 7) / 8 * 8
    guard offset + recordLength <= file.count else { return nil }
    key = Array(file[keyStart..<valueOffset])
    value = Array(file[valueOffset..<valueOffset + valueLength])
    checksum = number(offset + RecordField.checksum, 4)
    sequence =
      number(SegmentField.firstSequence, 8) + number(offset + RecordField.sequenceOffset, 4)
  }
}

/// One row of the table "entries", with the record that stands where it says.
struct IndexedEntry {
  let key: [UInt8]
  let keyText: String
  let record: RawRecord
}

/// Reads every row of an index and the record that it points to, and expects them to agree.
func readEntries(_ index: FilePath, of store: FilePath) throws -> [IndexedEntry] {
  #expect(try query(index, "PRAGMA integrity_check") == [["ok"]])
  var files: [String: [UInt8]] = [:]
  for row in try query(index, "SELECT number, file_name FROM segments") {
    files[row[0]] = try Array(Data(contentsOf: URL(filePath: store.appending(row[1]).string)))
  }
  let rows = try query(
    index,
    """
    SELECT hex(key), coalesce(hex(key_text), 'NULL'), key_length, value_length, segment,
      record_offset, record_length, value_offset, sequence, checksum
    FROM entries
    """
  )
  return try rows.map { (row) in
    let file = try #require(files[row[4]], "no row for segment \(row[4])")
    let offset = try #require(Int(row[5]))
    let record = try #require(RawRecord(in: file, at: offset), "\(row)")
    let key = bytes(hexadecimal: row[0])
    // Expectations are slow, and this runs for every entry.
    let isSame =
      record.key == key && "\(record.key.count)" == row[2] && "\(record.value.count)" == row[3]
      && "\(record.recordLength)" == row[6] && "\(record.valueOffset)" == row[7]
      && "\(record.sequence)" == row[8] && "\(record.checksum)" == row[9]
    try #require(isSame, "\(row) is not \(record.recordLength) \(record.sequence)")
    return IndexedEntry(key: key, keyText: row[1], record: record)
  }
}

/// Expects an index to hold exactly these keys and, in the records that it points to, values.
func expectIndex(
  _ index: FilePath,
  of store: FilePath,
  holds expected: [[UInt8]: [UInt8]]
) throws {
  let entries = try readEntries(index, of: store)
  let keys = entries.map(\.key)
  let isInOrder = zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
  #expect(isInOrder, "keys come in the order of their bytes")
  #expect(entries.count == expected.count)
  let wrong = entries.filter { expected[$0.key] != $0.record.value }.map { $0.key.prefix(20) }
  #expect(wrong.isEmpty)
}
