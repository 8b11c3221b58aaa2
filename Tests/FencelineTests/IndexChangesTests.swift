// The changes behind an index image: used where they lead on from it, and without effect on any answer where
// they are damaged, foreign, of another moment, or gone.

import Fenceline
import Foundation
import JournalFormat
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

struct IndexChangesTests {
  /// A store that was killed, with an image and three files of changes behind it.
  private struct ChangedStore {
    let scratch: Scratch
    private(set) var model: [String: String] = [:]
    private(set) var files: [UInt32] = []

    init() throws {
      scratch = try Scratch()
      var model: [String: String] = [:]
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      func put(_ numbers: Range<Int>, _ value: String) throws {
        for number in numbers {
          try store.put("key \(number)", "\(value) \(number)")
          model["key \(number)"] = "\(value) \(number)"
        }
      }
      func delete(_ numbers: Range<Int>) throws {
        for number in numbers {
          try store.delete("key \(number)")
          model["key \(number)"] = nil
        }
      }
      try put(0..<40, "first")
      try store.writeIndexImage()
      try put(30..<50, "second")
      try delete(0..<5)
      try store.writeIndexChanges()
      try put(3..<4, "third")
      try store.writeIndexChanges()
      try delete(48..<50)
      try put(60..<70, "fourth")
      try store.writeIndexChanges()
      try put(0..<1, "fifth")
      try store.sync()
      store.directory.unlock()
      files = try scratch.changeFiles()
      self.model = model
    }

    func contents(_ number: UInt32) throws -> Data {
      try Data(contentsOf: scratch.url(ChangeFile.name(of: number)))
    }

    /// Opens a copy for reading and for writing, with other files, and compares.
    ///
    /// - Returns: files of changes that were used.
    func check(_ what: String, _ other: [UInt32: Data?] = [:]) throws -> Int {
      let copy = try scratch.copyOfFiles()
      defer { try? FileManager.default.removeItem(atPath: copy.string) }
      for (number, data) in other {
        let url = URL(filePath: copy.appending(ChangeFile.name(of: number)).string)
        try? FileManager.default.removeItem(at: url)
        try data?.write(to: url)
      }
      let reader = try Store.openReadOnly(at: copy)
      #expect(reader.index.image != nil, "\(what)")
      let shownCount = reader.recovery.changeFileCount
      for number in 0..<75 {
        #expect(try reader.get("key \(number)") == model["key \(number)"], "\(what)")
      }
      #expect(try reader.count == model.count, "\(what)")
      let readerUsage = reader.usage
      let store = try Store.open(at: copy, options: .imagedSegments)
      let usedCount = store.recovery.changeFileCount
      #expect(shownCount == usedCount, "\(what)")
      var found: [String: String] = [:]
      for (key, value) in try store.dictionary() {
        found[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
      }
      #expect(found == model, "\(what)")
      for number in 0..<75 where model["key \(number)"] == nil {
        #expect(try store.get("key \(number)") == nil, "\(what)")
      }
      #expect(try store.count == model.count, "\(what)")
      // What is counted is what an opening without anything counts.
      let usage = store.usage
      store.directory.unlock()
      for name in try FileManager.default.contentsOfDirectory(atPath: copy.string)
      where Store.isIndexFile(name) {
        try FileManager.default.removeItem(atPath: copy.appending(name).string)
      }
      #expect(try Store.openReadOnly(at: copy).usage == usage, "\(what)")
      #expect(Array(usage.prefix(readerUsage.count)) == readerUsage, "\(what)")
      return usedCount
    }
  }

  @Test func `Changes take the place of the records that they know of`() throws {
    let store = try ChangedStore()
    #expect(store.files.count == 3)
    #expect(try store.check("whole") == 3)
    let opened = try Store.open(at: store.scratch.store, options: .imagedSegments)
    // The put behind them; the rest of the newest segment is read for its digest alone.
    #expect(opened.recovery.changeFileCount == 3)
    #expect(opened.index.changes.count == 1)
  }

  @Test func `No flipped byte of a file of changes changes an answer`() throws {
    let store = try ChangedStore()
    for (place, number) in store.files.enumerated() {
      let contents = try store.contents(number)
      let header = try #require(IndexChangesHeader(decoding: unsafe [UInt8](contents).span.bytes))
      for offset in 0..<header.changesEnd {
        var changed = contents
        changed[offset] ^= 1 << UInt8(offset % 8)
        #expect(try store.check("byte \(offset) of \(number)", [number: changed]) == place)
      }
    }
  }

  @Test func `A file of changes that is cut, empty, missing or another one is used for nothing`()
    throws
  {
    let store = try ChangedStore()
    let all = try store.files.map(store.contents)
    for (place, number) in store.files.enumerated() {
      #expect(try store.check("without \(number)", [number: Data?.none]) == place)
      for length in [0, 1, 100, 511, all[place].count - 1] {
        let cut = all[place].prefix(length)
        #expect(try store.check("\(length) bytes of \(number)", [number: cut]) == place)
      }
      for (other, contents) in all.enumerated() where other != place {
        #expect(try store.check("\(number) of \(other)", [number: contents]) == place)
      }
    }
  }

  /// The second file of one series behind the first one of another.
  @Test func `A file whose link is another one's does not lead on`() throws {
    let store = try ChangedStore()
    let old = try store.contents(store.files[1])
    let path = store.scratch.store
    try FileManager.default.removeItem(at: store.scratch.url(ChangeFile.name(of: store.files[1])))
    let opened = try Store.open(at: path, options: .imagedSegments)
    #expect(opened.recovery.changeFileCount == 1)
    // What was not used is gone.
    #expect(try store.scratch.changeFiles() == [store.files[0]])
    opened.directory.unlock()
    let third = try store.contents(store.files[0])
    var resealed = old
    resealed.store(UInt32(0x1234_5678), at: IndexChangesField.link)
    resealed.sealChanges()
    try third.write(to: store.scratch.url(ChangeFile.name(of: store.files[0])))
    #expect(try store.check("another link", [store.files[1]: resealed]) == 1)
    #expect(try store.check("the old link", [store.files[1]: old]) == 2)
  }

  @Test func `Any numbers under a valid checksum are no trap`() throws {
    var generator = SeededGenerator(label: "hostile changes")
    let store = try ChangedStore()
    let sound = try store.contents(store.files[2])
    let header = try #require(IndexChangesHeader(decoding: unsafe [UInt8](sound).span.bytes))
    let extremes: [UInt64] = [0, 7, 255, 1 << 31, 1 << 32, 1 << 40, 1 << 62, 1 << 63, .max]
    let fields = stride(from: IndexChangesField.storeID, to: header.changesEnd - 8, by: 4)
    for field in fields {
      for value in extremes + [generator.next(), generator.next() >> 30] {
        var changed = sound
        changed.store(value, at: field)
        changed.sealChanges()
        let copy = try store.scratch.copyOfFiles()
        defer { try? FileManager.default.removeItem(atPath: copy.string) }
        let name = ChangeFile.name(of: store.files[2])
        try changed.write(to: URL(filePath: copy.appending(name).string))
        let opened = try Store.open(at: copy, options: .imagedSegments)
        // Words that lead to no record are damage, with an error of its own.
        _ = try? opened.dictionary()
        _ = try opened.statistics()
        try opened.put("key 1", "new")
        try opened.writeIndexChanges()
        _ = try? opened.delete("key 2")
        #expect((try? opened.get("key 1")) ?? "new" == "new")
      }
    }
  }

  /// Its record is copied, it goes, and the compaction ends before anything says so but the changes.
  @Test func `A key that goes while it is compacted stays gone`() throws {
    let scratch = try Scratch()
    var options = StoreOptions.imagedSegments
    options.segmentOptions.smallest = 8192
    options.segmentOptions.largest = 16384
    let store = try Store.open(at: scratch.store, options: options)
    let long = String(repeating: "x", count: 1500)
    for number in [0, 1, 2, 3, 0, 1, 3] { try store.put("key \(number)", long) }
    try store.writeIndexImage()
    var looks = 0
    _ = try store.compactSome {
      looks += 1
      // Everything that is kept was chosen, and nothing was copied.
      if looks == 7 { #expect((try? store.delete("key 2")) == true) }
    }
    #expect(looks > 7)
    try store.sync()
    store.directory.unlock()
    #expect(try scratch.changeFiles().count > 1)
    let opened = try Store.open(at: scratch.store, options: options)
    #expect(try opened.get("key 2") == nil)
    #expect(try opened.count == 3)
    // The file that tells of it is left out, or the copy would be taken for what counts.
    #expect(opened.openedBesideImage)
  }

  /// What a compaction moved is in the changes before its sources go.
  @Test func `Behind a compaction a reader of a killed store need not read the new segment`()
    throws
  {
    let scratch = try Scratch()
    var options = StoreOptions.imagedSegments
    options.segmentOptions.smallest = 64 << 10
    options.segmentOptions.largest = 64 << 10
    let store = try Store.open(at: scratch.store, options: options)
    var model: [[UInt8]: [UInt8]] = [:]
    func put(_ numbers: Range<Int>, _ length: Int) throws {
      for number in numbers {
        let key = Array("key \(number)".utf8)
        model[key] = [UInt8](repeating: UInt8(number & 0xff), count: length)
        try store.put(key, model[key] ?? [])
      }
    }
    try put(0..<1000, 100)
    try store.writeIndexImage()
    try put(0..<600, 50)
    try store.compact(sealingAlways: true)
    try put(0..<3, 10)
    try store.sync()
    store.directory.unlock()
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(reader.index.image != nil)
    #expect(reader.recovery.changeFileCount > 0)
    #expect(reader.recovery.recordCount < 10)
    #expect(try expectSameWithoutImage(scratch, model, "behind a compaction"))
  }

  @Test func `Changes that nobody takes end, and the next image begins anew`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    try store.put("key", "value")
    try store.writeIndexImage()
    #expect(store.index.changes.isOn)
    for number in 0..<ChangeLog.mostChunks * ChangeChunk.capacity {
      store.index.changes.note(UInt64(number), from: 0, to: 1)
    }
    #expect(!store.index.changes.isOn)
    try store.writeIndexChanges()
    #expect(try scratch.changeFiles().isEmpty)
    try store.put("key", "other")
    try store.writeIndexImage()
    #expect(store.index.changes.isOn)
    try store.put("key", "third")
    try store.writeIndexChanges()
    #expect(try scratch.changeFiles().count == 1)
    try store.sync()
    store.directory.unlock()
    let opened = try Store.open(at: scratch.store, options: .imagedSegments)
    #expect(opened.recovery.changeFileCount == 1)
    #expect(try opened.get("key") == "third")
  }

  @Test func `A table that grew much since the image comes back whole`() throws {
    let scratch = try Scratch()
    var model: [String: String] = [:]
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      try store.put("first", "")
      try store.writeIndexImage()
      for number in 0..<20_000 {
        try store.put("key \(number)", "\(number)")
        model["key \(number)"] = "\(number)"
        if number.isMultiple(of: 3000) { try store.writeIndexChanges() }
      }
      model["first"] = ""
      try store.writeIndexChanges()
      try store.sync()
      store.directory.unlock()
    }
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    #expect(store.recovery.changeFileCount > 5)
    for (key, value) in model { #expect(try store.get(key) == value) }
    #expect(try store.count == model.count)
    let words = store.index.bucketCount.load(ordering: .relaxed) * HashIndex.targetLoad
    #expect(words >= model.count * 2 / 3)
  }
}

extension Data {
  /// Gives a changed file of changes a matching checksum.
  fileprivate mutating func sealChanges() {
    guard let header = IndexChangesHeader(decoding: unsafe [UInt8](self).span.bytes) else { return }
    store(
      crc32c(IndexChangesField.storeID..<header.changesEnd),
      at: IndexChangesField.checksum
    )
  }
}
