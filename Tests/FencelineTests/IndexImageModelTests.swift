// Stores with images that are new, old or of another moment, against a dictionary and against openings
// that have none.

import Fenceline
import Foundation
import JournalFormat
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct IndexImageModelTests {
  /// A store, what it should hold, and images of its past.
  private final class Run {
    let scratch: Scratch
    var store: Store
    var model: [[UInt8]: [UInt8]] = [:]
    var generator: SeededGenerator
    var step = 0
    var oldImages: [Data] = []
    /// Images that openings used, and files of changes.
    var usedCount = 0
    var usedChanges = 0
    static let keyCount = 120

    init(_ medium: TestMedium, _ generator: SeededGenerator) throws {
      scratch = try Scratch(medium)
      self.generator = generator
      store = try Store.open(at: scratch.store, options: .imagedSegments)
    }

    static func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }
    static let allKeys = (0..<keyCount + 5).map(key)

    func random(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    func write() throws {
      let key = Self.key(random(0..<Self.keyCount))
      switch random(0..<10) {
      case 0..<6: try put(key)
      case 6..<9:
        try store.delete(key)
        model[key] = nil
      default:
        let keys = (0..<5).map { _ in Self.key(random(0..<Self.keyCount)) }
        let value = Array("\(step) of a transaction".utf8)
        try store.transaction { (transaction) in
          for (number, key) in keys.enumerated() {
            if number == 2 { try transaction.delete(key) } else { try transaction.put(key, value) }
          }
        }
        for (number, key) in keys.enumerated() { model[key] = number == 2 ? nil : value }
      }
    }

    private func put(_ key: [UInt8]) throws {
      let value = Array("\(step)".utf8) + [UInt8](repeating: 120, count: random(0..<300))
      try store.put(key, value)
      model[key] = value
    }

    func writeImage(writesMeanwhile: Bool) throws {
      var failure: (any Error)?
      try store.writeIndexImage {
        do { if writesMeanwhile { try writeMeanwhile() } } catch { failure = error }
      }
      if let failure { throw failure }
      if let image = scratch.image() { oldImages.append(image) }
    }

    private func writeMeanwhile() throws {
      for _ in 0..<random(0..<60) { try write() }
      // A key that was there or not comes, goes, and perhaps comes back.
      let key = Self.key(random(0..<Self.keyCount))
      try put(key)
      try store.delete(key)
      if random(0..<2) == 0 { try put(key) } else { model[key] = nil }
    }

    func compactSomething() throws {
      var policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
      policy.smallestDeadShare = Double.random(in: 0...0.9, using: &generator)
      policy.largestRun = random(4096..<40_000)
      var failure: (any Error)?
      _ = try store.maintenance.withImages { (images) throws(StoreError) in
        try store.maintenance.compactor.step(policy, sparing: images.segmentsOfMaking) {
          do {
            for _ in 0..<random(0..<4) { try write() }
            if random(0..<3) == 0 { try images.imager.changes.write() }
          } catch {
            failure = error
          }
        }
      }
      if let failure { throw failure }
    }

    /// Ends the handle in some way and opens another one.
    func reopen() throws {
      if random(0..<2) == 0 {
        try store.close()
      } else {
        // A process that was killed: what it had synced is there.
        try store.sync()
        store.directory.unlock()
      }
      if random(0..<3) == 0, let image = oldImages.randomElement(using: &generator) {
        try scratch.putImage(image)
      }
      let used = try expectSameWithoutImage(scratch, model, absent: Self.allKeys, "step \(step)")
      if used { usedCount += 1 }
      let copy = try scratch.copyOfFiles()
      defer { try? FileManager.default.removeItem(atPath: copy.string) }
      try? FileManager.default.removeItem(atPath: copy.appending(IndexImage.fileName).string)
      let plain = try Store.open(at: copy, options: .imagedSegments)
      store = try Store.open(at: scratch.store, options: .imagedSegments)
      usedChanges += store.recovery.changeFileCount
      show(store, model, absent: Self.allKeys, "step \(step), writer")
      #expect(try store.dictionary() == model, "step \(step), writer")
      #expect(store.usage == plain.usage, "step \(step), writer")
      let live = try [store, plain].map { try $0.statistics().space.liveBytes }
      #expect(live[0] == live[1], "step \(step), writer")
    }
  }

  @Test(arguments: TestMedium.allCases)
  func `Random writes, images, compactions and openings give the same with images as without`(
    medium: TestMedium
  ) throws {
    let run = try Run(medium, SeededGenerator(label: "index images"))
    for step in 0..<2000 {
      run.step = step
      switch run.random(0..<100) {
      case 0..<88: try run.write()
      case 88..<90: try run.store.writeIndexChanges()
      case 90..<94: try run.writeImage(writesMeanwhile: true)
      case 94: try run.writeImage(writesMeanwhile: false)
      case 95 where run.random(0..<2) == 0: try run.store.writeIndexChanges()
      case 95: try run.store.compact(sealingAlways: true)
      case 96: try run.compactSomething()
      default: try run.reopen()
      }
    }
    try run.reopen()
    #expect(run.usedCount > 3)
    #expect(run.usedChanges > 3)
    try run.store.close()
    #expect(try Store.verify(at: run.scratch.store).isSound)
  }

  /// Keys are deleted while the image is made, so that it has the words of some of them, and come back.
  ///
  /// Then a compaction drops the deletes. What their first records were is no longer counted when the
  /// image is made, and must not be counted out again.
  @Test func `What went while an image was made is counted out once`() throws {
    let scratch = try Scratch()
    var model: [[UInt8]: [UInt8]] = [:]
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      func put(_ numbers: Range<Int>, _ value: [UInt8]) throws(StoreError) {
        for number in numbers {
          try store.put(Run.key(number), value)
          model[Run.key(number)] = value
        }
      }
      func seal() throws(StoreError) {
        try store.withWriter { (journal) throws(StoreError) in
          try journal.sealForCompaction(always: true)
        }
      }
      try put(0..<40, [UInt8](repeating: 1, count: 200))
      try put(0..<1, [1])
      try seal()
      try put(50..<70, [UInt8](repeating: 2, count: 300))
      try store.writeIndexImage { () throws(StoreError) in
        for number in 0..<8 { try store.delete(Run.key(number)) }
      }
      try put(50..<70, [3])
      try seal()
      try put(0..<8, [4])
      var policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
      policy.smallestDeadShare = 0.6
      policy.toleratedTombstoneShare = 1
      let step = try store.maintenance.step(policy)
      #expect(step?.sourceCount == 1)
      #expect(store.map.segments.map(\.header.segmentID) == [1, 4, 3])
      try store.close()
    }
    try expectSameWithoutImage(scratch, model, "deleted meanwhile, beside changes")
    for number in try scratch.changeFiles() {
      try FileManager.default.removeItem(at: scratch.url(ChangeFile.name(of: number)))
    }
    // The image is loaded: what segments hold is counted anew.
    #expect(try !expectSameWithoutImage(scratch, model, "deleted meanwhile"))
    #expect(try Store.openReadOnly(at: scratch.store).recovery.recordCount < 100)
  }
}
