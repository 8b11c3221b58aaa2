// Which bytes of a sound store matter to what. Read with the engine's own reader from files that are
// known to be sound, so a fault of the reader shows as a store without its history.

internal import Fenceline
package import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// A record of a sound store.
package struct PlacedRecord: Sendable {
  /// Number of its file, counted from the oldest.
  package let file: Int
  /// From the header to the last byte that a checksum covers.
  package let range: Range<Int>
  package let kind: RecordKind
  package let key: ByteString
  package let startsBatch: Bool
  /// Number of transactions that are complete when it is: for a put or delete its own included.
  package let transactionsUpTo: Int
}

/// Where everything stands in the files of a sound store.
package struct JournalLayout: Sendable {
  package private(set) var records: [PlacedRecord] = []
  /// Headers of pads, by file.
  package private(set) var pads: [[Range<Int>]] = []
  /// The end that each file's close mark states, or nil where there is none.
  package private(set) var markedEnds: [Int?] = []
  /// For each key, the place in `records` of its newest one.
  package private(set) var newest: [ByteString: Int] = [:]

  /// Reads the store at `path`.
  init(of path: FilePath, history: History) throws {
    let directory = try FileSystemDirectory(path: path, writable: false, guardsReads: true)
    let chain = try SegmentChain(in: directory)
    var sequence: UInt64 = 0
    var transactions = 0
    for (number, member) in chain.members.enumerated() {
      pads.append([])
      let limit = member.statedEnd
      try member.file.withGuardedBytes(0..<member.file.length) { (bytes) in
        markedEnds.append(Self.markedEnd(bytes))
        var reader = JournalReader(
          binding: member.binding,
          from: SegmentField.journalStart,
          limit: limit ?? member.file.length
        )
        var end = reader.offset
        while case .record(let record) = reader.next(in: bytes) {
          if record.offset > end { pads[number].append(end..<end + PadField.headerEnd) }
          end = record.end
          let changes = record.header.kind == .put || record.header.kind == .delete
          if changes, record.sequence != sequence {
            sequence = record.sequence
            transactions += 1
          }
          // An unfinished transaction at the very end is none.
          if transactions > history.transactions.count { break }
          add(record, bytes, file: number, transactions: transactions)
        }
        if reader.offset > end { pads[number].append(end..<end + PadField.headerEnd) }
      }
    }
    precondition(transactions >= history.transactions.count, "the reader lost transactions")
  }

  private mutating func add(
    _ record: JournalRecord,
    _ bytes: RawSpan,
    file: Int,
    transactions: Int
  ) {
    let key = unsafe bytes.extracting(record.keyRange).withUnsafeBytes { unsafe ByteString($0) }
    if record.header.kind == .put || record.header.kind == .delete { newest[key] = records.count }
    records.append(
      PlacedRecord(
        file: file,
        range: record.offset..<record.offset + record.shape.usedLength,
        kind: record.header.kind,
        key: key,
        startsBatch: record.header.flags.contains(.batchStart),
        transactionsUpTo: transactions
      )
    )
  }

  private static func markedEnd(_ bytes: RawSpan) -> Int? {
    let mark = CloseMark(decodingFirstPage: bytes)
    return mark.incarnation == 0 ? nil : mark.end
  }
}

/// What a byte of a file is for.
package enum Region: Int, Sendable, CaseIterable {
  case header, mark, record, closing, pad, free

  package var name: String {
    switch self {
    case .header: "header"
    case .mark: "mark"
    case .record: "record"
    case .closing: "close, seal, digest"
    case .pad: "pad"
    case .free: "unused"
    }
  }
}

extension JournalLayout {
  /// What the byte at `offset` of a file is for.
  func region(file: Int, offset: Int) -> Region {
    let copy = SegmentField.headerCopy..<SegmentField.headerCopy + SegmentField.headerEnd
    if offset < SegmentField.headerEnd || copy.contains(offset) { return .header }
    if offset < SegmentField.journalStart {
      let mark = SegmentField.closeMark..<SegmentField.closeMark + CloseMarkField.markEnd
      return markedEnds[file] != nil && mark.contains(offset) ? .mark : .free
    }
    if let record = record(file: file, offset: offset) {
      return record.kind == .put || record.kind == .delete ? .record : .closing
    }
    return pads[file].contains { $0.contains(offset) } ? .pad : .free
  }

  /// The record that a byte belongs to.
  private func record(file: Int, offset: Int) -> PlacedRecord? {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      let range = records[middle].range
      if (records[middle].file, range.upperBound) <= (file, offset) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < records.count, records[low].file == file, records[low].range.contains(offset) else {
      return nil
    }
    return records[low]
  }
}
