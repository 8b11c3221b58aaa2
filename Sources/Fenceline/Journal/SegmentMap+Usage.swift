// What records take, segment by segment, as the index changes. Under the write lock.

internal import JournalFormat
internal import PersistentMemory

extension SegmentMap {
  /// Counts a record of `length` bytes to which the index points now, in place of one at `old`.
  ///
  /// - Parameters:
  ///   - unit: where the record stands.
  ///   - length: its bytes, without a pad.
  ///   - old: what the index pointed to; 0 for nothing.
  @inline(__always)
  func countLive(_ unit: UInt64, length: Int, replacing old: UInt64) {
    unsafe view(ofUnit: unit).pointee.liveBytes.pointee.addAsOnlyWriter(length)
    if old != 0 { countDead(old) }
  }

  /// Counts out a record to which the index points no more.
  @inline(__always)
  func countDead(_ unit: UInt64) { countDead(unit, length: recordLength(at: unit)) }

  /// The same of one whose bytes are known.
  @inline(__always)
  func countDead(_ unit: UInt64, length: Int) {
    unsafe view(ofUnit: unit).pointee.liveBytes.pointee.addAsOnlyWriter(-length)
  }

  /// Counts a delete record of `length` bytes.
  @inline(__always)
  func countTombstone(_ unit: UInt64, length: Int) {
    unsafe view(ofUnit: unit).pointee.tombstoneBytes.pointee.addAsOnlyWriter(length)
  }

  /// Counts records of one segment.
  func add(live: Int, tombstones: Int, to segment: MappedSegment) {
    unsafe segment.usage.liveCounter.pointee.addAsOnlyWriter(live)
    unsafe segment.usage.tombstoneCounter.pointee.addAsOnlyWriter(tombstones)
  }

  /// Counts out records that start in one granule.
  func subtractLive(_ bytes: Int, inGranule granule: Int) {
    let unit = UInt64(granule) << Self.unitsPerGranuleShift
    unsafe view(ofUnit: unit).pointee.liveBytes.pointee.addAsOnlyWriter(-bytes)
  }

  /// Bytes of the record at `unit`, as its header says.
  @inline(__always)
  func recordLength(at unit: UInt64) -> Int {
    unsafe withSegment(of: unit) { (_, offset, bytes) in
      guard offset <= bytes.byteCount - RecordField.headerEnd,
        let header = RecordHeader(in: bytes, at: offset)
      else { return 0 }
      return header.shape.totalLength
    }
  }

  /// Counts anew what of segments an index points to.
  ///
  /// - Complexity: O(keys), a cache miss each.
  func recount(_ segments: [MappedSegment], _ index: HashIndex) {
    var live = [Int](repeating: 0, count: granuleCount)
    index.forEachUnit(askingFor: self) {
      live[Self.granule(of: $0)] += recordLength(at: $0)
      return true
    }
    for segment in segments {
      let first = Self.granule(of: segment.firstUnit)
      let sum = live[first..<first + Self.granuleCount(segment.file)].reduce(0, +)
      segment.usage.set(live: sum, tombstones: segment.usage.tombstoneBytes)
    }
  }

  /// Bytes of all records to which the index points.
  var liveBytes: Int { segments.reduce(0) { $0 + $1.usage.liveBytes } }

  /// Where the records of each segment end, in history order; nil for the newest.
  var recordEnds: [(segment: MappedSegment, end: Int?)] {
    let segments = self.segments
    return segments.indices.map { (index) in
      let segment = segments[index]
      let next = index + 1 < segments.count ? segments[index + 1].header.predecessorEnd : nil
      return (segment, segment.header.compaction?.end ?? next)
    }
  }
}
