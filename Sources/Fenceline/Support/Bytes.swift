// Comparing spans: the C library knows how.

internal import Glibc

enum Bytes {
  /// Whether two spans hold the same bytes.
  @inline(__always)
  static func areEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
    let count = left.byteCount
    guard count == right.byteCount else { return false }
    // Most keys are short, and a call costs more than comparing them.
    guard count >= 8, count <= 16 else { return compare(left, right, count) == 0 }
    // SAFETY: both spans have `count` bytes, at least eight.
    return unsafe word(left, 0) == word(right, 0) && word(left, count - 8) == word(right, count - 8)
  }

  /// Whether `left` comes before `right` in byte order.
  static func precedes(_ left: RawSpan, _ right: RawSpan) -> Bool {
    let common = min(left.byteCount, right.byteCount)
    let order = compare(left, right, common)
    return order == 0 ? left.byteCount < right.byteCount : order < 0
  }

  /// Whether `bytes` starts with `prefix`.
  static func hasPrefix(_ bytes: RawSpan, _ prefix: RawSpan) -> Bool {
    bytes.byteCount >= prefix.byteCount
      && areEqual(bytes.extracting(first: prefix.byteCount), prefix)
  }

  /// The first eight bytes as a number that orders as they do; missing ones count as zero.
  static func start(of bytes: RawSpan) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<min(8, bytes.byteCount) {
      // SAFETY: any byte is a valid UInt8, and the span checks the bounds.
      let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      word |= UInt64(byte) << UInt64(56 - 8 * index)
    }
    return word
  }

  @inline(__always) @unsafe
  private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
    unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  private static func compare(_ left: RawSpan, _ right: RawSpan, _ count: Int) -> Int32 {
    if count == 0 { return 0 }
    // SAFETY: both spans have at least `count` bytes, which are read during the call only.
    return unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        unsafe memcmp(
          left.baseAddress.unsafelyUnwrapped,
          right.baseAddress.unsafelyUnwrapped,
          count
        )
      }
    }
  }
}
