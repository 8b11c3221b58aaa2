// Space comes back, nothing else changes.

import Fenceline
import Foundation
import JournalFormat
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline
@testable import PersistentMemory

struct CompactionTests {
  private static let value = String(repeating: "v", count: 100)

  /// Their digest, with two numbers for each gap, took more than a compaction had counted with.
  @Test(.timeLimit(.minutes(1)))
  func `A compaction of a few small records that stood far apart ends`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for count in stride(from: 90, to: 130, by: 5) {
      for number in 0..<count {
        try store.put(Array("few \(number)".utf8), [1])
        for other in 0..<3 { try store.put(Array("other".utf8), [UInt8(other)]) }
      }
      var steps = 0
      try store.compact(sealingAlways: true) { (_) in
        steps += 1
        return steps < 100
      }
      #expect(steps < 100, "\(count) records")
    }
  }

  @Test(arguments: TestMedium.allCases)
  func `After every key was overwritten five times, compaction gives the old versions' space back`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for round in 0..<6 {
      for key in 0..<2000 { try store.put("key \(key)", "\(round) \(Self.value)") }
    }
    let before = try store.statistics().allocatedBytes
    let done = try store.compact(sealingAlways: true)
    let after = try store.statistics().allocatedBytes
    #expect(done.freedBytes > 0 && after < before / 3)
    // A record takes about 136 bytes.
    // ...and a page of every segment of 16 KiB goes to its header.
    #expect(after < 2000 * 136 * 17 / 10)
    for key in 0..<2000 { #expect(try store.get("key \(key)") == "5 \(Self.value)") }
    let contents = try store.dictionary()
    try store.close()
    #expect(try Store.verify(at: scratch.store).isSound)
    #expect(try Store.openReadOnly(at: scratch.store).dictionary() == contents)
    #expect(try Store.open(at: scratch.store, options: .smallSegments).dictionary() == contents)
  }

  /// What is counted wrongly of sources is not to be seen any more when they are gone.
  @Test func `When all copies are adopted, nothing of their sources counts`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for round in 0..<2 {
      for key in stride(from: 0, to: 400, by: 1 + round) { try store.put("key \(key)", Self.value) }
    }
    let policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
    let before = Dictionary(
      uniqueKeysWithValues: store.map.segments.map { ($0.header.segmentID, $0.usage) }
    )
    var left: [UInt32: Int] = [:]
    let step = try #require(
      try store.maintenance.compactor.step(policy) { left = before.mapValues(\.liveBytes) }
    )
    let remaining = Set(store.map.segments.map(\.header.segmentID))
    let sources = before.keys.filter { !remaining.contains($0) }
    #expect(step.copiedBytes > 0 && sources.count == step.sourceCount)
    #expect(sources.allSatisfy { left[$0] == 0 })
  }

  @Test(arguments: TestMedium.allCases)
  func `A store from which everything was deleted shrinks below 1 MiB`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    var options = StoreOptions()
    options.compactsInBackground = false
    let store = try Store.open(at: scratch.store, options: options)
    for key in 0..<40_000 { try store.put("key \(key)", Self.value) }
    for key in 0..<40_000 { try store.delete("key \(key)") }
    try store.compact()
    #expect(try store.directory.allocatedBytes() < 1 << 20)
    #expect(try store.count == 0)
    try store.close()
    let again = try Store.open(at: scratch.store, options: options)
    #expect(try again.count == 0)
    #expect(try again.get("key 7") == nil)
  }

  // A delete record outlives its segment as long as an older segment holds what it removed.
  @Test func `A delete does not come undone when its own segment is compacted first`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let old = (0..<100).map { "old \($0)" }
    for key in old { try store.put(key, Self.value) }
    // The segments with the deletes are the ones with most dead bytes.
    for key in old.prefix(60) { try store.delete(key) }
    for _ in 0..<400 { try store.put("hot", Self.value) }
    var policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
    policy.smallestDeadShare = 0.6
    while let step = try store.maintenance.step(policy), step.sourceCount > 0 {}
    try store.sync()
    let reopened = try Store.openReadOnly(at: scratch.store)
    for key in old.prefix(60) { #expect(try reopened.get(key) == nil) }
    #expect(try reopened.count == 41)
    // Then the old ones go, and the delete records with them.
    try store.compact(sealingAlways: true)
    try store.compact(sealingAlways: true)
    #expect(store.map.segments.reduce(0) { $0 + $1.usage.tombstoneBytes } == 0)
    #expect(try Store.openReadOnly(at: scratch.store).count == 41)
  }

  // Whatever is left behind by a crash after the compacted segment has its name is covered by it.
  @Test func `Sources that could not be removed are history no more`() throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    do {
      let store = try Store(writingIn: directory, options: .smallSegments)
      for round in 0..<3 {
        for key in 0..<200 { try store.put("key \(key)", "\(round) \(Self.value)") }
      }
      for key in 0..<50 { try store.delete("key \(key)") }
      directory.fail("unlink", with: .ioError)
      #expect(throws: StoreError.self) { try store.compact(sealingAlways: true) }
      try store.put("another", "one")
      try store.sync()
      directory.unlock()
    }
    let names = try scratch.contents().keys.filter { $0.hasSuffix(".segment") }
    let read = try Store.openReadOnly(at: scratch.store)
    #expect(try read.count == 151)
    #expect(read.map.segments.count < names.count)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    #expect(try store.count == 151)
    #expect(try scratch.contents().keys.filter { $0.hasSuffix(".segment") }.count < names.count)
    for key in 50..<200 { #expect(try store.get("key \(key)") == "2 \(Self.value)") }
  }

  @Test func `A segment that can't be read is left as it is, and said`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for round in 0..<4 {
      for key in 0..<200 { try store.put("key \(key)", "\(round) \(Self.value)") }
    }
    try store.put("rare", "value")
    for round in 4..<8 {
      for key in 0..<200 { try store.put("key \(key)", "\(round) \(Self.value)") }
    }
    var place: EntryLocation?
    try store.forEach(prefix: Array("rare".utf8)) { _, _, location in
      place = location
      return .stop
    }
    let damaged = try #require(place)
    let name = SegmentName.name(of: damaged.segment)
    // In place: the store's mapping shows it.
    let file = try FileHandle(forUpdating: scratch.url(name))
    try file.seek(toOffset: UInt64(damaged.valueOffset))
    try file.write(contentsOf: Data([0xff]))
    try file.close()
    let before = store.map.segments.count
    #expect(throws: StoreError.self) { try store.compact(sealingAlways: true) }
    #expect(store.map.segments.count < before)
    #expect(try scratch.contents().keys.contains(name))
    #expect(throws: StoreError.self) { try store.get("rare") }
    for key in 0..<200 { #expect(try store.get("key \(key)") == "7 \(Self.value)") }
    // Nothing is tried again and again.
    #expect(try store.compact().copiedBytes == 0)
  }

  // Undamaged keys answer, damaged ones give the error, whatever byte of whichever segment it hits.
  @Test func `No flipped byte of a compacted store gives a wrong answer`() throws {
    let scratch = try Scratch()
    var options = StoreOptions.smallSegments
    options.segmentOptions.smallest = 8192
    options.segmentOptions.largest = 8192
    do {
      let store = try Store.open(at: scratch.store, options: options)
      for round in 0..<4 {
        for key in 0..<40 { try store.put("key \(key)", "\(round) \(Self.value)") }
        try store.transaction { (transaction) in
          for key in 40..<44 { try transaction.put("key \(key)", "\(round)") }
        }
        for key in 44..<50 { try store.put("key \(key)", "gone") }
      }
      for key in 44..<50 { try store.delete("key \(key)") }
      try store.compact(sealingAlways: true)
      try store.put("last", "one")
      try store.close()
    }
    let expected = try Store.openReadOnly(at: scratch.store).dictionary()
    #expect(expected.count == 45)
    var refusedCount = 0
    var imageCount = 0
    for (name, contents) in try scratch.contents() where name.hasSuffix(".segment") {
      for offset in stride(from: 0, to: contents.count, by: 7) {
        let file = try FileHandle(forUpdating: scratch.url(name))
        defer { try? file.close() }
        func write(_ byte: UInt8) throws {
          try file.seek(toOffset: UInt64(offset))
          try file.write(contentsOf: Data([byte]))
        }
        try write(contents[offset] ^ 0x10)
        imageCount += 1
        let damaged = try Store.openReadOnly(at: scratch.store)
        for (key, value) in expected {
          do {
            let found = try damaged.get(key)
            #expect(found == value, "\(name) at \(offset): \(String(decoding: key, as: UTF8.self))")
          } catch { refusedCount += 1 }
        }
        for key in 44..<50 {
          if let found = try? damaged.get("key \(key)") {
            Issue.record("\(name) at \(offset): key \(key) is back: \(found)")
          }
        }
        try write(contents[offset])
      }
    }
    // Less than one key in ten for each byte; most bytes are free, headers stand twice.
    #expect(imageCount > 1000 && refusedCount < imageCount * expected.count / 10)
    #expect(try Store.openReadOnly(at: scratch.store).dictionary() == expected)
  }

  @Test(arguments: TestMedium.allCases)
  func `Random writes, compactions and openings leave what a dictionary holds`(
    medium: TestMedium
  ) throws {
    var generator = SeededGenerator(label: "compaction")
    let scratch = try Scratch(medium)
    var model: [String: String] = [:]
    var store = try Store.open(at: scratch.store, options: .smallSegments)
    for step in 0..<3000 {
      let key = "key \(Int.random(in: 0..<150, using: &generator))"
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<60:
        let length = Int.random(in: 0..<300, using: &generator)
        let value = "\(step)" + String(repeating: "x", count: length)
        try store.put(key, value)
        model[key] = value
      case 60..<85:
        try store.delete(key)
        model[key] = nil
      case 85..<94:
        let others = (0..<5).map { _ in "key \(Int.random(in: 0..<150, using: &generator))" }
        try store.transaction { transaction in
          for (number, other) in others.enumerated() {
            if number == 2 {
              try transaction.delete(other)
            } else {
              try transaction.put(other, "\(step) of a transaction")
            }
          }
        }
        for (number, other) in others.enumerated() {
          model[other] = number == 2 ? nil : "\(step) of a transaction"
        }
      case 94..<97:
        var policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
        policy.smallestDeadShare = Double.random(in: 0...0.9, using: &generator)
        policy.largestRun = Int.random(in: 4096...40_000, using: &generator)
        _ = try store.maintenance.step(policy)
      case 97: try store.compact(sealingAlways: true)
      case 98:
        try store.close()
        store = try Store.open(at: scratch.store, options: .smallSegments)
      default:
        // A process that was killed: what it had synced is there.
        try store.sync()
        store.directory.unlock()
        store = try Store.open(at: scratch.store, options: .smallSegments)
      }
      if step.isMultiple(of: 50) {
        #expect(try store.strings() == model)
        try expectExactCounts(store)
      }
    }
    #expect(try store.strings() == model)
    try store.close()
    #expect(try Store.verify(at: scratch.store).isSound)
  }

  @Test func `A medium that is full of old versions takes new ones`() throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    var options = StoreOptions.smallSegments
    options.segmentOptions.smallest = 64 << 10
    options.segmentOptions.largest = 64 << 10
    let store = try Store(writingIn: directory, options: options)
    for round in 0..<4 {
      for key in 0..<300 { try store.put("key \(key)", "\(round) \(Self.value)") }
    }
    // Room for what compactions give back, and for nothing else.
    directory.limitSegments()
    for round in 4..<20 {
      for key in 0..<300 { try store.put("key \(key)", "\(round) \(Self.value)") }
    }
    #expect(try store.count == 300)
    for key in 0..<300 { #expect(try store.get("key \(key)") == "19 \(Self.value)") }
  }

  @Test func `The background thread keeps space within bounds and settles`() throws {
    let scratch = try Scratch()
    var options = StoreOptions()
    options.segmentOptions.largest = 256 << 10
    let store = try Store.open(at: scratch.store, options: options)
    for round in 0..<40 {
      for key in 0..<5000 { try store.put("key \(key)", "\(round) \(Self.value)") }
    }
    let live = 5000 * 136
    var allocated = Int.max
    for _ in 0..<100 where allocated > live * 17 / 10 {
      Thread.sleep(forTimeInterval: 0.1)
      allocated = try store.directory.allocatedBytes()
    }
    // A segment of 256 KiB and the reserve are a third of this little store.
    #expect(allocated <= live * 17 / 10)
    for key in 0..<5000 { #expect(try store.get("key \(key)") == "39 \(Self.value)") }
    try store.close()
    #expect(try Store.verify(at: scratch.store).isSound)
  }

  @Test func `Readers see every key at every moment of a compaction`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let count = 400
    for key in 0..<count { try store.put("key \(key)", "0") }
    let isDone = Atomic<Bool>(false)
    let failures = Atomic<Bool>(false)
    let readers = ThreadGroup()
    for reader in 0..<2 {
      readers.run {
        var newest = [Int](repeating: 0, count: count)
        var key = reader
        while !isDone.load(ordering: .relaxed) {
          key = (key + 7) % count
          guard let text = try? store.get("key \(key)"), let value = Int(text),
            value >= newest[key]
          else {
            failures.store(true, ordering: .relaxed)
            return
          }
          newest[key] = value
        }
      }
    }
    for round in 1..<60 {
      for key in 0..<count { try store.put("key \(key)", "\(round)") }
      try store.compact(sealingAlways: true)
    }
    isDone.store(true, ordering: .relaxed)
    readers.wait()
    let hasFailed = failures.load(ordering: .relaxed)
    #expect(!hasFailed)
    #expect(store.map.segments.count < 16)
  }
}

/// The counters of every segment are what a fresh opening counts.
private func expectExactCounts(_ store: Store) throws {
  try store.sync()
  let fresh = try Store.openReadOnly(at: store.path)
  let counted = store.map.segments.map { [$0.usage.liveBytes, $0.usage.tombstoneBytes] }
  let expected = fresh.map.segments.map { [$0.usage.liveBytes, $0.usage.tombstoneBytes] }
  #expect(counted == expected)
}

extension Store {
  fileprivate func strings() throws -> [String: String] {
    try dictionary().reduce(into: [:]) {
      $0[String(decoding: $1.key, as: UTF8.self)] = String(decoding: $1.value, as: UTF8.self)
    }
  }
}
