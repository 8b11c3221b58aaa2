// Records that are damaged and can still be named: header and key are as they were written.

internal import JournalFormat
internal import PersistentMemory

/// A record that does not match its checksum, and whose key can be read.
public struct DamagedRecord: Sendable, Hashable {
  /// Where it stands in the segment's file.
  public let offset: Int
  /// Sequence of its transaction.
  public let sequence: UInt64
  /// Its key, as far as the 16 bits tell that the record's header has of it.
  public let key: [UInt8]
  /// It says that the key was removed.
  public let isDelete: Bool
}

extension JournalReader {
  /// The puts and deletes from the cursor up to the limit that are damaged, where header and key can be
  /// read; not more than people can look through.
  func damagedRecords(in bytes: RawSpan) -> [DamagedRecord] {
    var found: [DamagedRecord] = []
    var candidate = offset
    // Bytes that were made to look like large records at every place must not cost their square.
    var budget = 8 * limit
    while candidate <= limit - RecordField.headerEnd, budget > 0, found.count < Self.mostDamaged {
      guard let header = RecordHeader(in: bytes, at: candidate),
        header.kind == .put || header.kind == .delete,
        candidate + header.shape.totalLength <= limit,
        header.vouchesForKey(in: bytes, at: candidate, binding: binding)
      else {
        candidate += RecordLimit.alignment
        continue
      }
      budget -= header.shape.totalLength
      let whole = try? JournalRecord(in: bytes, at: candidate, binding: binding, limit: limit)
      if whole == nil {
        let start = candidate + header.shape.headerLength
        let key = Array(copying: bytes.extracting(start..<start + header.keyLength))
        found.append(
          DamagedRecord(
            offset: candidate,
            sequence: binding.sequence(of: header.words, in: bytes, at: candidate),
            key: key,
            isDelete: header.kind == .delete
          )
        )
      }
      // What the value holds may look like a record; the next one stands behind it.
      candidate += header.shape.totalLength
    }
    return found
  }

  private static var mostDamaged: Int { 256 }
}
