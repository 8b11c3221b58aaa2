// Calls of the system that fail once, or from then on: an error that says what happened, and no answer that
// is out of date without one.

import Foundation
import JournalFormat
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct FailedCallTests {
  private static let value = String(repeating: "v", count: 500)

  /// Asks until the reader looks again: it does so once a millisecond, as a coarse clock counts them.
  private static func wait(_ body: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<500 {
      if try body() { return true }
      usleep(2000)
    }
    return false
  }

  /// A reader that could not open the segment that follows took note of the news all the same, and
  /// never looked again: one failed call, and it showed the old state for ever.
  @Test func `A reader that can't go on says why, and goes on as soon as it can`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("a", "1", durability: .durable)
    let directory = try FailingDirectory(scratch.store, writable: false)
    let reader = try Store(readingIn: directory, options: StoreOptions())
    #expect(try reader.get("a") == "1")
    for number in 0..<100 { try store.put("key \(number)", Self.value) }
    try store.put("a", "2", durability: .durable)
    directory.fail("open", with: .tooManyOpenFiles)
    let error = StoreError.system(
      operation: "open",
      path: scratch.store,
      cause: .tooManyOpenFiles
    )
    for _ in 0..<3 {
      #expect(throws: error) { try reader.get("a") }
      #expect(throws: error) { try reader.count }
      #expect(throws: error) { try reader.dictionary() }
      usleep(10_000)
    }
    directory.fail("open", with: nil)
    #expect(Self.wait { (try? reader.get("a")) == "2" })
    #expect(try reader.count == 101)
  }

  /// Keys were pointed to the whole records of a compacted segment, and its sources were let go all the
  /// same: keys whose copies could not be read led to memory that was gone.
  @Test func `A reader keeps the sources of a compacted segment that is damaged`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<200 { try store.put("key \(number % 40)", Self.value) }
    try store.put("last", "1", durability: .durable)
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try reader.count == 41)
    for number in 0..<200 { try store.put("key \(number % 30)", Self.value) }
    try store.sync()
    #expect(try reader.get("key 29") == Self.value)
    try store.compact()
    try store.put("last", "2", durability: .durable)
    let compacted = try #require(store.map.segments.first { $0.header.compaction != nil })
    let name = SegmentName.name(of: compacted.header.segmentID)
    let whole = try Data(contentsOf: scratch.url(name))
    let middle = (compacted.header.compaction?.end ?? 0) / 2
    try scratch.change(name, at: middle, to: whole[middle] ^ 1)
    #expect(try reader.get("last") == "2")
    for number in 0..<40 { #expect(try reader.get("key \(number)") == Self.value) }
    try scratch.change(name, at: middle, to: whole[middle])
    for number in 0..<100 { try store.put("other \(number)", Self.value) }
    try store.put("last", "3", durability: .durable)
    #expect(Self.wait { (try? reader.get("last")) == "3" })
    for number in 0..<40 { #expect(try reader.get("key \(number)") == Self.value) }
  }

  /// "Full" says that nothing has changed and that the handle goes on; behind a failed rotation neither
  /// holds, and the next call said "poisoned" without a cause.
  @Test(arguments: ["rename", "fsync"])
  func `Where no room poisons the handle the error does not say full`(operation: String) throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    let store = try Store(writingIn: directory, options: .smallSegments)
    directory.fail(operation, with: .noSpace)
    let error = #expect(throws: StoreError.self) {
      for number in 0..<1000 { try store.put("key \(number)", Self.value, durability: .durable) }
    }
    #expect(error == .system(operation: operation, path: scratch.store, cause: .noSpace))
    #expect(throws: StoreError.poisoned) { try store.put("a", "b") }
  }

  /// A compaction whose name may not be durable went on as if nothing had been: the next one made
  /// another segment that stands for the same ones.
  @Test func `A compaction whose name can't be made durable ends all writing`() throws {
    let scratch = try Scratch()
    do {
      let directory = try FailingDirectory(scratch.store)
      let store = try Store(writingIn: directory, options: .smallSegments)
      for number in 0..<200 { try store.put("key \(number % 40)", Self.value) }
      try store.sync()
      directory.fail("fsync", with: .ioError)
      let error = StoreError.system(operation: "fsync", path: scratch.store, cause: .ioError)
      #expect(throws: error) { try store.compact() }
      directory.fail("fsync", with: nil)
      #expect(throws: StoreError.poisoned) { try store.put("a", "b") }
      #expect(throws: StoreError.poisoned) { try store.compact() }
      #expect(try store.get("key 39") == Self.value)
    }
    let store = try Store.open(at: scratch.store)
    for number in 0..<40 { #expect(try store.get("key \(number)") == Self.value) }
    #expect(try store.count == 40)
  }

  /// An image that does not fit might seem to fit another history later; one that could not be removed
  /// was left there without a word.
  @Test(arguments: [IndexImage.fileName, ChangeFile.name(of: 1)])
  func `A store with an image that can't be removed is not opened for writing`(
    name: String
  ) throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    try Data(repeating: 7, count: 8192).write(to: scratch.url(name))
    do {
      let directory = try FailingDirectory(scratch.store)
      directory.fail("unlink", with: .permissionDenied)
      let error = StoreError.system(
        operation: "unlink",
        path: scratch.store,
        cause: .permissionDenied
      )
      #expect(throws: error) { try Store(writingIn: directory, options: StoreOptions()) }
    }
    let store = try Store.open(at: scratch.store)
    #expect(try store.get("a") == "1")
    #expect(!FileManager.default.fileExists(atPath: scratch.url(name).path))
  }

  /// The zeros in the place of a page that could not be read were taken for damage, and only behind
  /// that, if at all, for what they are.
  @Test func `An opening beside a page that can't be read names the page`() throws {
    let scratch = try Scratch()
    do {
      let store = try Store.open(at: scratch.store)
      for number in 0..<100 { try store.put("key \(number)", Self.value) }
      try store.close()
    }
    let file = scratch.store.appending("00000001.segment")
    let directory = try CuttingDirectory(scratch.store, to: 16384)
    let error = #expect(throws: StoreError.self) {
      try Store(writingIn: directory, options: StoreOptions())
    }
    #expect(error == .mediaError(file: file, offset: 16384))
  }
}

/// A directory whose files lose what is behind an offset as soon as they are mapped.
private final class CuttingDirectory: StoreDirectory {
  private let base: FileSystemDirectory
  private let length: Int

  init(_ path: FilePath, to length: Int) throws {
    base = try FileSystemDirectory(path: path, writable: true, guardsReads: true)
    self.length = length
  }

  var path: FilePath { base.path }
  var medium: MediumDescription { base.medium }
  func names() throws(MediumError) -> [String] { try base.names() }
  func unlock() { base.unlock() }
  func synchronizeName() throws(MediumError) { try base.synchronizeName() }
  func synchronizeSegment(named name: String) throws(MediumError) {
    try base.synchronizeSegment(named: name)
  }
  func setReserve(_ length: Int) throws(MediumError) { try base.setReserve(length) }
  func allocatedBytes() throws(MediumError) -> Int { try base.allocatedBytes() }
  func openSegment(named name: String, writable: Bool) throws(MediumError) -> SegmentFile {
    let file = try base.openSegment(named: name, writable: writable)
    unsafe _ = truncate(path.appending(name).string, length)
    return file
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
  func synchronize() throws(MediumError) { try base.synchronize() }
}

extension Scratch {
  /// Changes one byte of a file in its place, which a mapping shows.
  fileprivate func change(_ name: String, at offset: Int, to byte: UInt8) throws {
    let file = try FileDescriptor.open(store.appending(name), .writeOnly)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: Int64(offset), [byte]) }
  }
}
