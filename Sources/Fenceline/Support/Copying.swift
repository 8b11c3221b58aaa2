// From spans to arrays and strings, and back: the edge of the library.

internal import SystemPackage

extension Array where Element == UInt8 {
  /// A copy of the bytes of a span.
  init(copying span: RawSpan) {
    // SAFETY: the buffer is read during the call only.
    self = unsafe span.withUnsafeBytes { unsafe Array($0) }
  }
}

/// Copies of values, as long as there is memory for them.
struct ValueCopier {
  private(set) var lacksMemory = false

  /// A copy, or nil where there is no memory for it.
  mutating func bytes(_ value: RawSpan) -> [UInt8]? {
    guard Memory.isThere(value.byteCount) else {
      lacksMemory = true
      return nil
    }
    return Array(copying: value)
  }

  /// A copy as text, or nil where there is no memory for it.
  mutating func text(_ value: RawSpan) -> String? {
    // What is not UTF-8 takes up to three times as much.
    guard Memory.isThere(value.byteCount * 3) else {
      lacksMemory = true
      return nil
    }
    return String(decoding: value)
  }

  /// Throws where a copy could not be had.
  func check(_ path: FilePath) throws(StoreError) {
    if lacksMemory { throw .noMemory(for: path) }
  }
}

extension String {
  /// The bytes of a span as text; what is not UTF-8 is replaced.
  init(decoding span: RawSpan) {
    // SAFETY: the buffer is read during the call only.
    self = unsafe span.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// `withUTF8` with a typed error.
  @inline(__always)
  mutating func withUTF8Typed<R, E: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let result: Result<R, E> = withUTF8 { (bytes) in
      do throws(E) { return .success(unsafe try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
