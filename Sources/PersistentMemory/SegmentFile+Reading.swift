// Reading a segment: where its bytes are, in bulk with memory errors as typed errors, and its size.

internal import CFlush
internal import Glibc
internal import Synchronization
internal import SystemPackage

extension SegmentFile {
  /// Where a record that starts at `offset` is read while this file is written: the stage from the
  /// granule of the first staged byte on, the mapping otherwise.
  ///
  /// Valid while the file is alive and `releaseStage()` was not called.
  package var writtenBase: UnsafeRawPointer {
    unsafe UnsafeRawPointer(target(at: 0))
  }

  /// Where durable and published bytes are read.
  ///
  /// Valid while the file is alive.
  package var mappedBase: UnsafeRawPointer { unsafe UnsafeRawPointer(mapping.address) }

  /// Whether a memory error under the mapping is caught, wherever it is read.
  package var isGuarded: Bool { mapping.isGuarded || borrowedFrom != nil }

  /// Lets many reads all over the first `end` bytes go without a page fault each, where the medium is
  /// memory; on a file, which may have to be read from a device for that, nothing happens.
  package func prefault(upTo end: Int) {
    guard !isStaged, borrowedFrom == nil else { return }
    unsafe SystemCalls.prefaultToRead(mapping.address, length: min(end, length))
  }

  /// Hands out bytes of the file for bulk reading.
  ///
  /// A memory error in the range is a typed error, whether or not the process-wide handler is
  /// installed.
  ///
  /// - Parameters:
  ///   - range: what is handed out.
  ///   - start: bytes of it before this offset are not looked at by `body`, and may be anything.
  ///   - body: gets the bytes.
  /// - Returns: what `body` returns.
  /// - Throws: ``MediumError`` of operation "read" where the range can't be read.
  package func withGuardedBytes<R: ~Copyable>(
    _ range: Range<Int>,
    readFrom start: Int = 0,
    _ body: (RawSpan) throws(MediumError) -> R
  ) throws(MediumError) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= length, "range outside the segment")
    if isGuarded {
      let bytes = unsafe UnsafeRawBufferPointer(
        start: mapping.address + range.lowerBound,
        count: range.count
      )
      let result = try body(unsafe bytes.bytes)
      let read = max(start, range.lowerBound)..<max(start, range.upperBound)
      if let fault = firstFault(in: read) { throw readError(at: max(fault, read.lowerBound)) }
      return result
    }
    return try withCopiedBytes(range, readFrom: start, body)
  }

  /// Hands out a copy of bytes of the file: for system calls, which would answer a memory error in their
  /// own way, and for whoever must not take the zeros that the handler puts there for what was written.
  ///
  /// Parameters and errors as `withGuardedBytes`; `body` runs only if all that is read could be.
  func withCopiedBytes<R: ~Copyable>(
    _ range: Range<Int>,
    readFrom start: Int = 0,
    _ body: (RawSpan) throws(MediumError) -> R
  ) throws(MediumError) -> R {
    let unread = min(range.upperBound, max(start, range.lowerBound)) - range.lowerBound
    let read = range.dropFirst(unread)
    // As long as the file may be: where there is no memory Swift's own allocation would end the process.
    guard let memory = unsafe aligned_alloc(64, (range.count + 63) / 64 * 64 + 64) else {
      throw MediumError(operation: "malloc", path: path, cause: .noMemory)
    }
    defer { unsafe free(memory) }
    let copy = unsafe UnsafeMutableRawBufferPointer(start: memory, count: range.count)
    if read.isEmpty { return try body(unsafe UnsafeRawBufferPointer(copy).bytes) }
    let missing = unsafe fl_copy_guarded(
      copy.baseAddress.unsafelyUnwrapped + unread,
      mapping.address + read.lowerBound,
      read.count
    )
    guard missing == 0 else { throw readError(at: range.upperBound - missing) }
    if let fault = firstFault(in: read) { throw readError(at: max(fault, read.lowerBound)) }
    return try body(unsafe UnsafeRawBufferPointer(copy).bytes)
  }

  /// Offset of the first memory error that the process-wide handler caught in this file.
  package var firstFault: Int? { firstFault(in: 0..<length) }

  /// Where the first page starts in which the handler caught a memory error and that has bytes of `range`.
  package func firstFault(in range: Range<Int>) -> Int? { mapping.firstFault(in: range) }

  func readError(at offset: Int) -> MediumError {
    MediumError(operation: "read", path: path, cause: .ioError, offset: offset)
  }

  /// Blocks that the file system holds for the file, in bytes.
  package func allocatedBytes() throws(MediumError) -> Int {
    try descriptor.withLock { (descriptor) throws(MediumError) in
      guard descriptor.isFile else { return settledBytes.load(ordering: .relaxed) }
      return try SystemCalls.status(descriptor, path).allocatedBytes
    }
  }
}
