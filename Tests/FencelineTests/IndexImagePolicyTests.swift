// When images are written, and what comes of those that can't be.

import Fenceline
import Foundation
import JournalFormat
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

struct IndexImagePolicyTests {
  private func fill(_ store: Store, _ count: Int, round: Int = 0) throws(StoreError) {
    for number in 0..<count {
      try store.put("key \(number)", "\(round) " + String(repeating: "v", count: 100))
    }
  }

  @Test func `An image appears while a store is written and when it is closed`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .earlyImages)
    var round = 0
    while scratch.image() == nil, round < 500 {
      round += 1
      try fill(store, 300, round: round)
      Thread.sleep(forTimeInterval: 0.005)
    }
    #expect(scratch.image() != nil)
    try fill(store, 3000, round: 1000)
    try store.close()
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(reader.index.image != nil)
    #expect(reader.recovery.recordCount < 1000)
    #expect(try reader.count == 3000)
  }

  @Test func `An image is due for a third as many changes as keys, and in a pause for an eighth`() {
    let policy = IndexImagePolicy(smallestJournal: 1 << 20)
    var situation = IndexImagePolicy.Situation(
      writtenBytes: 1 << 30,
      imagedBytes: 1 << 29,
      imageBytes: 0,
      length: 1 << 24,
      keyCount: 3_000_000,
      bucketCount: 600_000,
      recordBytes: 1 << 29,
      wordLength: 6,
      segmentCount: 20
    )
    #expect(policy.isDue(situation, .busy))
    situation.changesBehind = 999_999
    #expect(!policy.isDue(situation, .busy))
    #expect(policy.isDue(situation, .idle))
    situation.changesBehind = 1_000_000
    #expect(policy.isDue(situation, .busy))
    // Compactions write no journal.
    situation.imagedBytes = situation.writtenBytes
    situation.changesBehind = 374_999
    #expect(!policy.isDue(situation, .closing))
    situation.changesBehind = 375_000
    #expect(policy.isDue(situation, .closing))
    situation.imageBytes = 1 << 29
    #expect(!policy.isDue(situation, .closing))
  }

  @Test func `All images together take half of what is written to the journal at most`() throws {
    let scratch = try Scratch()
    var written = 0
    var last = Data()
    for opening in 0..<40 {
      let store = try Store.open(at: scratch.store, options: .earlyImages)
      for number in 0..<400 { try store.put("k \(opening) \(number)", "") }
      try store.close()
      guard let image = scratch.image(), image != last else { continue }
      last = image
      written += 1
      let header = try #require(image.imageHeader)
      #expect(header.imageBytes <= header.journalBytes / 2)
    }
    #expect(written > 1)
  }

  @Test func `A store that was emptied has no image`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .earlyImages)
    try fill(store, 3000)
    store.maintenance.imageForNextOpening()
    #expect(scratch.image() != nil)
    for number in 0..<3000 { try store.delete("key \(number)") }
    try store.compact(sealingAlways: true)
    #expect(scratch.image() == nil)
    try store.close()
    #expect(scratch.image() == nil)
    #expect(try Store.openReadOnly(at: scratch.store).count == 0)
  }

  @Test func `Without the option no image is written`() throws {
    let scratch = try Scratch()
    var options = StoreOptions.earlyImages
    options.writesIndexImages = false
    let store = try Store.open(at: scratch.store, options: options)
    try fill(store, 5000)
    try store.compact(sealingAlways: true)
    try store.close()
    #expect(scratch.image() == nil)
  }

  @Test(arguments: ["create", "rename", "fsync", "full"])
  func `An image that can't be written harms nothing`(operation: String) throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    let store = try Store(writingIn: directory, options: .imagedSegments)
    try fill(store, 1000)
    try store.writeIndexImage()
    let before = scratch.image()
    try store.put("behind", "1")
    if operation == "full" {
      directory.limitSegments()
    } else {
      directory.fail(operation, with: .ioError)
    }
    #expect(throws: StoreError.self) { try store.writeIndexImage() }
    #expect(operation == "fsync" || scratch.image() == before)
    #expect(try !scratch.contents().keys.contains("index.image.new"))
    #expect(try store.get("key 7")?.hasPrefix("0 ") == true)
    if operation != "full" { directory.fail(operation, with: nil) }
    try store.put("more", "2")
    try store.close()
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(reader.index.image != nil)
    #expect(try reader.count == 1002)
  }

  @Test func `What a killed writer left of an image goes with the next one`() throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store, options: .imagedSegments).put("a", "1") }
    let leftover = scratch.url("index.image.new")
    try Data(repeating: 1, count: 5000).write(to: leftover)
    #expect(try Store.openReadOnly(at: scratch.store).get("a") == "1")
    #expect(FileManager.default.fileExists(atPath: leftover.path))
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    #expect(!FileManager.default.fileExists(atPath: leftover.path))
    try Data(repeating: 1, count: 5000).write(to: leftover)
    try store.writeIndexImage()
    #expect(!FileManager.default.fileExists(atPath: leftover.path))
    #expect(try Store.openReadOnly(at: scratch.store).index.image != nil)
  }

  @Test func `A reader with an image writes nothing, whether or not the image holds`() throws {
    let store = try ImagedStore()
    for damaged in [nil, 20, store.header.pagesStart + 20] {
      if let damaged { try store.scratch.patch(IndexImage.fileName) { $0[damaged] ^= 1 } }
      let before = try store.scratch.contents()
      do {
        let reader = try Store.openReadOnly(at: store.scratch.store, options: .earlyImages)
        show(reader, store.model, absent: store.absent, "damaged at \(damaged ?? -1)")
        #expect(throws: StoreError.readOnly) { try reader.writeIndexImage() }
        #expect(try reader.dictionary() == store.model)
        try reader.close()
      }
      #expect(try store.scratch.contents() == before)
      try store.scratch.putImage(store.image)
    }
  }

  // MARK: The table

  /// Buckets that were not split in time have chains of several overflow buckets.
  @Test(arguments: [20, 60])
  func `A table with long chains comes back word by word`(wordsPerBucket: Int) throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    try store.withWriter { (_) throws(StoreError) in store.index.pausesGrowth = true }
    let count = 256 * wordsPerBucket
    for number in 0..<count { try store.put("\(number)", "") }
    #expect(store.index.bucketCount.load(ordering: .relaxed) == 256)
    try store.writeIndexImage()
    try store.close()
    func words(_ index: HashIndex) -> [[UInt64]] {
      (0..<256).map { (bucket) in
        var words: [UInt64] = []
        index.collectWords(of: bucket, among: 256, into: &words)
        return words.sorted()
      }
    }
    let image = try #require(IndexImage(in: store.directory))
    image.keepWords(
      to: Dictionary(uniqueKeysWithValues: image.segments.map { ($0.segmentID, $0.firstUnit) })
    )
    let loaded = try #require(HashIndex.load(image))
    #expect(words(loaded) == words(store.index))
    #expect(loaded.count == count)
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(reader.index.image != nil)
    #expect(try reader.count == count)
    for number in stride(from: 0, to: count, by: 17) { #expect(try reader.get("\(number)") == "") }
    try reader.follower?.takeOverImage()
    var units: [UInt64] = []
    reader.index.forEachUnit { units.append($0) }
    #expect(units.sorted() == words(store.index).flatMap(\.self).map(HashIndex.unit).sorted())
    // Free overflow buckets are used, and those in use are not.
    let writer = try Store.open(at: scratch.store, options: .imagedSegments)
    for number in 0..<count { try writer.put("new \(number)", "") }
    #expect(try writer.count == 2 * count)
    for number in 0..<count where try writer.get("\(number)") == nil {
      Issue.record("\(number) is gone")
    }
  }

  @Test func `A bucket that no page can hold gives no image and no harm`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    try store.withWriter { (_) throws(StoreError) in store.index.pausesGrowth = true }
    let count = 256 * 256
    for number in 0..<count { try store.put("\(number)", "") }
    try store.writeIndexImage()
    #expect(scratch.image() == nil)
    #expect(try !scratch.contents().keys.contains("index.image.new"))
    try store.put("more", "1")
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).count == count + 1)
  }
}
