// Keys of records, compared and cut into words. Records may be damaged at any time by whoever owns the
// medium: what is read here may be wrong then, never out of bounds, and decides on nothing but order.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

extension Bytes {
  /// Eight bytes from `start` on as a number that orders as they do; missing ones count as zero.
  @inline(__always)
  static func word(of bytes: RawSpan, at start: Int) -> UInt64 {
    if start <= bytes.byteCount - 8 {
      return bytes.littleEndian(at: start, as: UInt64.self).byteSwapped
    }
    return start < bytes.byteCount ? self.start(of: bytes.extracting(start..<bytes.byteCount)) : 0
  }

  /// How many bytes two spans have in common, given that they share the first `known`.
  static func commonPrefix(_ left: RawSpan, _ right: RawSpan, from known: Int = 0) -> Int {
    let end = min(left.byteCount, right.byteCount)
    var offset = min(known, end)
    while offset <= end - 8 {
      let difference =
        left.littleEndian(at: offset, as: UInt64.self)
        ^ right.littleEndian(at: offset, as: UInt64.self)
      if difference != 0 { return offset + difference.trailingZeroBitCount / 8 }
      offset += 8
    }
    while offset < end,
      left.littleEndian(at: offset, as: UInt8.self)
        == right.littleEndian(at: offset, as: UInt8.self)
    { offset += 1 }
    return offset
  }

  /// Whether the first comes before (-1), is (0), or comes behind (1) the second in byte order.
  @inline(__always)
  static func order(_ left: RawSpan, _ right: RawSpan) -> Int {
    if areEqual(left, right) { return 0 }
    return precedes(left, right) ? -1 : 1
  }
}

extension RecordHeader {
  /// Whether the header of the record at `offset` is as it was written, and its key too as far as the
  /// header's 16 bits of it tell.
  @inline(__always)
  func vouchesForKey(in bytes: RawSpan, at offset: Int, binding: SegmentBinding) -> Bool {
    guard Checksum.headerCheck(words, seed: binding.seed(at: offset)) == headerCheck,
      shape.totalLength <= bytes.byteCount - offset
    else { return false }
    let start = offset + shape.headerLength
    return Checksum.keyCheck(bytes.extracting(start..<start + keyLength)) == keyCheck
  }
}

extension SegmentMap {
  /// Whether header and key of the record at `unit` are as they were written.
  ///
  /// The value is not read.
  func hasSoundKey(at unit: UInt64) -> Bool {
    unsafe withSegment(of: unit) { (view, offset, bytes) in
      guard offset <= bytes.byteCount - RecordField.headerEnd,
        let header = RecordHeader(in: bytes, at: offset)
      else { return false }
      return header.vouchesForKey(in: bytes, at: offset, binding: unsafe view.pointee.binding)
    }
  }

  /// Why the record at `unit` can't be read.
  func failure(at unit: UInt64) -> StoreError? {
    do throws(StoreError) {
      try withRecord(at: unit) { (_, _) in }
      return nil
    } catch {
      return error
    }
  }

  /// Bytes that the keys of two records have in common.
  func commonPrefix(_ left: UInt64, _ right: UInt64, from known: Int = 0) -> Int {
    withUnverifiedKey(at: left) { (left) in
      withUnverifiedKey(at: right) { (right) in Bytes.commonPrefix(left, right, from: known) }
    }
  }

  /// Eight bytes of the key of the record at `unit`.
  @inline(__always)
  func keyWord(of unit: UInt64, at start: Int) -> UInt64 {
    withUnverifiedKey(at: unit) { Bytes.word(of: $0, at: start) }
  }

  /// As ``Bytes/order(_:_:)``, for the key of a record and one that is given.
  func order(_ unit: UInt64, _ key: RawSpan) -> Int {
    withUnverifiedKey(at: unit) { Bytes.order($0, key) }
  }
}

extension OrderNode {
  /// Entries from `start` on among which is the first one whose key is not less than `key`, or behind
  /// which it is: as far as words tell.
  ///
  /// - Complexity: O(log count); a record is looked at where the node's keys share more than eight bytes.
  @inline(__always)
  func entries(likely key: RawSpan, from start: Int = 0, in map: SegmentMap) -> Range<Int> {
    guard start < count else { return count..<count }
    let skip = skip
    if skip > 0 {
      let order = orderToPrefix(of: key, in: map)
      if order != 0 { return order < 0 ? start..<start : count..<count }
    }
    return range(of: Bytes.word(of: key, at: skip), from: start)
  }

  /// The first entry whose key is not less than `key`, and whether it has that key.
  ///
  /// - Parameters:
  ///   - key: any bytes.
  ///   - likely: what ``entries(likely:from:in:)`` says of the key.
  ///   - map: of the node's positions.
  /// - Returns: that entry, or the one behind all others.
  /// - Complexity: O(log count), and one or two records are looked at.
  @inline(__always)
  func place(
    of key: RawSpan,
    among likely: Range<Int>,
    in map: SegmentMap
  ) -> (index: Int, isEqual: Bool) {
    var (low, high) = (likely.lowerBound, likely.upperBound)
    while low < high {
      let middle = (low + high) / 2
      switch map.order(unit(middle), key) {
      case 0: return (middle, true)
      case ..<0: low = middle + 1
      default: high = middle
      }
    }
    return (low, false)
  }

  /// The first entry from `start` on whose key is not less than `key`, and whether it has that key.
  func place(
    of key: RawSpan,
    from start: Int = 0,
    in map: SegmentMap
  ) -> (index: Int, isEqual: Bool) {
    place(of: key, among: entries(likely: key, from: start, in: map), in: map)
  }

  /// Where a key stands to what all keys of the node share; a record is read for it where the key is
  /// shorter than that, or shares eight bytes of more.
  @inline(__always)
  private func orderToPrefix(of key: RawSpan, in map: SegmentMap) -> Int {
    let skip = skip
    if key.byteCount >= skip, let order = orderToPrefix(Bytes.word(of: key, at: 0)) { return order }
    return map.withUnverifiedKey(at: unit(0)) { (first) in
      Bytes.order(
        key.extracting(first: min(skip, key.byteCount)),
        first.extracting(first: min(skip, first.byteCount))
      )
    }
  }

  /// The child in which a key stands, or would stand.
  func childIndex(of key: RawSpan, from start: Int = 0, in map: SegmentMap) -> Int {
    let place = place(of: key, from: start, in: map)
    return max(start, place.isEqual ? place.index : place.index - 1)
  }
}
