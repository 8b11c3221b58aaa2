// A past that is retained: compactions keep what its states are made of, and nobody else ever sees it.

import Fenceline
import Foundation
import JournalFormat
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

struct RetentionTests {
  private typealias Model = [[UInt8]: [UInt8]]

  private static func options(retaining bytes: Int) -> StoreOptions {
    var options = StoreOptions.imagedSegments
    options.segmentOptions.smallest = 16 << 10
    options.segmentOptions.largest = 16 << 10
    options.compactsInBackground = false
    options.retainedJournalBytes = bytes
    return options
  }

  /// A life of a store, with every state that it had.
  private final class Run {
    var store: Store
    let scratch: Scratch
    let reader: Store
    var model: Model = [:]
    var states: [UInt64: Model] = [0: [:]]
    var generator: SeededGenerator
    var retention: Int
    private let keys = (0..<60).map { Array("key \($0)".utf8) }

    init(_ medium: TestMedium, retaining bytes: Int, _ label: String) throws {
      generator = SeededGenerator(label: label)
      scratch = try Scratch(medium)
      retention = bytes
      store = try Store.open(at: scratch.store, options: options(retaining: bytes))
      reader = try Store.openReadOnly(at: scratch.store)
    }

    func random(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    func write() throws {
      // Some keys are written all the time, some hardly ever.
      let key = keys[min(random(0..<keys.count), random(0..<keys.count))]
      switch random(0..<10) {
      case 0..<6:
        model[key] = generator.bytes(random(0..<300))
        try store.put(key, model[key] ?? [])
      case 6..<9:
        try store.delete(key)
        model[key] = nil
      default:
        let others = (0..<4).map { _ in keys[random(0..<keys.count)] }
        try store.transaction { (transaction) in
          for other in others { try transaction.put(other, key) }
          try transaction.delete(key)
        }
        for other in others { model[other] = key }
        model[key] = nil
      }
      states[try store.statistics().newestSequence] = model
    }

    func compact() throws {
      var failure: (any Error)?
      _ = try store.compactSome {
        do { for _ in 0..<random(0..<4) { try write() } } catch { failure = error }
      }
      if let failure { throw failure }
    }

    func reopen(retaining bytes: Int) throws {
      if random(0..<2) == 0 {
        try store.close()
      } else {
        // A process that was killed: what it had synced is there.
        try store.sync()
        store.directory.unlock()
      }
      retention = bytes
      store = try Store.open(at: scratch.store, options: options(retaining: bytes))
    }

    /// Compares the present and some of the past with what they were.
    func check(_ moment: String, promised: Bool) throws {
      try store.sync()
      #expect(try store.dictionary() == model, "\(moment)")
      #expect(try reader.dictionary() == model, "\(moment), follower")
      let fresh = try Store.openReadOnly(at: scratch.store)
      #expect(try fresh.dictionary() == model, "\(moment), reader")
      for key in keys { #expect(try fresh.get(key) == model[key], "\(moment)") }
      let (oldest, newest) = fresh.readableSequences
      if promised {
        let first = try #require(fresh.oldestRetainedSequence(within: retention))
        #expect(oldest <= first, "\(moment)")
      }
      for wanted in [oldest]
        + (0..<4).map({ _ in UInt64.random(in: oldest...newest, using: &generator) })
      {
        let past = try Store.openReadOnly(at: scratch.store, asOf: wanted)
        let before = states.keys.filter { $0 <= wanted }.max() ?? 0
        #expect(
          try past.dictionary() == states[before],
          "\(moment), at \(wanted) of \(oldest)...\(newest)"
        )
      }
    }
  }

  @Test(arguments: TestMedium.allCases)
  func `Every state within the window is readable`(medium: TestMedium) throws {
    let run = try Run(medium, retaining: 40_000, "retention")
    var compactedBytes = 0
    for step in 0..<3000 {
      switch run.random(0..<100) {
      case 0..<94: try run.write()
      case 94..<96: try run.compact()
      case 96: try run.store.compact(sealingAlways: run.random(0..<2) == 0)
      case 97: try run.store.writeIndexImage {}
      case 98: try run.store.writeIndexChanges()
      default: try run.reopen(retaining: 40_000)
      }
      if step.isMultiple(of: 100) { try run.check("step \(step)", promised: true) }
    }
    compactedBytes = try run.store.statistics().space.retainedBytes
    try run.store.compact()
    try run.check("end", promised: true)
    // It is no journal that is never compacted.
    #expect(run.store.readableSequences.oldest > 0)
    #expect(compactedBytes < 40_000)
  }

  @Test(arguments: TestMedium.allCases)
  func `What is said to be readable is, however much is retained from opening to opening`(
    medium: TestMedium
  ) throws {
    let run = try Run(medium, retaining: 0, "changing retention")
    for step in 0..<3000 {
      switch run.random(0..<100) {
      case 0..<94: try run.write()
      case 94..<96: try run.compact()
      case 96: try run.store.compact(sealingAlways: true)
      case 97: try run.store.writeIndexImage {}
      case 98: try run.store.writeIndexChanges()
      default: try run.reopen(retaining: [0, 1, 10_000, 60_000, 1 << 40][run.random(0..<5)])
      }
      if step.isMultiple(of: 100) { try run.check("step \(step)", promised: false) }
    }
    try run.reopen(retaining: 0)
    try run.store.compact(sealingAlways: true)
    try run.store.compact(sealingAlways: true)
    // With nothing to retain nothing stays.
    #expect(try run.store.statistics().space.retainedBytes == 0)
    try run.check("end", promised: false)
  }

  @Test
  func `A compaction ends where everything dead is retained, and goes on when it is not any more`()
    throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: Self.options(retaining: 200_000))
    let value = String(repeating: "v", count: 100)
    for number in 0..<1000 { try store.put("key \(number)", value) }
    // The window holds all of these, and of the others not one is the newest.
    for number in 0..<1000 { try store.put("key \(number)", value + "!") }
    for _ in 0..<500 { try store.put("key", value) }
    let first = try store.compact()
    let second = try store.compact()
    #expect(second.copiedBytes == 0 && second.removedSegmentCount == 0)
    #expect(first.deadBytes < 20_000 && second.deadBytes < 20_000)
    func versionCount() throws -> Int {
      let key = Array("key 7".utf8)
      var count = 0
      try store.forEachVersion(of: unsafe key.span.bytes) { (_, _) in
        count += 1
        return .next
      }
      return count
    }
    #expect(try versionCount() == 2)
    for _ in 0..<2500 { try store.put("key", value) }
    try store.compact()
    #expect(try versionCount() == 1)
    let statistics = try store.statistics()
    // Of the one key that the window writes, the version before.
    #expect((100..<200).contains(statistics.space.retainedBytes))
    #expect(statistics.oldestSequence >= 2000)
    // The last 2,500 records and their segments' pages, 1,000 others, a segment in use.
    #expect(statistics.allocatedBytes < 600_000)
  }

  /// The tombstone says nothing any more to readers of the present, since the key is there again.
  @Test func `A delete stays as long as it hides a version that is retained`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: Self.options(retaining: 30_000))
    let filler = String(repeating: "f", count: 1000)
    func fill(_ count: Int, _ name: String) throws {
      for number in 0..<count { try store.put("\(name) \(number % 3)", filler) }
    }
    try store.put("key", "old")
    try fill(40, "a")
    try store.delete("key")
    let deleted = try store.statistics().newestSequence
    try fill(20, "b")
    // The old value is there for the past only, in a compacted segment.
    try store.compact(sealingAlways: true)
    #expect(try store.statistics().space.retainedBytes > 0)
    #expect(try Store.openReadOnly(at: scratch.store, asOf: deleted - 1).get("key") == "old")
    try fill(20, "c")
    try store.put("key", "new")
    let put = try store.statistics().newestSequence
    for name in ["d", "e", "f", "g"] {
      try fill(8, name)
      try store.compact(sealingAlways: true)
      let oldest = try store.statistics().oldestSequence
      for sequence in [max(oldest, deleted), max(oldest, put - 1), put] where sequence >= oldest {
        let expected = sequence >= put ? "new" : nil
        #expect(
          try Store.openReadOnly(at: scratch.store, asOf: sequence).get("key") == expected,
          "\(sequence) of \(oldest)"
        )
      }
    }
  }

  /// Whether a version is the newest before the window, only the segments up to it can say.
  ///
  /// Were it kept although
  /// they can't, the delete that hides it could go first, and the version come back in what is said to be the past.
  @Test func `The past is given up where it is not known which versions it has`() throws {
    let scratch = try Scratch()
    var options = Self.options(retaining: 15_000)
    options.segmentOptions.hashSeed = 1
    let store = try Store.open(at: scratch.store, options: options)
    let filler = String(repeating: "f", count: 1000)
    for name in ["a", "b", "c"] {
      for number in 0..<12 { try store.put("\(name) \(number % 6)", filler) }
    }
    for number in 0..<6 { try store.put("a \(number)", filler) }
    for number in 0..<18 { try store.put("d \(number)", filler) }
    for number in 0..<6 { try store.put("a \(number)", filler) }
    try store.sync()
    // Between what is compacted and the window.
    let damaged = try #require(store.map.segments.dropLast(3).last)
    let file = try FileHandle(
      forUpdating: URL(filePath: scratch.store.string)
        .appending(path: SegmentName.name(of: damaged.header.segmentID))
    )
    try file.seek(toOffset: UInt64(SegmentField.journalStart + RecordField.headerCheck))
    try file.write(contentsOf: [0x55, 0xaa])
    try file.close()
    let before = try store.statistics().newestSequence
    _ = try? store.compact()
    let oldest = try store.statistics().oldestSequence
    #expect(oldest == before)
    #expect(try store.statistics().space.retainedBytes == 0)
  }

  @Test func `What is kept for the past is not seen by readers that follow`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: Self.options(retaining: 20_000))
    let reader = try Store.openReadOnly(at: scratch.store)
    let filler = String(repeating: "f", count: 1000)
    for round in 0..<30 {
      for number in 0..<20 { try store.put("key \(number)", "\(round) \(filler)") }
      if round.isMultiple(of: 3) { try store.delete("key \(round % 20)") }
      try store.compact(sealingAlways: true)
      try store.sync()
      #expect(try reader.dictionary() == store.dictionary())
      for number in 0..<20 {
        #expect(try reader.get("key \(number)") == store.get("key \(number)"))
      }
    }
    #expect(try store.statistics().space.retainedBytes > 0)
  }
}
