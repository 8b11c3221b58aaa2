// Images that nobody can tell from good ones: with numbers that no writer has written, of another moment,
// or beside damage in the journal.

import Fenceline
import Foundation
import JournalFormat
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct IndexImageTrustTests {
  /// Numbers that no writer has written, under a checksum that holds.
  @Test func `An image with any numbers and a valid checksum is no trap`() throws {
    var generator = SeededGenerator(label: "hostile images")
    let store = try ImagedStore(keyCount: 60)
    let powers: [UInt64] = [8, 12, 31, 32, 40, 62, 63]
    let extremes = [0, 7] + powers.map { 1 << $0 } + [.max]
    let fields = Array(stride(from: IndexImageField.storeID, to: store.header.rowsEnd, by: 4))
    func tryOne(_ what: String, _ change: (inout Data) -> Void) throws {
      var image = store.image
      change(&image)
      image.sealImage()
      try store.scratch.putImage(image)
      let reader = try Store.openReadOnly(at: store.scratch.store)
      for (key, value) in store.model {
        if let found = try reader.get(key) { #expect(found == value, "\(what)") }
      }
      _ = try reader.statistics()
      _ = try reader.dictionary()
      let writer = try Store.open(at: store.scratch.store, options: .imagedSegments)
      _ = try writer.statistics()
      _ = try writer.dictionary()
    }
    for field in fields {
      for value in extremes where field.isMultiple(of: 8) {
        try tryOne("\(value) at \(field)") { $0.store(value, at: field) }
      }
      for value in extremes.suffix(3) + [1, 255] {
        let half = UInt32(truncatingIfNeeded: value)
        try tryOne("\(half) at \(field)") { $0.store(half, at: field) }
      }
    }
    for round in 0..<300 {
      let bits = UInt64.random(in: 0..<64, using: &generator)
      let changes = (0..<3).map { _ in
        (fields.randomElement(using: &generator) ?? 16, generator.next() >> bits)
      }
      try tryOne("round \(round): \(changes)") { (image) in
        for (field, value) in changes { image.store(value, at: field) }
      }
    }
  }

  /// A backup of the segments alone, put back under an image that was made after a compaction.
  @Test func `An image that is newer than the segments beside it hides no version of a key`() throws
  {
    let scratch = try Scratch()
    var model: [[UInt8]: [UInt8]] = [:]
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    for round in 0..<4 {
      for number in 0..<100 {
        let key = Array("key \(number)".utf8)
        model[key] = Array("\(round) of \(number)".utf8) + [UInt8](repeating: 1, count: 100)
        try store.put(key, model[key] ?? [])
      }
      for number in stride(from: round, to: 100, by: 7) {
        let key = Array("key \(number)".utf8)
        model[key] = nil
        try store.delete(key)
      }
    }
    // Each moment of a compaction, segment by segment, and behind it an image.
    var backups: [FilePath] = []
    let policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
    repeat {
      try store.sync()
      backups.append(try scratch.copyOfFiles())
    } while try store.maintenance.step(policy) != nil
    try store.writeIndexImage()
    let image = try #require(scratch.image())
    #expect(backups.count > 1)
    let absent = (0..<100).map { Array("key \($0)".utf8) }
    for (number, backup) in backups.enumerated() {
      try image.write(to: URL(filePath: backup.appending(IndexImage.fileName).string))
      let reader = try Store.openReadOnly(at: backup)
      show(reader, model, absent: absent, "backup \(number), reader")
      #expect(try reader.dictionary() == model, "backup \(number)")
      let writer = try Store.open(at: backup, options: .imagedSegments)
      show(writer, model, absent: absent, "backup \(number), writer")
      #expect(try writer.dictionary() == model, "backup \(number)")
    }
  }

  /// A backup put back under a newer image; what is written then is as long as what it replaces, so that
  /// the journal ends with the image's end once more.
  @Test func `An image of a future that was given up is not believed later`() throws {
    let scratch = try Scratch()
    func put(_ store: Store, _ name: String) throws {
      for number in 100..<300 { try store.put("\(name) \(number)", "some value of \(number)") }
    }
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      try put(store, "past")
      try store.close()
    }
    let backup = try scratch.contents()
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      try put(store, "left")
      try store.writeIndexImage()
      try store.close()
    }
    let image = scratch.image()
    try FileManager.default.removeItem(atPath: scratch.store.string)
    try FileManager.default.createDirectory(
      atPath: scratch.store.string,
      withIntermediateDirectories: false
    )
    for (name, data) in backup { try data.write(to: scratch.url(name)) }
    try scratch.putImage(image)
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      #expect(try store.count == 200)
      // It does not wait for its moment.
      #expect(scratch.image() == nil)
      try put(store, "took")
      try put(store, "more")
      try store.close()
    }
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try reader.count == 600)
    for number in 100..<300 {
      #expect(try reader.get("took \(number)") == "some value of \(number)")
      #expect(try reader.get("left \(number)") == nil)
    }
  }

  /// Segments that were read before the image was made are not read again, so nobody has noticed.
  @Test func `Damage in a segment that an image spares is not hidden by a damaged page`() throws {
    for isPageDamaged in [false, true] {
      let store = try ImagedStore(keyCount: 300, changesBehind: false)
      let location = try #require(try store.location(of: Array("key 50".utf8)))
      try store.scratch.patch(SegmentName.name(of: location.segment)) { (data) in
        data[location.valueOffset] ^= 1
      }
      if isPageDamaged {
        try store.scratch.patch(IndexImage.fileName) { $0[store.header.pagesStart + 100] ^= 1 }
      }
      let damaged = try Store.openReadOnly(at: store.scratch.store)
      #expect(damaged.index.image != nil)
      var refusedCount = 0
      for (key, value) in store.model {
        do {
          #expect(try damaged.get(key) == value, "\(String(decoding: key, as: UTF8.self))")
        } catch {
          refusedCount += 1
        }
      }
      #expect(isPageDamaged ? refusedCount > 0 : refusedCount == 1)
      // Never a part of the keys for all.
      #expect(throws: StoreError.self) { _ = try damaged.dictionary() }
      #expect(throws: StoreError.self) {
        try damaged.withCursor { (cursor) in
          var isThere = try cursor.seekToFirst()
          while isThere { isThere = try cursor.next() }
        }
      }
    }
  }

  /// The newest record of a key decays while the store is open; the image still has the one before.
  @Test func `A damaged record is not answered from an image`() throws {
    let store = try ImagedStore()
    let reader = try Store.openReadOnly(at: store.scratch.store)
    let key = Array("key 25".utf8)
    #expect(try reader.get(key) == store.model[key])
    let location = try #require(try store.location(of: key))
    // In place: the handle has it mapped. The key's first byte stands behind the header.
    let name = SegmentName.name(of: location.segment)
    let file = try FileHandle(forUpdating: store.scratch.url(name))
    try file.seek(toOffset: UInt64(location.valueOffset - key.count))
    try file.write(contentsOf: Data([0]))
    try file.close()
    #expect(reader.index.image != nil)
    #expect(throws: StoreError.self) { try reader.get(key) }
  }
}
