// What makes a segment's bytes durable, and when: the one place that flushes, fences and syncs.
//
// Invariant: whoever calls a function here that promises durability has stored the bytes itself, or
// they lie in a cache that a flush of any thread reaches.

internal import CFlush
internal import Synchronization
internal import SystemPackage

extension SegmentFile {
  /// Makes a range durable: on return it survives what the medium promises.
  ///
  /// - Parameters:
  ///   - range: everything that was written since the last call.
  ///   - flushedFrom: bytes from here on were written with `flushed: true` by the calling thread.
  /// - Throws: ``MediumError`` of the write or the device flush; on mapped media, of a memory error
  ///   that was caught in the mapping.
  /// - Durability: durable on return. One fence, or one device flush.
  @inline(__always)
  package func persist(_ range: Range<Int>, flushedFrom: Int) throws(MediumError) {
    if isStaged {
      return try writeOut(range, synchronizing: !Mutant.journalUnsynced.isActive)
    }
    // The line that the flushed bytes begin in was flushed with them.
    let end = flushedFrom & ~(Int(FL_LINE_SIZE) - 1)
    if range.lowerBound < end, !Mutant.persistUnflushed.isActive {
      let start = Mutant.persistFlushesLastLineOnly.isActive ? end - 1 : range.lowerBound
      // SAFETY: the range lies in the mapping.
      unsafe fl_flush(core.handle, mapping.address + start, end - start)
    }
    if !Mutant.persistUnfenced.isActive { unsafe fl_fence(core.handle) }
    try checkWritten()
  }

  /// Starts to make a range durable, for a caller whose next step completes it.
  ///
  /// - Parameters:
  ///   - range: as for `persist`; nothing in it was flushed.
  ///   - synchronizing: on a file, syncs it at once.
  /// - Throws: as `persist`.
  /// - Durability: in memory behind the calling thread's next fence; on a file behind its next sync,
  ///   which this is where `synchronizing`.
  package func beginPersisting(
    _ range: Range<Int>,
    synchronizing: Bool
  ) throws(MediumError) {
    if isStaged { return try writeOut(range, synchronizing: synchronizing) }
    // SAFETY: the range lies in the mapping.
    unsafe fl_flush(core.handle, mapping.address + range.lowerBound, range.count)
    try checkWritten()
  }

  /// Starts the write-back of a long range of unsynced bytes, so that the next `persist` is short.
  ///
  /// - Returns: the end up to which the bytes are durable now, or nil where nothing was done.
  package func writeBehind(_ range: Range<Int>) throws(MediumError) -> Int? {
    if isStaged {
      if range.upperBound - writtenEnd >= writeBehindThreshold {
        try writeOut(writtenEnd..<range.upperBound, synchronizing: false)
      }
      return nil
    }
    // Whole lines only: the last one is still being written.
    let end = range.upperBound & ~(Int(FL_LINE_SIZE) - 1)
    guard end > range.lowerBound else { return nil }
    // SAFETY: the range lies in the mapping.
    if !Mutant.writeBehindUnflushed.isActive {
      unsafe fl_flush(core.handle, mapping.address + range.lowerBound, end - range.lowerBound)
    }
    if !Mutant.writeBehindUnfenced.isActive { unsafe fl_fence(core.handle) }
    try checkWritten()
    return end
  }

  /// Refuses to call anything durable in a mapping in which a memory error was caught: the page that
  /// was put there reaches no medium.
  @inline(__always)
  func checkWritten() throws(MediumError) {
    if let fault = firstFault {
      throw MediumError(operation: "write", path: path, cause: .ioError, offset: fault)
    }
  }

  /// Hands staged bytes to the kernel; those that write-behind already took are not sent again.
  private func writeOut(_ range: Range<Int>, synchronizing: Bool) throws(MediumError) {
    let start = min(max(range.lowerBound, writtenEnd), range.upperBound)
    let bytes = unsafe UnsafeRawBufferPointer(
      start: target(at: start),
      count: range.upperBound - start
    )
    unsafe try writeToFile(bytes, at: start, synchronizing: synchronizing)
    writtenEnd = range.upperBound
  }

  func writeToFile(
    _ bytes: UnsafeRawBufferPointer,
    at offset: Int,
    synchronizing: Bool = true
  ) throws(MediumError) {
    if let device {
      try device.write(unsafe bytes.bytes, at: offset)
      guard synchronizing else { return }
      try synchronize { () throws(MediumError) in try device.synchronizeData() }
      return
    }
    try descriptor.withLock { (descriptor) throws(MediumError) in
      unsafe try SystemCalls.write(bytes, to: descriptor, at: offset, path)
      guard synchronizing else { return }
      try synchronize { () throws(MediumError) in
        try SystemCalls.synchronizeData(descriptor, path)
      }
    }
  }

  /// Writes bytes of a file that nobody reads yet, past the caches.
  ///
  /// - Durability: none; `completeBulk()` by the same thread gives it.
  package func writeBulk(_ bytes: RawSpan, at offset: Int) throws(MediumError) {
    precondition(offset >= 0 && offset + bytes.byteCount <= length, "write outside the file")
    // SAFETY: the buffer is used during the call only, and the range was checked.
    try unsafe bytes.withUnsafeBytes { (bytes) throws(MediumError) in
      if isStaged { return try unsafe writeToFile(bytes, at: offset, synchronizing: false) }
      unsafe fl_copy_flushcache(
        core.handle,
        mapping.address + offset,
        bytes.baseAddress,
        bytes.count
      )
    }
    try checkWritten()
  }

  /// Makes everything durable that this thread has written with `writeBulk`.
  ///
  /// - Durability: durable on return. One fence, or one device flush.
  package func completeBulk() throws(MediumError) {
    if isStaged {
      return try unsafe writeToFile(UnsafeRawBufferPointer(start: nil, count: 0), at: 0)
    }
    unsafe fl_fence(core.handle)
    try checkWritten()
  }

  /// Ends what this thread has written with `writeBulk` where that costs little: behind it others see it.
  ///
  /// - Durability: durable on return on persistent memory, not on a file.
  package func endBulk() throws(MediumError) {
    if !isStaged { try completeBulk() }
  }

  private func synchronize(_ call: () throws(MediumError) -> Void) throws(MediumError) {
    do throws(MediumError) { try call() } catch {
      if !Mutant.syncErrorSwallowed.isActive { throw error }
    }
  }

  /// Makes bytes durable that an earlier process wrote and that may still be dirty in a cache, or
  /// clean in a page cache that never reached the device: written back line by line, or written
  /// again and synced.
  ///
  /// - Parameters:
  ///   - range: what was accepted.
  ///   - synchronizing: on a file, syncs it at once.
  /// - Throws: ``MediumError`` of reading, writing or the device flush.
  /// - Durability: in memory behind the calling thread's next fence; on a file behind its next sync,
  ///   which this is where `synchronizing`.
  package func makeDurableAgain(
    _ range: Range<Int>,
    synchronizing: Bool
  ) throws(MediumError) {
    precondition(range.lowerBound >= 0 && range.upperBound <= length, "range outside the segment")
    guard isStaged else {
      // SAFETY: the range lies in the mapping.
      if !Mutant.acceptedUnflushed.isActive {
        unsafe fl_flush(core.handle, mapping.address + range.lowerBound, range.count)
      }
      return try checkWritten()
    }
    let rewritten = Mutant.acceptedNotWrittenAgain.isActive ? range.prefix(0) : range
    // Never what the handler put in the place of bytes that can't be read: that would be their end.
    var start = rewritten.lowerBound
    repeat {
      let piece = start..<min(rewritten.upperBound, start + Self.rewrittenPiece)
      try withCopiedBytes(piece) { (bytes) throws(MediumError) in
        unsafe try writeToFile(
          bytes.withUnsafeBytes { unsafe $0 },
          at: piece.lowerBound,
          synchronizing: synchronizing && piece.upperBound == rewritten.upperBound
        )
      }
      start = piece.upperBound
    } while start < rewritten.upperBound
  }

  /// Bytes that are read and written again at once: they stay in a processor's cache.
  private static var rewrittenPiece: Int { 256 << 10 }

  /// Persistent memory: from the persistence domain to the medium itself.
  ///
  /// Elsewhere nothing more.
  package func deepPersist() throws(MediumError) {
    guard !isStaged, borrowedFrom == nil else { return }
    unsafe try PersistentMemoryLibrary.deepPersist(mapping.address, length: length, path)
  }

  /// Ends writing: gives the blocks from `offset` on back to the file system and closes the file; the
  /// mapping and the length stay.
  package func settle(at offset: Int) {
    let pageSize = 4096
    let start = (offset + pageSize - 1) & ~(pageSize - 1)
    descriptor.withLock { (descriptor) in
      guard descriptor.isFile else { return }
      if start < length { SystemCalls.punchHole(descriptor, start..<length) }
      let status = try? SystemCalls.status(descriptor, path)
      settledBytes.store(status?.allocatedBytes ?? length, ordering: .relaxed)
      descriptor = .none
    }
  }
}
