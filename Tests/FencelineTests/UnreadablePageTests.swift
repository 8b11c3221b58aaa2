// Pages of a store's files that can't be read any more, met by an opening.

import Foundation
import JournalFormat
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

/// A directory for reading whose mappings have pages that raise SIGBUS, as failing memory does.
private final class FailingMemory: StoreDirectory {
  let base: FileSystemDirectory
  private let failing: [String: [Int]]

  /// - Parameters:
  ///   - path: the store's directory.
  ///   - failing: offsets of pages, by file.
  /// - Throws: as the directory itself does.
  init(_ path: FilePath, failing: [String: [Int]]) throws {
    base = try FileSystemDirectory(path: path, writable: false, guardsReads: true)
    self.failing = failing
  }

  var path: FilePath { base.path }
  var medium: MediumDescription { base.medium }
  func names() throws(MediumError) -> [String] { try base.names() }
  func unlock() { base.unlock() }
  func allocatedBytes() throws(MediumError) -> Int { try base.allocatedBytes() }

  func openSegment(named name: String, writable: Bool) throws(MediumError) -> SegmentFile {
    let file = try base.openSegment(named: name, writable: writable)
    for offset in failing[name] ?? [] {
      // What lies behind the end of a file can be mapped, but not read.
      let unnamed = "/dev/shm/fenceline-test-\(UUID().uuidString)"
      let empty = unsafe open(unnamed, O_RDWR | O_CREAT, 0o600)
      unsafe _ = unlink(unnamed)
      // SAFETY: one whole page of the mapping that the file owns, and unmaps with the rest.
      let page = unsafe UnsafeMutableRawPointer(mutating: file.mappedBase) + offset
      let mapped = unsafe mmap(page, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, empty, 0)
      precondition(unsafe mapped == page)
      close(empty)
    }
    return file
  }

  // Nothing else is asked of a directory for reading.
  func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    throw Self.notAsked(path)
  }
  func publishSegment(named name: String, replacing: Bool) throws(MediumError) {
    throw Self.notAsked(path)
  }
  func removeSegment(named name: String) throws(MediumError) { throw Self.notAsked(path) }
  func setReserve(_ length: Int) throws(MediumError) { throw Self.notAsked(path) }
  func synchronize() throws(MediumError) { throw Self.notAsked(path) }
  func synchronizeName() throws(MediumError) { throw Self.notAsked(path) }
  func synchronizeSegment(named name: String) throws(MediumError) { throw Self.notAsked(path) }

  private static func notAsked(_ path: FilePath) -> MediumError {
    MediumError(operation: "write", path: path, cause: .readOnlyFileSystem)
  }
}

struct UnreadablePageTests {
  private static let name = "00000001.segment"
  private static let value = String(repeating: "v", count: 200)

  /// A store of one segment with 400 keys, each committed by itself.
  private func makeStore(_ scratch: Scratch, closes: Bool) throws -> FilePath {
    let store = try Store.open(at: scratch.store)
    for number in 1000..<1400 { try store.put("key\(number)", Self.value, durability: .durable) }
    if closes {
      try store.close()
      return scratch.store
    }
    return try scratch.copyOfFiles()
  }

  /// A store that was closed in order answered nothing at all.
  ///
  /// In a virtual machine, with a bad block in the middle of its newest segment: a page that could not be
  /// read passed for a segment of which nothing is known. Overwritten by other bytes, the same page had cost
  /// its own keys only.
  @Test(arguments: [true, false])
  func `A page in the middle of the newest segment costs its own keys`(closes: Bool) throws {
    let scratch = try Scratch()
    let path = try makeStore(scratch, closes: closes)
    let directory = try FailingMemory(path, failing: [Self.name: [49152]])
    let store = try Store(readingIn: directory, options: StoreOptions())
    let error = StoreError.mediaError(file: path.appending(Self.name), offset: 49152)
    var lost = 0
    for number in 1000..<1400 {
      do {
        #expect(try store.get("key\(number)") == Self.value)
      } catch {
        lost += 1
      }
    }
    #expect(closes ? (15...25).contains(lost) : lost < 400, "\(lost) keys")
    #expect(try store.get("key1399") == Self.value)
    #expect(throws: error) { try store.dictionary() }
  }

  /// What such a page held nobody knows: every key may have had a newer value.
  @Test
  func `A page behind the last whole record of a store that was not closed concerns every key`()
    throws
  {
    let scratch = try Scratch()
    let path = try makeStore(scratch, closes: false)
    let length = try #require(
      try FileManager.default.attributesOfItem(atPath: path.appending(Self.name).string)[.size]
        as? Int
    )
    let directory = try FailingMemory(path, failing: [Self.name: [length - 4096]])
    let store = try Store(readingIn: directory, options: StoreOptions())
    #expect(
      throws: StoreError.mediaError(file: path.appending(Self.name), offset: length - 4096)
    ) { try store.get("key1000") }
  }

  /// The newest segment was looked for behind the number of a compacted one, which says nothing about its
  /// place: the error named a file that never was.
  @Test(arguments: [true, false])
  func `A newest segment without its first page is named behind a compaction`(
    isRemoved: Bool
  ) throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<900 { try store.put("key\(number % 90)", Self.value) }
    for number in 0..<85 { try store.delete("key\(number)") }
    try store.compact(sealingAlways: true)
    try store.close()
    var headers: [String: SegmentHeader] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: scratch.store.string)
    where SegmentName.id(of: name) != nil {
      let data = try Data(contentsOf: scratch.url(name))
      headers[name] = unsafe data.withUnsafeBytes {
        SegmentHeader(decoding: unsafe $0.bytes)
      }
    }
    let journal = headers.filter { $0.value.compaction == nil }.keys
    let newest = try #require(journal.first)
    // Nothing but compacted segments beside it, with higher numbers.
    try #require(journal.count == 1 && headers.keys.max() != newest)
    let file = scratch.store.appending(newest)
    if isRemoved { try FileManager.default.removeItem(atPath: file.string) }
    let directory = try FailingMemory(scratch.store, failing: isRemoved ? [:] : [newest: [0]])
    let error: StoreError =
      isRemoved
      ? .corrupt(file: file, offset: 0, cause: .missingSegment)
      : .mediaError(file: file, offset: 0)
    let damaged = try Store(readingIn: directory, options: StoreOptions())
    #expect(throws: error) { try damaged.get("nowhere") }
    #expect(try Store.verify(in: directory).findings == [error])
  }
}
