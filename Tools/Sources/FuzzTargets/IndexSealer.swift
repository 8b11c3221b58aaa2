// Mends the checks of index images and of the changes behind them: tables, pages, the links from file to
// file, and whose segments they name. The words are the fuzzer's.

internal import CrashLab
internal import Fenceline
internal import JournalFormat

/// Seals what only helps to open a store.
enum IndexSealer {
  /// Seals the image and the changes among `files`, whose segments are sealed.
  static func seal(_ files: inout [FuzzFile]) {
    var identities: [UInt32: UInt32] = [:]
    for file in files where file.kind == .segment {
      guard let header = JournalSealer.header(of: file.bytes) else { continue }
      identities[header.segmentID] = header.identity
    }
    var link: UInt32?
    for index in files.indices where files[index].kind == .image {
      link = sealImage(&files[index].bytes, identities) ?? link
    }
    let changes = files.indices.filter { files[$0].kind == .changes }
      .sorted { files[$0].number < files[$1].number }
    for index in changes {
      link = sealChanges(&files[index].bytes, number: files[index].number, link, identities) ?? link
    }
  }

  /// - Returns: the link of the first changes.
  private static func sealImage(_ bytes: inout [UInt8], _ identities: [UInt32: UInt32]) -> UInt32? {
    guard let header = unsafe IndexImageHeader(decoding: bytes.span.bytes) else { return nil }
    if header.rowsEnd <= bytes.count {
      identify(&bytes, at: IndexImageField.headerEnd, header.segmentCount, identities)
      let crc = bytes.crc32c(IndexImageField.storeID..<header.rowsEnd)
      bytes.store(crc, at: IndexImageField.checksum)
    }
    let size = IndexImagePageField.size
    let pages = min(header.pageCount, max(0, bytes.count - header.pagesStart) / size)
    for page in 0..<pages {
      let start = header.pagesStart + page * size
      let buckets = bytes.count(at: start + IndexImagePageField.bucketCount)
      let words = bytes.count(at: start + IndexImagePageField.wordCount)
      let length = IndexImagePageField.counts + buckets + header.wordLength * words
      guard length <= size else { continue }
      let crc = bytes.crc32c(
        start + IndexImagePageField.bucketCount..<start + length,
        continuing: header.seed(ofPage: page)
      )
      bytes.store(crc, at: start + IndexImagePageField.checksum)
    }
    return header.changesLink
  }

  /// - Returns: the link of the next file.
  private static func sealChanges(
    _ bytes: inout [UInt8],
    number: UInt8,
    _ link: UInt32?,
    _ identities: [UInt32: UInt32]
  ) -> UInt32? {
    guard bytes.count >= IndexChangesField.headerEnd else { return nil }
    if let link { bytes.store(link, at: IndexChangesField.link) }
    bytes.store(UInt32(number), at: IndexChangesField.number)
    guard let header = unsafe IndexChangesHeader(decoding: bytes.span.bytes) else { return nil }
    identify(&bytes, at: IndexChangesField.headerEnd, header.segmentCount, identities)
    let crc = bytes.crc32c(IndexChangesField.storeID..<header.changesEnd)
    bytes.store(crc, at: IndexChangesField.checksum)
    return crc
  }

  /// Gives the rows of a table the identities of the segments that they name.
  private static func identify(
    _ bytes: inout [UInt8],
    at start: Int,
    _ count: Int,
    _ identities: [UInt32: UInt32]
  ) {
    for number in 0..<count {
      let row = start + number * IndexImageSegmentField.size
      guard row <= bytes.count - IndexImageSegmentField.size else { return }
      let id = unsafe bytes.span.bytes.littleEndian(
        at: row + IndexImageSegmentField.segmentID,
        as: UInt32.self
      )
      guard let identity = identities[id] else { continue }
      bytes.store(identity, at: row + IndexImageSegmentField.identity)
    }
  }
}

extension [UInt8] {
  /// A number of two bytes.
  fileprivate func count(at offset: Int) -> Int {
    Int(unsafe span.bytes.littleEndian(at: offset, as: UInt16.self))
  }
}
