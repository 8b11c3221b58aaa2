// Unaligned little-endian loads and stores. The one file of the format that
// touches memory without types; everything above it is offsets and arithmetic.

extension RawSpan {
  /// The integer at `offset`, stored little-endian, at any alignment.
  @inlinable
  public func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int,
    as type: T.Type
  ) -> T {
    // SAFETY: the span checks the bounds; every bit pattern is a valid integer.
    unsafe T(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

extension MutableRawSpan {
  /// Stores `value` little-endian at `offset`, at any alignment.
  @inlinable
  public mutating func storeLittleEndian<T: FixedWidthInteger & BitwiseCopyable>(
    _ value: T,
    at offset: Int
  ) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
  }
}
