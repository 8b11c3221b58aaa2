// From spans to arrays and strings, and back: the edge of the library.

extension Array where Element == UInt8 {
  /// A copy of the bytes of a span.
  init(copying span: RawSpan) {
    // SAFETY: the buffer is read during the call only.
    self = unsafe span.withUnsafeBytes { unsafe Array($0) }
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
