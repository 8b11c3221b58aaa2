// Which words of a table lead to records that were there at one moment: a word is kept or not by one
// load from a small table.

package import JournalFormat
internal import PersistentMemory

/// Where words may lead, segment by segment.
struct UnitLimits {
  /// By granule: the unit behind the last one that is allowed; 0 where none is.
  private var limits: [UInt64] = []
  private var areNone = false

  /// Words may lead anywhere.
  static var none: Self {
    var limits = Self()
    limits.areNone = true
    return limits
  }

  /// Allows units of a segment's records.
  ///
  /// - Parameters:
  ///   - firstUnit: unit of its first byte, at the start of a granule.
  ///   - end: bytes of it in which records may start.
  mutating func allow(from firstUnit: UInt64, end: Int) {
    let first = Int(firstUnit >> SegmentMap.unitsPerGranuleShift)
    let count = (end + SegmentMap.granuleSize - 1) / SegmentMap.granuleSize
    if limits.count < first + count {
      limits += Array(repeating: 0, count: first + count - limits.count)
    }
    let limit = firstUnit + UInt64(end >> 3)
    for granule in first..<first + count { limits[granule] = limit }
  }

  /// Whether a record may stand at `unit`.
  @inline(__always)
  func contains(_ unit: UInt64) -> Bool {
    let granule = Int(truncatingIfNeeded: unit >> SegmentMap.unitsPerGranuleShift)
    return granule < limits.count && unit < limits[granule] || areNone
  }
}

extension SegmentHeader {
  /// Says, short of a coincidence, whether two headers are of the same segment.
  package var identity: UInt32 {
    let crc = Checksum.crc32c(of: firstSequence, continuing: SegmentBinding(self).seed)
    return Checksum.crc32c(of: UInt64(predecessorEnd), continuing: crc)
  }
}
