// The bytes of a simulated file: the mapping that the engine reads, and on persistent memory writes.

internal import Glibc

/// The bytes of one simulated file, 64-byte aligned.
@safe
package final class FileMemory: @unchecked Sendable {
  // SAFETY: whoever writes holds the store's write lock, as for any segment.
  let address: UnsafeMutableRawPointer
  let length: Int

  /// A file of zeros.
  init(length: Int) {
    self.length = length
    unsafe address = .allocate(byteCount: length, alignment: 64)
    unsafe memset(address, 0, length)
  }

  /// A copy.
  convenience init(copying other: FileMemory) {
    self.init(length: other.length)
    unsafe address.copyMemory(from: other.address, byteCount: length)
  }

  /// A file of the given bytes.
  package convenience init(contents: [UInt8]) {
    self.init(length: contents.count)
    // SAFETY: the buffer is read during the call only, and both have `length` bytes.
    unsafe contents.withUnsafeBytes { bytes in
      unsafe UnsafeMutableRawBufferPointer(start: address, count: length).copyMemory(from: bytes)
    }
  }

  deinit { unsafe address.deallocate() }

  var contents: [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: address, count: length)) }

  /// A copy that has nothing in common with this one.
  package func copy() -> FileMemory { FileMemory(copying: self) }

  /// Hands out the bytes.
  package func withBytes<R>(_ body: (RawSpan) -> R) -> R {
    // SAFETY: the memory lives as long as self, which lives until the call returns.
    body(unsafe UnsafeRawBufferPointer(start: address, count: length).bytes)
  }

  /// Puts other bytes in the place of those from `offset` on.
  package func overwrite(_ bytes: [UInt8], at offset: Int) {
    overwrite(unsafe bytes.span.bytes, at: offset)
  }

  /// Puts other bytes in the place of those from `offset` on.
  func overwrite(_ bytes: RawSpan, at offset: Int) {
    let count = bytes.byteCount
    precondition(offset >= 0 && offset + count <= length, "bytes outside the file")
    // SAFETY: the range was checked, and the buffer is read during the call only.
    unsafe bytes.withUnsafeBytes { bytes in
      let target = unsafe UnsafeMutableRawBufferPointer(start: address + offset, count: count)
      unsafe target.copyMemory(from: bytes)
    }
  }

  /// Whether these bytes stand at `offset`.
  func holds(_ bytes: RawSpan, at offset: Int) -> Bool {
    let count = bytes.byteCount
    precondition(offset >= 0 && offset + count <= length, "bytes outside the file")
    // SAFETY: the range was checked, and both are read during the call only.
    return unsafe bytes.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return true }
      return unsafe memcmp(address + offset, source, count) == 0
    }
  }

  /// The aligned word at `index`, as this machine reads it.
  func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && 8 * index + 8 <= length, "word outside the file")
    // SAFETY: the range was checked and the memory is aligned.
    return unsafe address.load(fromByteOffset: 8 * index, as: UInt64.self)
  }

  func setWord(at index: Int, to word: UInt64) {
    precondition(index >= 0 && 8 * index + 8 <= length, "word outside the file")
    // SAFETY: as in `word(at:)`.
    unsafe address.storeBytes(of: word, toByteOffset: 8 * index, as: UInt64.self)
  }
}
