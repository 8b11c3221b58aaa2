// What a position in a segment that is gone leads to: zeros, which are no record.
//
// No index that a writer made has such positions. An image of one whose checksums are right may have them:
// a compaction moves the words that it finds under the keys of the records, and no others.

/// Zeros in place of segments that are gone.
@safe
final class ReleasedSegments {
  // SAFETY: memory is handed out as long as self lives, and nobody writes to it.
  private var zeros: LargeMemory?
  private var zeroCount = 0
  private var outgrown: [LargeMemory] = []
  /// Where is counted what nobody looks at.
  let usage = SegmentUsage()

  /// The address of `length` bytes that are zero, and take no memory; nil where there are none.
  func base(length: Int) -> UnsafeRawPointer? {
    if zeroCount < length {
      guard let more = LargeMemory(length: length) else { return nil }
      if let zeros { outgrown.append(zeros) }
      (zeros, zeroCount) = (more, length)
    }
    return unsafe zeros.map { unsafe UnsafeRawPointer($0.address) }
  }
}
