// The module's unsafe code: bulk copies out of spans, and the search for a byte.
//
// Invariant: no pointer leaves the closure that received it.

internal import Glibc

extension [UInt8] {
  /// Appends a span's bytes in one copy.
  @inline(__always)
  mutating func append(copying bytes: Span<UInt8>) {
    // SAFETY: the buffer is used only inside the closure, and `append` reads exactly its elements.
    unsafe bytes.withUnsafeBufferPointer { buffer in unsafe append(contentsOf: buffer) }
  }

  /// Moves the bytes of `range` to the array's beginning.
  mutating func moveToFront(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    // SAFETY: the range was checked against the array; `copyMemory` allows overlap.
    unsafe withUnsafeMutableBytes { buffer in
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[range]))
    }
  }

  /// The index of the first `byte` in `range`, or nil.
  func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return nil }
      // SAFETY: the range was checked against the array, so the search stays inside it.
      let start = unsafe base + range.lowerBound
      guard let hit = unsafe memchr(start, Int32(byte), range.count) else { return nil }
      return unsafe UnsafeRawPointer(hit) - base
    }
  }
}
