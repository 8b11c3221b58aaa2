// From a header, a key and a value to lines: the bytes around them (checksums, alignment, pad) are
// made here in a few words on the stack, and everything goes out in one call of the copy core.

internal import JournalFormat
internal import PersistentMemory

/// One record on its way to its place.
struct RecordEncoder {
  let header: RecordHeader
  let fields: RecordFields
  let offset: Int
  let binding: SegmentBinding

  /// Words for the longest header, and for zeros to 8 bytes and the longest pad.
  private typealias Scratch = InlineArray<8, UInt64>

  /// Writes a record whose value needs no chunk checksums.
  ///
  /// - Returns: bytes written, pad included.
  @inline(__always)
  func write(
    key: RawSpan,
    value: RawSpan,
    flushed: Bool,
    endsBatch: Bool,
    to file: SegmentFile
  ) -> Int {
    let shape = header.shape
    var headerWords = Scratch(repeating: 0)
    var trailerWords = Scratch(repeating: 0)
    let trailerLength = self.trailerLength(after: shape, endsBatch: endsBatch)
    var headerSpan = headerWords.mutableSpan
    var headerBytes = unsafe headerSpan.mutableBytes
    let seed = binding.seed(at: offset)
    encodeHeader(into: &headerBytes, seed: seed)
    var trailerSpan = trailerWords.mutableSpan
    var trailerBytes = unsafe trailerSpan.mutableBytes
    encodePad(into: &trailerBytes, from: 0, after: shape, trailerLength: trailerLength)
    file.append(
      at: offset,
      header: &headerBytes,
      headerLength: shape.headerLength,
      key: key,
      value: value,
      trailer: trailerBytes.bytes.extracting(0..<trailerLength),
      seed: seed,
      flushed: flushed
    )
    return shape.usedLength + trailerLength
  }

  /// Writes a record with one checksum per chunk of its value.
  ///
  /// The value is read twice.
  ///
  /// - Returns: bytes written, or 0 where the copy came short.
  @inline(never)
  func writeChunked(key: RawSpan, value: RawSpan, endsBatch: Bool, to file: SegmentFile) -> Int {
    let shape = header.shape
    let seed = binding.seed(at: offset)
    let trailerLength = self.trailerLength(after: shape, endsBatch: endsBatch)
    let checksumsLength = 4 * shape.chunkCount
    var trailer = [UInt8](repeating: 0, count: checksumsLength + trailerLength)
    var headerWords = Scratch(repeating: 0)
    var headerSpan = headerWords.mutableSpan
    var headerBytes = unsafe headerSpan.mutableBytes
    encodeHeader(into: &headerBytes, seed: seed)

    var trailerSpan = trailer.mutableSpan
    var trailerBytes = unsafe trailerSpan.mutableBytes
    for chunk in 0..<shape.chunkCount {
      let start = chunk * RecordLimit.chunkSize
      let end = min(start + RecordLimit.chunkSize, value.byteCount)
      let crc = Checksum.crc32c(value.extracting(start..<end), continuing: seed)
      trailerBytes.storeLittleEndian(crc, at: 4 * chunk)
    }
    encodePad(
      into: &trailerBytes,
      from: checksumsLength,
      after: shape,
      trailerLength: trailerLength
    )
    var crc = Checksum.crc32c(key, continuing: seed)
    crc = Checksum.crc32c(trailerBytes.bytes.extracting(0..<checksumsLength), continuing: crc)
    crc = Checksum.crc32c(
      headerBytes.bytes.extracting(RecordField.kindAndFlags..<shape.headerLength),
      continuing: crc
    )
    headerBytes.storeLittleEndian(crc, at: RecordField.checksum)
    let isComplete = file.appendPrechecked(
      at: offset,
      header: headerBytes.bytes.extracting(0..<shape.headerLength),
      key: key,
      value: value,
      trailer: trailerBytes.bytes
    )
    return isComplete ? shape.usedLength + trailerLength : 0
  }

  /// Fills the line from `offset` on.
  ///
  /// - Returns: bytes written.
  static func writePad(at offset: Int, binding: SegmentBinding, to file: SegmentFile) -> Int {
    var words = Scratch(repeating: 0)
    let length = RecordLimit.lineSize - offset % RecordLimit.lineSize
    var span = words.mutableSpan
    var bytes = unsafe span.mutableBytes
    JournalPad.encode(into: &bytes, from: 0, length: length, at: offset, binding: binding)
    file.store(bytes.bytes.extracting(first: length), at: offset)
    return length
  }

  /// Everything but the record checksum.
  @inline(__always)
  private func encodeHeader(into bytes: inout MutableRawSpan, seed: UInt32) {
    var words = header.words
    words.headerCheck = Checksum.headerCheck(words, seed: seed)
    words.store(into: &bytes)
    if RecordShape.optionalLength(header.flags) > 0 {
      fields.encode(flags: header.flags, into: &bytes)
    }
  }

  /// Zeros up to 8 bytes and, where a batch ends, the pad behind them.
  @inline(__always)
  private func trailerLength(after shape: RecordShape, endsBatch: Bool) -> Int {
    let zeros = shape.totalLength - shape.usedLength
    guard endsBatch else { return zeros }
    let overhang = (offset + shape.totalLength) % RecordLimit.lineSize
    return zeros + (overhang == 0 ? 0 : RecordLimit.lineSize - overhang)
  }

  @inline(__always)
  private func encodePad(
    into bytes: inout MutableRawSpan,
    from start: Int,
    after shape: RecordShape,
    trailerLength: Int
  ) {
    let zeros = shape.totalLength - shape.usedLength
    guard trailerLength > zeros else { return }
    JournalPad.encode(
      into: &bytes,
      from: start + zeros,
      length: trailerLength - zeros,
      at: offset + shape.totalLength,
      binding: binding
    )
  }
}

/// The first page of a segment.
enum SegmentEncoder {
  /// Writes a header and its copy, durable on return.
  static func writeHeader(_ header: SegmentHeader, to file: SegmentFile) throws(MediumError) {
    var words = InlineArray<144, UInt64>(repeating: 0)
    var span = words.mutableSpan
    var bytes = unsafe span.mutableBytes
    encode(header, into: &bytes)
    let copy = SegmentField.headerCopy / MemoryLayout<UInt64>.size
    for word in 0..<words.count - copy { words[copy + word] = words[word] }
    try file.writeThrough(unsafe words.span.bytes, at: 0)
  }

  /// Writes the copy of a header alone, durable on return.
  static func writeHeaderCopy(
    _ header: SegmentHeader,
    to file: SegmentFile
  ) throws(MediumError) {
    var words = InlineArray<16, UInt64>(repeating: 0)
    var span = words.mutableSpan
    var bytes = unsafe span.mutableBytes
    encode(header, into: &bytes)
    try file.writeThrough(bytes.bytes, at: SegmentField.headerCopy)
  }

  /// Encodes a header with its checksum into zero bytes.
  static func encode(_ header: SegmentHeader, into bytes: inout MutableRawSpan) {
    header.encode(into: &bytes)
    let crc = Checksum.crc32c(bytes.bytes.extracting(0..<SegmentField.checksum))
    bytes.storeLittleEndian(crc, at: SegmentField.checksum)
  }
}

extension SegmentEncoder {
  /// Marks a segment as followed by the one with `successor`'s header, durable on return.
  ///
  /// - Parameters:
  ///   - file: the segment, writable.
  ///   - header: its own.
  ///   - successor: states where its journal ends.
  /// - Throws: what the medium says.
  static func markFollowed(
    _ file: SegmentFile,
    _ header: SegmentHeader,
    by successor: SegmentHeader
  ) throws(MediumError) {
    try markFollowed(file, header, endingAt: successor.predecessorEnd, successor.firstSequence)
  }

  /// Marks a segment in which nothing was accepted as followed, by the one that takes its place in the
  /// history; durable on return.
  ///
  /// - Parameters:
  ///   - file: the segment, open for writing.
  ///   - header: its own.
  /// - Throws: what the medium says.
  static func markReplaced(
    _ file: SegmentFile,
    _ header: SegmentHeader
  ) throws(MediumError) {
    try markFollowed(file, header, endingAt: SegmentField.journalStart, header.firstSequence)
  }

  private static func markFollowed(
    _ file: SegmentFile,
    _ header: SegmentHeader,
    endingAt end: Int,
    _ nextSequence: UInt64
  ) throws(MediumError) {
    let mark = CloseMark(
      incarnation: header.incarnation,
      end: end,
      nextSequence: nextSequence,
      state: .followed
    )
    try writeCloseMark(mark, SegmentBinding(header), to: file)
  }

  /// Writes the close mark, durable on return.
  static func writeCloseMark(
    _ mark: CloseMark,
    _ binding: SegmentBinding,
    to file: SegmentFile
  ) throws(MediumError) {
    var words = InlineArray<4, UInt64>(repeating: 0)
    var span = words.mutableSpan
    var bytes = unsafe span.mutableBytes
    mark.encode(into: &bytes)
    let crc = Checksum.crc32c(
      bytes.bytes.extracting(0..<CloseMarkField.checksum),
      continuing: binding.seed
    )
    bytes.storeLittleEndian(crc, at: CloseMarkField.checksum)
    try file.writeThrough(bytes.bytes, at: SegmentField.closeMark)
  }
}
