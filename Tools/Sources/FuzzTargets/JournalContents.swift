// What stands in the segments of an input, without regard to whether it is history: a store may show
// nothing else, and every key in it is asked for.

internal import Fenceline
internal import JournalFormat
internal import PersistentMemory

/// Keys and values of all whole records.
struct JournalContents {
  /// The values that each key has anywhere.
  private(set) var values: [[UInt8]: Set<[UInt8]>] = [:]
  /// Keys as they stand there, whole or not, and some that stand nowhere.
  private(set) var keys: Set<[UInt8]> = [Array("absent".utf8), [], [0]]
  /// Every segment has a header that says how its records are bound.
  private(set) var isKnown = true

  private static let mostKeys = 64

  init(of files: [FuzzFile]) {
    for file in files where file.kind == .segment {
      take(file.bytes)
      for record in JournalSealer.records(in: file.bytes) where keys.count < Self.mostKeys {
        guard let header = unsafe RecordHeader(in: file.bytes.span.bytes, at: record.lowerBound)
        else { continue }
        let start = record.lowerBound + header.shape.headerLength
        keys.insert(Array(file.bytes[start..<start + header.keyLength]))
      }
    }
  }

  /// Whether an entry stands anywhere.
  func holds(_ key: [UInt8], _ value: [UInt8]) -> Bool {
    !isKnown || values[key]?.contains(value) == true
  }

  private mutating func take(_ bytes: [UInt8]) {
    guard bytes.count >= SegmentField.journalStart,
      let first = JournalSealer.header(of: bytes),
      let second = JournalSealer.header(of: Array(bytes[SegmentField.headerCopy...]))
    else {
      isKnown = false
      return
    }
    for header in first == second ? [first] : [first, second] {
      let (binding, span) = (SegmentBinding(header), unsafe bytes.span.bytes)
      // Also those inside of others' values: the words of an image that lies may lead there.
      for offset in stride(from: SegmentField.journalStart, to: bytes.count, by: 8) {
        let found = try? JournalRecord(in: span, at: offset, binding: binding, limit: bytes.count)
        guard let record = found, record.header.kind == .put else { continue }
        let key = span.extracting(record.keyRange).array
        values[key, default: []].insert(span.extracting(record.valueRange).array)
      }
    }
  }
}
