// From a position to a verified record. Every read of a store ends here.

internal import CFlush
internal import CPlatform
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

extension SegmentMap {
  /// Hands out the verified record at `unit`, with the bytes of its segment.
  ///
  /// - Parameters:
  ///   - unit: a position from the index.
  ///   - body: gets the record and the segment from its first byte on.
  /// - Returns: what `body` returns.
  /// - Throws: ``StoreError/corrupt(file:offset:cause:)`` or
  ///   ``StoreError/mediaError(file:offset:)``; ``StoreError/newerFormat(file:feature:)``.
  /// - Complexity: O(record): every byte of it is read.
  @inline(__always)
  func withRecord<R>(
    at unit: UInt64,
    _ body: (JournalRecord, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try unsafe withSegment(of: unit) { (view, offset, bytes) throws(StoreError) in
      let record: JournalRecord
      do throws(RecordFault) {
        record = unsafe try JournalRecord(
          in: bytes,
          at: offset,
          binding: view.pointee.binding,
          limit: bytes.byteCount
        )
      } catch {
        throw unsafe failure(view, offset, error)
      }
      return try body(record, bytes)
    }
  }

  /// The same for who explains no failure.
  @inline(__always)
  func withVerifiedRecord<R>(
    at unit: UInt64,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(RecordFault) -> R {
    try unsafe withSegment(of: unit) { (view, offset, bytes) throws(RecordFault) in
      let record = unsafe try JournalRecord(
        in: bytes,
        at: offset,
        binding: view.pointee.binding,
        limit: bytes.byteCount
      )
      return body(record, bytes)
    }
  }

  /// Hands out the segment that `unit` lies in: its view, the unit's offset, its bytes.
  @inline(__always)
  func withSegment<R, E: Error>(
    of unit: UInt64,
    _ body: (UnsafePointer<SegmentView>, Int, RawSpan) throws(E) -> R
  ) throws(E) -> R {
    // SAFETY: units come from the index, so their view exists; views outlive every read, and the
    // caller holds a reader's ticket or the write lock, which keeps the memory.
    let view = unsafe view(ofUnit: unit)
    let bytes = unsafe UnsafeRawBufferPointer(
      start: view.pointee.base,
      count: view.pointee.length
    ).bytes
    return unsafe try body(view, view.pointee.offset(ofUnit: unit), bytes)
  }

  /// Starts to load the first line of the record at `unit`.
  ///
  /// - Returns: its address.
  @inline(__always)
  @discardableResult
  func prefetch(_ unit: UInt64) -> UInt {
    unsafe withSegment(of: unit) { (view, offset, _) in
      let start = unsafe view.pointee.base + offset
      unsafe fl_prefetch(start)
      return UInt(bitPattern: start)
    }
  }

  /// Starts to load the lines behind the first one, as many as a record of 100 bytes has.
  @inline(__always)
  func prefetchRest(_ unit: UInt64) {
    unsafe withSegment(of: unit) { (view, offset, _) in
      Self.prefetchRest(at: unsafe UInt(bitPattern: view.pointee.base + offset))
    }
  }

  /// The same of the record at an address.
  @inline(__always)
  static func prefetchRest(at address: UInt) {
    for line in 1...2 {
      unsafe fl_prefetch(UnsafeRawPointer(bitPattern: address &+ UInt(line * RecordLimit.lineSize)))
    }
  }

  /// Starts to load the lines behind those of the record at an address, where it is as long as another one.
  ///
  /// As many as it takes for the core's own prefetcher to see where the reading goes.
  ///
  /// - Parameters:
  ///   - address: of the record.
  ///   - bodyLength: key and value of the other one, in bytes.
  @inline(never)
  static func prefetchLongRest(at address: UInt, bodyLength: Int) {
    for line in 3...min(12, 3 &+ bodyLength / RecordLimit.lineSize) {
      unsafe fl_prefetch(UnsafeRawPointer(bitPattern: address &+ UInt(line * RecordLimit.lineSize)))
    }
  }

  /// The same as ``prefetch(_:)``, unless `unit` is 0.
  @inline(__always)
  func prefetchIfAny(_ unit: UInt64) {
    if unit != 0 { prefetch(unit) }
  }

  /// Starts to load the first lines of the record at `unit`, as many as one of 100 bytes has.
  ///
  /// The caller holds a reader's ticket.
  @inline(__always)
  func prefetchStart(_ unit: UInt64) { Self.prefetchRest(at: prefetch(unit)) }

  /// Whether the record at `unit` is known to have `key`.
  ///
  /// One that can't be read is not: where a write has been committed nothing may fail any more. Its
  /// position stays in the index, and is passed over as soon as a whole record of the key is found.
  @inline(__always)
  func surelyHasKey(_ key: RawSpan, at unit: UInt64) -> Bool {
    do throws(StoreError) { return try hasKey(key, at: unit) } catch { return false }
  }

  /// Whether the record at `unit` has `key`.
  ///
  /// A different key counts only if the record is whole.
  @inline(__always)
  func hasKey(_ key: RawSpan, at unit: UInt64) throws(StoreError) -> Bool {
    // Most of the time the tag was right, and an equal key needs no proof: it is superseded.
    if withUnverifiedKey(at: unit, { Bytes.areEqual($0, key) }) { return true }
    return try withRecord(at: unit) { (record, bytes) in
      Bytes.areEqual(bytes.extracting(record.keyRange), key)
    }
  }

  /// Whether the records at two units have the same key.
  ///
  /// The second was verified.
  func keysMatch(_ candidate: UInt64, _ unit: UInt64) throws(StoreError) -> Bool {
    try withUnverifiedKey(at: unit) { (key) throws(StoreError) in
      try hasKey(key, at: candidate)
    }
  }

  /// Hands out the bytes where the key of the record at `unit` stands, if its header is right;
  /// nothing where its lengths lead outside the segment.
  @inline(__always)
  func withUnverifiedKey<R, E: Error>(
    at unit: UInt64,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try unsafe withSegment(of: unit) { (_, offset, bytes) throws(E) in
      guard offset <= bytes.byteCount - RecordField.headerEnd,
        let header = RecordHeader(in: bytes, at: offset)
      else { return try body(RawSpan()) }
      let start = offset + header.shape.headerLength
      guard start + header.keyLength <= bytes.byteCount else { return try body(RawSpan()) }
      return try body(bytes.extracting(start..<start + header.keyLength))
    }
  }

  @inline(never)
  private func failure(
    _ view: UnsafePointer<SegmentView>,
    _ offset: Int,
    _ fault: RecordFault
  ) -> StoreError {
    guard let file = unsafe view.pointee.file?.takeUnretainedValue() else {
      return .misleadingIndexImage(besides: segments.first?.file.path)
    }
    if let faultOffset = file.firstFault(in: unsafe Self.extent(view, offset)) {
      return .mediaError(file: file.path, offset: faultOffset)
    }
    switch fault {
    case .header, .length:
      return .corrupt(file: file.path, offset: offset, cause: .recordHeader)
    case .body: return .corrupt(file: file.path, offset: offset, cause: .recordBody)
    case .unknownFlags(let flags):
      return .newerFormat(
        file: file.path,
        feature: "record flags 0x\(String(flags, radix: 16))"
      )
    }
  }

  /// Where the bytes of a record are, as far as its header can be read.
  private static func extent(_ view: UnsafePointer<SegmentView>, _ offset: Int) -> Range<Int> {
    // SAFETY: as in `withSegment`.
    let (base, length) = unsafe (view.pointee.base, view.pointee.length)
    let bytes = unsafe UnsafeRawBufferPointer(start: base, count: length).bytes
    let headerEnd = min(length, offset + RecordField.headerEnd)
    guard headerEnd == offset + RecordField.headerEnd,
      let header = RecordHeader(in: bytes, at: offset)
    else { return min(offset, headerEnd)..<headerEnd }
    return offset..<max(headerEnd, min(length, offset + header.shape.totalLength))
  }
}

/// Memory errors that the process-wide handler caught.
enum MemoryErrors {
  /// Caught so far; a read that sees it change has read a page of zeros somewhere.
  @inline(__always)
  static var count: UInt64 { cp_guard_fault_count() }
}
