// One file of changes: written whole under a temporary name, then published; and read again, verified.
//
// A crash leaves it, or a part of it, or nothing; its checksum tells, and what comes behind one that does
// not hold is not used. So nothing of it has to be durable.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// A verified file of changes.
struct ChangeFile: Sendable {
  let header: IndexChangesHeader
  /// The segments of the moment at which the changes end.
  let segments: [IndexImageSegment]
  /// What the next file has as its link.
  let checksum: UInt32
  private let file: SegmentFile

  // MARK: Names

  private static let prefix = "index."
  private static let suffix = ".changes"

  /// "index.", eight hexadecimal digits and ".changes".
  static func name(of number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return prefix + String(repeating: "0", count: 8 - digits.count) + digits + suffix
  }

  /// The number that a name states, or nil where it is no such name.
  static func number(of name: String) -> UInt32? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix),
      let number = UInt32(name.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count), radix: 16),
      number != 0, number <= IndexChangesHeader.mostNumber, Self.name(of: number) == name
    else { return nil }
    return number
  }

  // MARK: Reading

  /// Nil where there is none of that number, or none that holds.
  init?(_ number: UInt32, in directory: any StoreDirectory) {
    guard let file = try? directory.openSegment(named: Self.name(of: number), writable: false),
      let (header, segments, checksum) = try? file.withGuardedBytes(0..<file.length, Self.verified),
      header.number == number
    else { return nil }
    (self.file, self.header, self.segments, self.checksum) = (file, header, segments, checksum)
  }

  static func verified(
    _ bytes: RawSpan
  ) -> (IndexChangesHeader, [IndexImageSegment], UInt32)? {
    guard let header = IndexChangesHeader(decoding: bytes) else { return nil }
    let checksum = bytes.littleEndian(at: IndexChangesField.checksum, as: UInt32.self)
    let covered = bytes.extracting(IndexChangesField.storeID..<header.changesEnd)
    guard checksum == Checksum.crc32c(covered) || Mutant.changesUnchecked.isActive,
      let segments = [IndexImageSegment](
        decoding: bytes,
        at: IndexChangesField.headerEnd,
        count: header.segmentCount
      )
    else { return nil }
    return (header, segments, checksum)
  }

  /// Visits every change in order.
  ///
  /// - Parameter visit: gets the number of each change, and the change; what it says may be anything, as the
  ///   file may have changed since it was verified.
  /// - Returns: false where the memory could not be read.
  @inline(__always)
  func forEachChange(_ visit: (_ number: Int, IndexChange) -> Void) -> Bool {
    let isWhole = try? file.withGuardedBytes(header.changesStart..<header.length) { (bytes) in
      var coder = IndexChangeCoder()
      var end = 0
      for number in 0..<header.changeCount {
        guard end < header.changesLength else { return false }
        let (change, length) = coder.decode(bytes, at: end)
        visit(number, change)
        end += length
      }
      return end <= header.changesLength
    }
    return isWhole == true && file.firstFault == nil
  }

  // MARK: Writing

  /// Writes a file of changes.
  ///
  /// - Parameters:
  ///   - header: what it says of itself; gets its bytes added to those of all images.
  ///   - segments: those of its end.
  ///   - chunks: the changes.
  ///   - directory: the store's.
  /// - Returns: its checksum.
  /// - Throws: what the medium says; nothing is left behind then.
  static func write(
    _ header: inout IndexChangesHeader,
    _ segments: [IndexImageSegment],
    _ chunks: [ChangeChunk],
    in directory: any StoreDirectory
  ) throws(MediumError) -> UInt32 {
    header.changeCount = chunks.reduce(0) { $0 + $1.count }
    header.segmentCount = segments.count
    var contents = encode(&header, segments, chunks)
    let checksum = Checksum.crc32c(
      unsafe contents.span.bytes.extracting(IndexChangesField.storeID..<header.changesEnd)
    )
    var span = contents.mutableSpan
    var bytes = unsafe span.mutableBytes
    bytes.storeLittleEndian(checksum, at: IndexChangesField.checksum)
    let name = name(of: header.number)
    do throws(MediumError) {
      let file = try directory.createSegment(named: name, length: header.length)
      try file.writeBulk(bytes.bytes, at: 0)
      try file.endBulk()
      file.settle(at: header.length)
      try directory.publishSegment(named: name, replacing: true)
      return checksum
    } catch {
      try? directory.removeSegment(named: name + FileSystemDirectory.unpublishedSuffix)
      throw error
    }
  }

  /// The whole file, but for its checksum.
  private static func encode(
    _ header: inout IndexChangesHeader,
    _ segments: [IndexImageSegment],
    _ chunks: [ChangeChunk]
  ) -> [UInt8] {
    header.changesLength = header.changeCount * IndexChangeField.mostBytes
    let most = header.length
    var contents = [UInt8](repeating: 0, count: most)
    var span = contents.mutableSpan
    var bytes = unsafe span.mutableBytes
    var end = header.changesStart
    var coder = IndexChangeCoder()
    for chunk in chunks {
      chunk.forEachChange { end += coder.encode($0, into: &bytes, at: end) }
    }
    header.changesLength = end - header.changesStart
    header.imageBytes += header.length
    header.encode(into: &bytes)
    for (number, segment) in segments.enumerated() {
      let start = IndexChangesField.headerEnd + number * IndexImageSegmentField.size
      segment.encode(into: &bytes, at: start)
    }
    contents.removeLast(most - header.length)
    return contents
  }
}
