// Makes changed bytes valid again, as a newer version or an attacker could have written them.

import Foundation
import JournalFormat
import PersistentMemory

@testable import Fenceline

extension Data {
  /// CRC32C of a range, continued from `crc`.
  func crc32c(_ range: Range<Int>, continuing crc: UInt32 = 0) -> UInt32 {
    let bytes = [UInt8](self[range])
    return Checksum.crc32c(unsafe bytes.span.bytes, continuing: crc)
  }

  mutating func store<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    unsafe Swift.withUnsafeBytes(of: value.littleEndian) {
      unsafe replaceSubrange(offset..<offset + $0.count, with: $0)
    }
  }

  /// Gives a changed segment header a matching checksum.
  mutating func sealHeader() {
    store(crc32c(0..<SegmentField.checksum), at: SegmentField.checksum)
  }

  /// Gives a changed record header a matching check (not the record its checksum).
  mutating func sealRecordHeader(at offset: Int) {
    let header = SegmentHeader(decoding: unsafe [UInt8](self[0..<128]).span.bytes)
    guard let header else { return }
    let seed = SegmentBinding(header).seed(at: offset)
    let range = offset + RecordField.kindAndFlags..<offset + RecordField.headerCheck
    store(Checksum.folded(crc32c(range, continuing: seed)), at: offset + RecordField.headerCheck)
  }
}
