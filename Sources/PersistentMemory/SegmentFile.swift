// One segment's bytes: where they are read, where they are written, and what makes them durable.
// The journal says which bytes; this file knows how the medium wants them.
//
//   mapped (persistent memory, tmpfs, simulated): writes go into the mapping through the copy core
//   staged (ordinary files): writes go into a stage in DRAM of the same layout, reach the file with
//   `pwrite`, and the device with `fdatasync`; the mapping is for reading only
//
// Invariant: only the holder of the store's write lock calls a writing function, and no byte is
// written through two doors.

internal import CFlush
internal import Synchronization
package import SystemPackage

/// A segment file, mapped.
@safe
package final class SegmentFile: @unchecked Sendable {
  // SAFETY: the mapping is immutable; the stage is used under the store's write lock.
  package let path: FilePath
  /// Bytes of the file.
  package let length: Int
  let core: CopyCore
  let mapping: MappedRegion
  /// Open while the file may be written; a store may have more segments than a process may have files.
  let descriptor: ForkSafeMutex<OwnedDescriptor>
  /// Blocks when the descriptor was closed, in bytes.
  let settledBytes: Atomic<Int>
  package let isStaged: Bool
  var stage: MappedRegion?
  /// Address of the first byte where appends go; an atomic, so that appending meets no exclusivity
  /// check.
  let target: Atomic<UInt>
  var writtenEnd = 0
  let borrowedFrom: AnyObject?
  /// In place of `descriptor` on a simulated disk.
  package let device: (any SegmentDevice)?

  /// Bytes that may wait in the stage before they are handed to the kernel, which starts no
  /// device flush: it only bounds what the next one must write.
  var writeBehindThreshold: Int { min(1 << 20, length / 8) }

  init(
    path: FilePath,
    mapping: consuming MappedRegion,
    descriptor: consuming OwnedDescriptor,
    allocatedBytes: Int,
    core: CopyCore,
    isStaged: Bool
  ) {
    self.path = path
    length = mapping.length
    target = unsafe Atomic(UInt(bitPattern: mapping.address))
    self.mapping = mapping
    self.descriptor = ForkSafeMutex(descriptor)
    settledBytes = Atomic(allocatedBytes)
    self.core = core
    self.isStaged = isStaged
    borrowedFrom = nil
    device = nil
  }

  /// A segment in memory that a simulated medium owns.
  ///
  /// - Parameters:
  ///   - path: its name, for messages.
  ///   - memory: 64-byte aligned, `length` bytes, alive as long as `owner`.
  ///   - length: bytes of the segment.
  ///   - core: reports what reaches the memory.
  ///   - device: on a disk, takes the writes; they show in the memory at once. Without one the memory
  ///     itself is written.
  ///   - owner: kept alive with the segment.
  package init(
    simulating path: FilePath,
    memory: UnsafeMutableRawPointer,
    length: Int,
    core: CopyCore,
    device: (any SegmentDevice)? = nil,
    owner: AnyObject
  ) {
    self.path = path
    self.length = length
    target = Atomic(UInt(bitPattern: memory))
    unsafe mapping = MappedRegion(
      taking: memory,
      length: length,
      owner: .borrowed,
      isGuarded: false
    )
    descriptor = ForkSafeMutex(.none)
    settledBytes = Atomic(length)
    self.core = core
    isStaged = device != nil
    self.device = device
    borrowedFrom = owner
  }

  // MARK: Writing

  /// Prepares for appends from `end` on.
  ///
  /// Staged media get their stage, which holds the bytes of `sharedRange` as they stand in the
  /// file.
  package func beginAppending(at end: Int, sharing sharedRange: Range<Int>) throws(MediumError) {
    writtenEnd = end
    guard isStaged, stage == nil else { return }
    let address = unsafe try SystemCalls.mapAnonymous(length: length, for: path)
    let region = unsafe MappedRegion(
      taking: address,
      length: length,
      owner: .memoryMap,
      isGuarded: false
    )
    let missing = unsafe fl_copy_guarded(
      address + sharedRange.lowerBound,
      mapping.address + sharedRange.lowerBound,
      sharedRange.count
    )
    guard missing == 0 else { throw readError(at: sharedRange.upperBound - missing) }
    target.store(UInt(bitPattern: address), ordering: .relaxed)
    stage = consume region
  }

  /// Has the kernel make the pages of a new file before bytes are written there, where the file is memory.
  package func prefaultWrites() {
    var start = 0
    while prefaultWrites(from: &start) {}
  }

  /// The same for a piece.
  ///
  /// - Parameter start: where to begin; left where the next piece does.
  /// - Returns: whether there is another one.
  package func prefaultWrites(from start: inout Int) -> Bool {
    guard !isStaged, borrowedFrom == nil, start < length else { return false }
    let piece = min(Self.prefaultedAtOnce, length - start)
    // SAFETY: the piece lies within the mapping, which is kept as long as self.
    unsafe SystemCalls.prefault(mapping.address + start, length: piece)
    start += piece
    return start < length
  }

  /// So few that no thread waits long which maps or unmaps something meanwhile.
  private static let prefaultedAtOnce = 256 << 10

  /// Gives the stage back.
  ///
  /// Everything in it has reached the file, and no reader is left in it.
  package func releaseStage() {
    target.store(unsafe UInt(bitPattern: mapping.address), ordering: .relaxed)
    stage = nil
  }

  /// Where the byte at `offset` is written.
  @inline(__always)
  func target(at offset: Int) -> UnsafeMutableRawPointer {
    // SAFETY: the address is that of the mapping or of the stage, both of which are kept.
    unsafe UnsafeMutableRawPointer(bitPattern: target.load(ordering: .relaxed))
      .unsafelyUnwrapped + offset
  }

  /// Starts to load three lines from `offset` on, which cached appends will come to soon: their stores
  /// would wait for the lines, and the next locked instruction for the stores.
  @inline(__always)
  package func prefetchAppends(from offset: Int) {
    // SAFETY: an address outside of the mapping is not touched.
    let start = unsafe target(at: offset)
    for line in 0..<3 { unsafe fl_prefetch_to_write(start + 64 * line) }
  }

  /// Writes one record: header, key, value, trailer.
  ///
  /// The copy core's `fl_append` says what the checksum covers.
  ///
  /// - Parameters:
  ///   - offset: where the record starts.
  ///   - header: gets the checksum before it is copied.
  ///   - headerLength: bytes of `header` that belong to the record, 4 to 128.
  ///   - key: copied behind the header.
  ///   - value: copied behind the key.
  ///   - trailer: copied behind the value; the checksum does not cover it.
  ///   - seed: what the checksum continues.
  ///   - flushed: the bytes need only a fence afterwards to be durable; otherwise they are visible
  ///     at once and need `persist`.
  /// - Returns: the record's checksum, which is also stored in the header's first four bytes.
  @inline(__always)
  @discardableResult
  package func append(
    at offset: Int,
    header: inout MutableRawSpan,
    headerLength: Int,
    key: RawSpan,
    value: RawSpan,
    trailer: RawSpan,
    seed: UInt32,
    flushed: Bool
  ) -> UInt32 {
    precondition(headerLength <= header.byteCount, "header outside its buffer")
    let end = offset + headerLength + key.byteCount + value.byteCount + trailer.byteCount
    precondition(offset >= 0 && end <= length, "append outside the segment")
    // SAFETY: C touches the spans during the call only, and the destination range was checked.
    return unsafe header.withUnsafeMutableBytes { header in
      unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          unsafe trailer.withUnsafeBytes { trailer in
            var parts = unsafe fl_append_parts(
              header: header.baseAddress,
              header_length: headerLength,
              key: fl_slice(base: key.baseAddress, length: key.count),
              value: fl_slice(base: value.baseAddress, length: value.count),
              trailer: fl_slice(base: trailer.baseAddress, length: trailer.count)
            )
            return unsafe fl_append(
              core.handle,
              target(at: offset),
              &parts,
              seed,
              flushed ? FL_APPEND_FLUSHED : FL_APPEND_CACHED
            )
          }
        }
      }
    }
  }

  /// Writes a record whose checksums already stand in its header, with large parts that stream past
  /// the cache.
  ///
  /// Needs a fence before it is published, and before it is durable.
  ///
  /// - Returns: whether all bytes were copied; if not, nothing may be published.
  package func appendPrechecked(
    at offset: Int,
    header: RawSpan,
    key: RawSpan,
    value: RawSpan,
    trailer: RawSpan
  ) -> Bool {
    let count = header.byteCount + key.byteCount + value.byteCount + trailer.byteCount
    precondition(offset >= 0 && offset + count <= length, "append outside the segment")
    // SAFETY: as in append.
    return unsafe header.withUnsafeBytes { header in
      unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          unsafe trailer.withUnsafeBytes { trailer in
            let slices: [4 of fl_slice] = unsafe [
              fl_slice(base: header.baseAddress, length: header.count),
              fl_slice(base: key.baseAddress, length: key.count),
              fl_slice(base: value.baseAddress, length: value.count),
              fl_slice(base: trailer.baseAddress, length: trailer.count),
            ]
            return unsafe withUnsafePointer(to: slices) { slices in
              unsafe slices.withMemoryRebound(to: fl_slice.self, capacity: 4) { slices in
                unsafe fl_copyv_flushcache(core.handle, target(at: offset), slices, 4, 0, count)
                  == count
              }
            }
          }
        }
      }
    }
  }

  /// Writes bytes outside the journal (a header, a mark) and makes them durable.
  ///
  /// - Durability: durable on return. One fence, or one device flush.
  package func writeThrough(_ bytes: RawSpan, at offset: Int) throws(MediumError) {
    guard isStaged else {
      store(bytes, at: offset)
      // SAFETY: `store` checked the range.
      if !Mutant.writeThroughUnflushed.isActive {
        unsafe fl_flush(core.handle, mapping.address + offset, bytes.byteCount)
      }
      if !Mutant.writeThroughUnfenced.isActive { unsafe fl_fence(core.handle) }
      return try checkWritten()
    }
    precondition(offset >= 0 && offset + bytes.byteCount <= length, "store outside the segment")
    // SAFETY: the buffer is used during the call only.
    unsafe try writeToFile(
      bytes.withUnsafeBytes { unsafe $0 },
      at: offset,
      synchronizing: !Mutant.writeThroughUnsynced.isActive
    )
  }

  /// Writes a pad through the cache.
  ///
  /// Needs `persist`.
  package func store(_ bytes: RawSpan, at offset: Int) {
    precondition(offset >= 0 && offset + bytes.byteCount <= length, "store outside the segment")
    // SAFETY: as in append.
    unsafe bytes.withUnsafeBytes {
      unsafe fl_copy_cached(core.handle, target(at: offset), $0.baseAddress, $0.count)
    }
  }
}
