// Journals that no crash and no accident leaves: every checksum is right, and a rule is broken all the
// same, as a writer would that is wrong itself. A reader has to stop there.
//
// Each forgery changes one record of a sound journal and checksums it anew.

internal import Fenceline
internal import JournalFormat
internal import PersistentMemory

/// Breaks the journal's rules, one at a time.
package enum ForgedJournal {
  /// Reads forged journals.
  ///
  /// - Returns: the rules whose breach a reader takes for history.
  /// - Throws: where the sound journal can't be made.
  package static func violations() throws -> [String] {
    let bytes = try soundJournal()
    guard let header = unsafe SegmentHeader(decoding: bytes.span.bytes) else {
      throw Violation("the journal has no header")
    }
    let journal = Journal(bytes: bytes, header: header)
    let sound = journal.scan()
    guard sound.records.count == 6 else { throw Violation("the journal has other records") }
    return forgeries.compactMap { (name, forge) in
      var forged = journal
      let place = forge(&forged, sound.records)
      let result = forged.scan()
      return result.scan.acceptedEnd > place
        ? "\(name): read on to \(result.scan.acceptedEnd)" : nil
    }
  }

  /// Damages the close mark of a closed store: it serves to notice damage, and no answer needs it.
  ///
  /// - Returns: the bits whose loss costs an answer.
  /// - Throws: where the closed store can't be made.
  package static func violationsOfMark() throws -> [String] {
    let workload = Workload("closed", WorkloadSetup(.streamsStayInCache))
    try workload.open()
    try workload.put("a", "1")
    try workload.close()
    let sound = workload.firstFile
    return (0..<8 * CloseMarkField.markEnd).compactMap { (bit) in
      var bytes = sound
      bytes[SegmentField.closeMark + bit / 8] ^= 1 << (bit % 8)
      let files = [(name: SegmentName.name(of: 1), memory: FileMemory(contents: bytes))]
      let value = try? Store(
        readingIn: SimulatedDirectory(files: files),
        options: workload.setup.options()
      ).get("a")
      return value == "1" ? nil : "bit \(bit) of the close mark"
    }
  }

  /// A lone put, a transaction of three, and two lone puts behind an ordering point.
  private static func soundJournal() throws -> [UInt8] {
    let workload = Workload("forged", WorkloadSetup(.streamsStayInCache))
    try workload.open()
    try workload.put("a", "1")
    try workload.transaction([
      (Array("b".utf8), [2]), (Array("c".utf8), [3]), (Array("d".utf8), [4]),
    ])
    try workload.sync()
    try workload.put("e", "5")
    try workload.put("f", "6")
    return workload.firstFile
  }

  /// Each returns the end of what may still be accepted.
  private static let forgeries: [(String, @Sendable (inout Journal, [JournalRecord]) -> Int)] = [
    (
      "a transaction whose last record counts one more",
      { journal, records in
        journal.forge(records[3]) { $1.transactionCount = 4 }
        return records[1].offset
      }
    ),
    (
      "a sequence that is lower than the one before",
      { journal, records in
        journal.forge(records[5]) { header, _ in header.sequenceOffset = 0 }
        return records[5].offset
      }
    ),
    (
      "two sequences in one transaction",
      { journal, records in
        journal.forge(records[2]) { header, _ in header.sequenceOffset += 1 }
        return records[1].offset
      }
    ),
    (
      "a batch start that is not on a line",
      { journal, records in
        journal.forge(records[5]) { header, _ in header.flags.insert(.batchStart) }
        return records[5].offset
      }
    ),
    (
      "a record behind a pad that is no batch start",
      { journal, records in
        journal.forge(records[4]) { header, _ in header.flags.remove(.batchStart) }
        return records[4].offset
      }
    ),
    (
      "a record behind a seal",
      { journal, records in
        journal.forge(records[4]) { header, _ in
          header.kind = .seal
          header.flags.remove(.wholeTransaction)
        }
        return records[5].offset
      }
    ),
    (
      "a pad with the checksum of another one",
      { journal, records in
        journal.bytes[records[3].end + PadField.checksum] ^= 1
        return records[3].end
      }
    ),
  ]

  /// One segment's bytes.
  fileprivate struct Journal {
    var bytes: [UInt8]
    let header: SegmentHeader

    func scan() -> (scan: TransactionScan, records: [JournalRecord]) {
      var records: [JournalRecord] = []
      let scan = TransactionScan(
        unsafe bytes.span.bytes,
        binding: SegmentBinding(header),
        limit: bytes.count
      ) { records.append($0) }
      return (scan, records)
    }

    /// Writes a record again with something changed in its header.
    mutating func forge(
      _ record: JournalRecord,
      _ change: (inout RecordHeader, inout RecordFields) -> Void
    ) {
      var forged = record.header
      var fields = record.fields(in: unsafe bytes.span.bytes)
      change(&forged, &fields)
      var words = [UInt8](repeating: 0, count: record.keyRange.lowerBound - record.offset)
      var span = words.mutableSpan
      var encoded = unsafe span.mutableBytes
      forged.encode(into: &encoded)
      fields.encode(flags: forged.flags, into: &encoded)
      bytes.replaceSubrange(record.offset..<record.keyRange.lowerBound, with: words)
      RecordSeal.seal(&bytes, at: record.offset, of: header)
    }
  }
}
