// A reader opens while a writer gives segments their names: what it has listed is of an earlier moment than
// what it reads in the files.

import Fenceline
import Foundation
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

/// A directory that was listed some time ago; everything else is of now.
private final class ListedBefore: StoreDirectory {
  private let base: FileSystemDirectory
  /// What the next listing gives.
  private let earlier: Mutex<[String]?>

  init(_ path: FilePath, names: [String]) throws {
    base = try FileSystemDirectory(path: path, writable: false, guardsReads: true)
    earlier = Mutex(names)
  }

  var path: FilePath { base.path }
  var medium: MediumDescription { base.medium }

  func names() throws(MediumError) -> [String] {
    if let names = earlier.withLock({ $0.take() }) { return names }
    return try base.names()
  }

  func openSegment(named name: String, writable: Bool) throws(MediumError) -> SegmentFile {
    try base.openSegment(named: name, writable: writable)
  }

  func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    try base.createSegment(named: name, length: length)
  }

  func publishSegment(named name: String, replacing: Bool) throws(MediumError) {
    try base.publishSegment(named: name, replacing: replacing)
  }

  func removeSegment(named name: String) throws(MediumError) {
    try base.removeSegment(named: name)
  }

  func setReserve(_ length: Int) throws(MediumError) { try base.setReserve(length) }
  func allocatedBytes() throws(MediumError) -> Int { try base.allocatedBytes() }
  func synchronize() throws(MediumError) { try base.synchronize() }
  func synchronizeName() throws(MediumError) { try base.synchronizeName() }
  func synchronizeSegment(named name: String) throws(MediumError) {
    try base.synchronizeSegment(named: name)
  }
  func unlock() { base.unlock() }
}

struct OpeningBesideWriterTests {
  /// Numbers are given out before names are.
  ///
  /// A segment that is made ahead has its number while a compaction takes the next one and is done first. A reader that listed the directory then, and read
  /// the newest segment when that was followed already, found nobody with a higher number than all that
  /// it knew, and took the successor, which was there, for missing.
  @Test(arguments: TestMedium.allCases)
  func `A successor whose number is lower than a compacted segment's is not missed`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    var options = StoreOptions.smallSegments
    options.segmentOptions.smallestPrepared = 1
    options.segmentOptions.preparesInBackground = false
    // Without a thread of its own: that one gives back what was made ahead as soon as nobody writes.
    options.writesIndexImages = false
    let store = try Store.open(at: scratch.store, options: options)
    let value = String(repeating: "v", count: 1000)
    // Dead records, in sealed segments, and one more segment made ahead.
    for number in 0..<40 { try store.put("key \(number % 4)", value) }
    let prepared = try #require(try names(scratch).first { $0.hasSuffix(".segment.new") })
    let successor = String(prepared.dropLast(4))
    #expect(try store.compactSome(meanwhile: {}))
    let listed = try names(scratch)
    let highest = try #require(listed.last { $0.hasSuffix(".segment") })
    try #require(highest > successor && listed.contains(prepared))
    var count = 0
    while try !names(scratch).contains(successor) {
      try store.put("later \(count)", value)
      count += 1
      try #require(count < 100)
    }
    try store.sync()
    let reader = try Store(
      readingIn: try ListedBefore(scratch.store, names: listed),
      options: StoreOptions()
    )
    #expect(reader.verificationAtOpening.findings == [])
    for number in 0..<4 { #expect(try reader.get("key \(number)") == value) }
    for number in 0..<count { #expect(try reader.get("later \(number)") == value) }
    #expect(try reader.count == 4 + count)
  }

  /// What a mark says was asked for twice.
  ///
  /// A reader read the newest segment up to where it ended then, and asked its mark whether there is more: no. While it looked,
  /// the writer filled the segment and marked it as followed. The reader asked the mark once more, where the
  /// segment has to end: behind what it had read, so it took the rest for lost.
  @Test(arguments: TestMedium.allCases)
  func `A segment that is filled while it is read is not taken for damaged`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store)
    let isOver = Atomic<Bool>(false)
    let faults = Atomic<Int>(0)
    let threads = ThreadGroup()
    threads.run {
      while !isOver.load(ordering: .relaxed) {
        do {
          // Much behind the end has to be looked through, and the end comes soon.
          for value in ["one", "two"] { try store.put("key", value) }
          try store.compact(sealingAlways: true)
        } catch { faults.add(1, ordering: .relaxed) }
      }
    }
    for _ in 0..<100 {
      let reader = try Store.openReadOnly(at: scratch.store)
      #expect(reader.verificationAtOpening.findings == [])
    }
    isOver.store(true, ordering: .relaxed)
    threads.wait()
    #expect(faults.load(ordering: .relaxed) == 0)
  }

  private func names(_ scratch: Scratch) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.store.string).sorted()
  }
}
