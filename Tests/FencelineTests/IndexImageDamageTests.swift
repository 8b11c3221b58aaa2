// Damaged, cut off, foreign and hostile images: every opening gives the right answers, and none throws.

import Fenceline
import Foundation
import JournalFormat
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

/// A closed store of a few segments with an image, and records behind the image.
final class ImagedStore {
  let scratch: Scratch
  private(set) var model: [[UInt8]: [UInt8]] = [:]
  let absent: [[UInt8]]
  let image: Data
  var header: IndexImageHeader

  init(
    _ medium: TestMedium = .temporaryFileSystem,
    keyCount: Int = 200,
    changesBehind: Bool = true
  ) throws {
    scratch = try Scratch(medium)
    var model: [[UInt8]: [UInt8]] = [:]
    absent = (0..<20).flatMap { [Array("none \($0)".utf8), Array("key \($0)".utf8)] }
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      func put(_ number: Int, _ round: Int) throws {
        let key = Array("key \(number)".utf8)
        model[key] = Array("value \(round) of \(number), and some more bytes".utf8)
        try store.put(key, model[key] ?? [])
      }
      func delete(_ number: Int) throws {
        let key = Array("key \(number)".utf8)
        model[key] = nil
        try store.delete(key)
      }
      for round in 0..<2 { for number in 0..<keyCount { try put(number, round) } }
      for number in 0..<10 { try delete(number) }
      try store.writeIndexImage()
      if changesBehind {
        for number in 10..<20 { try delete(number) }
        for number in 20..<30 { try put(number, 2) }
        for number in 30..<35 {
          try delete(number)
          try put(number, 3)
        }
      }
      try store.close()
    }
    self.model = model
    image = try #require(scratch.image())
    header = try #require(image.imageHeader)
  }

  /// Where the newest record of a key stands.
  func location(of key: [UInt8]) throws -> EntryLocation? {
    var place: EntryLocation?
    try Store.openReadOnly(at: scratch.store).forEach { (found, _, location) in
      if found.array == key { place = location }
      return .next
    }
    return place
  }

  /// Opens the store for reading and for writing, and compares.
  ///
  /// - Returns: whether the reader had an image at first, and at last.
  @discardableResult
  func check(_ what: String) -> (atFirst: Bool, atLast: Bool)? {
    do {
      let reader = try Store.openReadOnly(at: scratch.store)
      let isUsed = reader.index.image != nil
      show(reader, model, absent: absent, "\(what), reader")
      let isStillUsed = reader.index.image != nil
      #expect(try reader.dictionary() == model, "\(what), reader")
      let writer = try Store.open(at: scratch.store, options: .imagedSegments)
      show(writer, model, absent: absent, "\(what), writer")
      #expect(writer.usage == reader.usage, "\(what)")
      return (isUsed, isStillUsed)
    } catch {
      Issue.record("\(what): \(error)")
      return nil
    }
  }
}

struct IndexImageDamageTests {
  @Test func `No flipped byte of an image changes an answer`() throws {
    let store = try ImagedStore()
    #expect(store.check("whole").map { $0 == (true, true) } == true)
    let pages = store.header.pagesStart
    let end = pages + store.header.pageCount * IndexImagePageField.size
    let offsets = Array(0..<store.header.rowsEnd) + stride(from: pages, to: end, by: 7)
    var refusedCount = 0
    for offset in offsets {
      var image = store.image
      image[offset] ^= 1 << UInt8(offset % 8)
      try store.scratch.putImage(image)
      guard let used = store.check("byte \(offset)") else { return }
      if !used.atFirst { refusedCount += 1 }
    }
    // Whatever stands in header and tables is under their checksum; pages are looked at when they are
    // needed, and have some bytes without a meaning.
    #expect(refusedCount > store.header.rowsEnd && refusedCount < offsets.count)
  }

  @Test func `No cut of an image changes an answer`() throws {
    let store = try ImagedStore()
    let end = store.header.pagesStart + store.header.pageCount * IndexImagePageField.size
    let lengths =
      Array(stride(from: 0, to: store.header.rowsEnd + 8, by: 8)) + [1, 7, 9, 159, 161, 4095, 4096]
      + Array(stride(from: 4096, to: store.image.count, by: 509)) + [end - 1]
    for length in lengths {
      try store.scratch.putImage(store.image.prefix(length))
      let used = store.check("\(length) bytes")
      #expect(used?.atFirst == (length >= end))
    }
    // Nothing that counts stands behind the last page.
    try store.scratch.putImage(store.image.prefix(end))
    #expect(store.check("no byte too many").map { $0 == (true, true) } == true)
    try store.scratch.putImage(store.image + Data(repeating: 0x41, count: 5000))
    #expect(store.check("more bytes").map { $0 == (true, true) } == true)
  }

  @Test func `Something else in an image's place changes no answer`() throws {
    let store = try ImagedStore()
    let other = try ImagedStore()
    let url = store.scratch.url(IndexImage.fileName)
    let files = FileManager.default
    try store.scratch.putImage(other.image)
    #expect(store.check("of another store")?.atFirst == false)
    try store.scratch.putImage(nil)
    #expect(store.check("none")?.atFirst == false)
    try files.createDirectory(at: url, withIntermediateDirectories: false)
    #expect(store.check("a directory")?.atFirst == false)
    try? files.removeItem(at: url)
    let elsewhere = store.scratch.root.appending("elsewhere").string
    try store.image.write(to: URL(filePath: elsewhere))
    try files.createSymbolicLink(atPath: url.path, withDestinationPath: elsewhere)
    #expect(store.check("a link")?.atFirst == false)
    try? files.removeItem(at: url)
    #expect(unsafe mkfifo(url.path, 0o600) == 0)
    #expect(store.check("a pipe")?.atFirst == false)
    try? files.removeItem(at: url)
    try store.scratch.putImage(store.image)
    #expect(store.check("its own")?.atFirst == true)
  }

  @Test(arguments: TestMedium.allCases)
  func `A page that is damaged under an open handle is not believed`(medium: TestMedium) throws {
    // What is read behind an image looks at pages too, and each is verified once.
    let store = try ImagedStore(medium, keyCount: 1000, changesBehind: false)
    #expect(store.header.pageCount > 1)
    for page in 0..<store.header.pageCount {
      try store.scratch.putImage(store.image)
      let reader = try Store.openReadOnly(at: store.scratch.store)
      let second = try Store.openReadOnly(at: store.scratch.store)
      let file = try FileHandle(forUpdating: store.scratch.url(IndexImage.fileName))
      let start = store.header.pagesStart + page * IndexImagePageField.size
      try file.seek(toOffset: UInt64(start + 5 * page + 4))
      try file.write(contentsOf: Data(repeating: 0xa5, count: 3))
      try file.close()
      #expect(reader.index.image != nil)
      show(reader, store.model, absent: store.absent, "page \(page)")
      #expect(reader.index.image == nil)
      #expect(try reader.dictionary() == store.model)
      // The same where the keys are wanted all at once.
      #expect(second.index.image != nil)
      #expect(try second.dictionary() == store.model)
      show(second, store.model, absent: store.absent, "page \(page), all keys")
    }
  }

  /// The table of pages was verified at the opening: what becomes of the file later must not lead
  /// anywhere.
  @Test func `Tables that are damaged under an open handle lead nowhere`() throws {
    var generator = SeededGenerator(label: "tables of an image")
    let store = try ImagedStore(keyCount: 1000)
    let tables = store.header.rowsStart..<store.header.rowsEnd
    for round in 0..<40 {
      try store.scratch.putImage(store.image)
      let reader = try Store.openReadOnly(at: store.scratch.store)
      let file = try FileHandle(forUpdating: store.scratch.url(IndexImage.fileName))
      try file.seek(toOffset: UInt64(round.isMultiple(of: 2) ? tables.lowerBound : 0))
      let count = round.isMultiple(of: 2) ? tables.count : tables.upperBound
      let bytes = round < 4 ? [UInt8](repeating: 0, count: count) : generator.bytes(count)
      try file.write(contentsOf: Data(bytes))
      try file.close()
      show(reader, store.model, absent: store.absent, "round \(round)")
      #expect(try reader.dictionary() == store.model)
    }
  }

  /// Whoever overwrites a page in place that was verified already may hide a key; but a handle lives on.
  @Test func `A file that is overwritten under an open handle is no trap`() throws {
    var generator = SeededGenerator(label: "image overwritten in place")
    let store = try ImagedStore(keyCount: 1000)
    for round in 0..<40 {
      try store.scratch.putImage(store.image)
      let reader = try Store.openReadOnly(at: store.scratch.store)
      show(reader, store.model, absent: store.absent, "before")
      let file = try FileHandle(forUpdating: store.scratch.url(IndexImage.fileName))
      try file.seek(toOffset: UInt64(store.header.pagesStart))
      let count = store.header.pageCount * IndexImagePageField.size
      let bytes = round == 0 ? [UInt8](repeating: 0xff, count: count) : generator.bytes(count)
      try file.write(contentsOf: Data(bytes))
      try file.close()
      for (key, value) in store.model {
        if let found = try reader.get(key) { #expect(found == value) }
      }
      // Whoever wants all keys verifies once more.
      #expect(try reader.dictionary() == store.model)
      show(reader, store.model, absent: store.absent, "behind")
    }
  }

  /// The kernel gives a zero page where a mapped file has none any more.
  @Test(arguments: [false, true])
  func `A file that is cut off under an open handle is not believed`(isVerified: Bool) throws {
    let store = try ImagedStore(keyCount: 1000)
    for length in [0, 4096, store.header.pagesStart, store.header.pagesStart + 4096] {
      try store.scratch.putImage(store.image)
      let reader = try Store.openReadOnly(at: store.scratch.store)
      if isVerified { show(reader, store.model, absent: store.absent, "before \(length)") }
      #expect(reader.index.image != nil)
      #expect(unsafe truncate(store.scratch.url(IndexImage.fileName).path, off_t(length)) == 0)
      show(reader, store.model, absent: store.absent, "cut to \(length) bytes")
      #expect(try reader.dictionary() == store.model)
    }
  }

  // A handle that looked keys up in an image had a newer version of a key in its table, and that record could
  // not be read any more. The first scan took the image's words over: the older version, not being equal to what
  // could not be compared, got a word beside the newer one, and was then the first whole record of its key.
  @Test func `What an image has of a key does not stand in for a newer record that can't be read`()
    throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    for number in 0..<100 { try store.put("key \(number)", "old") }
    try store.writeIndexImage()
    try store.put("key 1", "new")
    try store.sync()
    let reader = try Store.openReadOnly(at: scratch.store, options: .imagedSegments)
    #expect(reader.index.usesImage)
    #expect(try reader.get("key 1") == "new")
    var place: EntryLocation?
    try store.forEach(prefix: Array("key 1".utf8), order: .ascending, limit: 1) {
      (_, _, location) in
      place = location
      return .stop
    }
    let newer = try #require(place)
    try scratch.patch(SegmentName.name(of: newer.segment)) {
      $0.replaceSubrange(newer.offset..<newer.offset + 20, with: Data(count: 20))
    }
    #expect(throws: StoreError.self) { try reader.get("key 1") }
    #expect(throws: StoreError.self) { try reader.dictionary() }
    #expect(throws: StoreError.self) { try reader.get("key 1") }
    #expect(throws: StoreError.self) { try reader.snapshot() }
    #expect(try reader.get("key 2") == "old")
  }
}
