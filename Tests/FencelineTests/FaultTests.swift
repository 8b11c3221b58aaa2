// Media that fail: no room, failing syncs, files that are cut off under a mapping.

import Fenceline
import Foundation
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

/// A directory whose next operations fail on demand.
final class FailingDirectory: StoreDirectory {
  let base: FileSystemDirectory
  let failures = Mutex<[String: Errno]>([:])
  /// Bytes that are left, once they are counted.
  private let room = Mutex<Int?>(nil)
  private let reserve = Mutex<Int>(0)

  init(_ path: FilePath, writable: Bool = true) throws {
    if !(try FileSystemDirectory.exists(path)) { try FileSystemDirectory.create(path) }
    base = try FileSystemDirectory(path: path, writable: writable, guardsReads: true)
  }

  /// From now on there is room only for what is given back, and for what is kept in reserve.
  func limitSegments() { room.withLock { $0 = 0 } }

  /// There is room again.
  func endLimit() { room.withLock { $0 = nil } }

  private func takeRoom(_ length: Int) throws(MediumError) {
    let isTaken = room.withLock { (room) in
      guard let left = room else { return true }
      guard length <= left else { return false }
      room = left - length
      return true
    }
    guard isTaken else { throw MediumError(operation: "create", path: path, cause: .noSpace) }
  }

  /// Makes an operation fail from now on, or lets it work again.
  func fail(_ operation: String, with cause: Errno?) {
    failures.withLock { $0[operation] = cause }
  }

  private func check(_ operation: String) throws(MediumError) {
    if let cause = failures.withLock({ $0[operation] }) {
      throw MediumError(operation: operation, path: path, cause: cause)
    }
  }

  var path: FilePath { base.path }
  var medium: MediumDescription { base.medium }
  func names() throws(MediumError) -> [String] { try base.names() }
  func unlock() { base.unlock() }
  func synchronizeName() throws(MediumError) { try base.synchronizeName() }
  func synchronizeSegment(named name: String) throws(MediumError) {
    try base.synchronizeSegment(named: name)
  }
  func setReserve(_ length: Int) throws(MediumError) {
    let kept = reserve.withLock { (reserve) in
      defer { reserve = 0 }
      return reserve
    }
    room.withLock { (room) in room = room.map { $0 + kept } }
    try takeRoom(length)
    reserve.withLock { $0 = length }
    try base.setReserve(length)
  }
  func allocatedBytes() throws(MediumError) -> Int { try base.allocatedBytes() }

  func openSegment(named name: String, writable: Bool) throws(MediumError) -> SegmentFile {
    try check("open")
    return try base.openSegment(named: name, writable: writable)
  }

  func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    try check("create")
    try takeRoom(length)
    return try base.createSegment(named: name, length: length)
  }

  func publishSegment(named name: String, replacing: Bool) throws(MediumError) {
    try check("rename")
    try base.publishSegment(named: name, replacing: replacing)
  }

  func removeSegment(named name: String) throws(MediumError) {
    try check("unlink")
    let length = try? base.openSegment(named: name, writable: false).length
    room.withLock { (room) in room = room.map { $0 + (length ?? 0) } }
    try base.removeSegment(named: name)
  }

  func synchronize() throws(MediumError) {
    try check("fsync")
    try base.synchronize()
  }
}

struct FaultTests {
  @Test func `A full medium refuses puts, keeps everything readable and lets deletes through`()
    throws
  {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    let store = try Store(writingIn: directory, options: .smallSegments)
    directory.fail("create", with: .noSpace)
    var stored = 0
    let error = #expect(throws: StoreError.self) {
      while stored < 10_000 {
        try store.put("key \(stored)", "some value", durability: .durable)
        stored += 1
      }
    }
    #expect(error == .full(scratch.store))
    #expect(stored > 100)
    #expect(try store.count == stored)
    #expect(throws: StoreError.full(scratch.store)) {
      try store.put("another", String(repeating: "one", count: 30))
    }
    #expect(try store.get("key 0") == "some value")
    // The transaction that does not fit leaves nothing behind either.
    #expect(throws: StoreError.full(scratch.store)) {
      try store.transaction { (transaction) in
        for number in 0..<500 { try transaction.put("t \(number)", "v") }
      }
    }
    #expect(try store.delete("key 0", durability: .durable))
    #expect(try store.get("key 0") == nil)
    // Room again: everything goes on.
    directory.fail("create", with: nil)
    try store.put("another", "one", durability: .durable)
    #expect(try store.count == stored)
    try store.close()
    let reopened = try Store.openReadOnly(at: scratch.store)
    #expect(try reopened.count == stored)
    #expect(try reopened.get("t 0") == nil)
    #expect(try reopened.get("another") == "one")
  }

  @Test func `A segment is made smaller where the medium has no room for the usual size`() throws {
    let scratch = try Scratch()
    let directory = try SizeLimitedDirectory(scratch.store, limit: 20 << 10)
    var options = StoreOptions()
    options.segmentOptions.smallest = 256 << 10
    let store = try Store(writingIn: directory, options: options)
    try store.put("a", "1", durability: .durable)
    #expect(try store.segments().map(\.capacityInBytes).allSatisfy { $0 <= 20 << 10 })
    #expect(throws: StoreError.full(scratch.store)) {
      try store.put(Array("big".utf8), [UInt8](repeating: 1, count: 100_000))
    }
    #expect(try store.get("a") == "1")
  }

  @Test(arguments: ["rename", "fsync"])
  func `A failed rotation poisons the handle, and a new one finds everything`(
    operation: String
  ) throws {
    let scratch = try Scratch()
    var stored = 0
    do {
      let directory = try FailingDirectory(scratch.store)
      let store = try Store(writingIn: directory, options: .smallSegments)
      directory.fail(operation, with: .ioError)
      let error = #expect(throws: StoreError.self) {
        while stored < 10_000 {
          try store.put("key \(stored)", "some value", durability: .durable)
          stored += 1
        }
      }
      #expect(error == .system(operation: operation, path: scratch.store, cause: .ioError))
      #expect(throws: StoreError.poisoned) { try store.put("another", "one") }
      #expect(throws: StoreError.poisoned) { try store.delete("key 1") }
      #expect(throws: StoreError.poisoned) { try store.sync() }
      #expect(throws: StoreError.poisoned) { try store.transaction { try $0.put("a", "b") } }
      #expect(try store.get("key 0") == "some value")
      #expect(throws: StoreError.poisoned) { try store.close() }
      #expect(throws: StoreError.closed) { try store.get("key 0") }
    }
    let store = try Store.open(at: scratch.store)
    #expect(try store.count == stored)
    try store.put("another", "one", durability: .durable)
  }

  @Test(arguments: ["create", "rename", "fsync"])
  func `An opening that fails changes nothing for the next one`(operation: String) throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    do {
      let directory = try FailingDirectory(scratch.store)
      directory.fail(operation, with: .ioError)
      #expect(
        throws: StoreError.system(operation: operation, path: scratch.store, cause: .ioError)
      ) {
        try Store(writingIn: directory, options: StoreOptions())
      }
    }
    #expect(try Store.openReadOnly(at: scratch.store).get("a") == "1")
    let store = try Store.open(at: scratch.store)
    #expect(try store.get("a") == "1")
  }

  /// Someone truncates a segment under an open store: a load beyond the end raises SIGBUS.
  @Test func `A file that is cut off under a mapping gives a media error, and the process lives`()
    throws
  {
    let scratch = try Scratch()
    do {
      let store = try Store.open(at: scratch.store)
      try store.put("early", "1")
      for number in 0..<1000 { try store.put("key \(number)", String(repeating: "x", count: 100)) }
      try store.close()
    }
    let store = try Store.openReadOnly(at: scratch.store)
    let file = scratch.store.appending("00000001.segment")
    #expect(unsafe truncate(file.string, 8192) == 0)
    let error = #expect(throws: StoreError.self) { try store.get("key 999") }
    guard case .mediaError(file, let offset) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(offset >= 8192 && offset.isMultiple(of: 4096))
    #expect(try store.get("early") == "1")
    #expect(throws: StoreError.self) { try store.dictionary() }
  }

  /// Only the first page that was lost under a mapping was remembered: a read that met the second one
  /// named the first, and a bulk read took its zeros for what stands in the file.
  @Test func `Every page that was lost is named, whichever was met first`() throws {
    let scratch = try Scratch()
    do {
      let store = try Store.open(at: scratch.store)
      for number in 0..<1000 { try store.put("key \(number)", String(repeating: "x", count: 100)) }
      try store.close()
    }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(unsafe truncate(scratch.store.appending("00000001.segment").string, 8192) == 0)
    var offsets: Set<Int> = []
    for number in stride(from: 999, to: 100, by: -50) {
      let error = #expect(throws: StoreError.self) { try store.get("key \(number)") }
      guard case .mediaError(_, let offset) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      offsets.insert(offset)
    }
    #expect(offsets.count > 10)
  }
}

/// A directory that has no room for large segments.
final class SizeLimitedDirectory: StoreDirectory {
  let base: FileSystemDirectory
  let limit: Int

  init(_ path: FilePath, limit: Int) throws {
    try FileSystemDirectory.create(path)
    base = try FileSystemDirectory(path: path, writable: true, guardsReads: true)
    self.limit = limit
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
    try base.openSegment(named: name, writable: writable)
  }
  func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile {
    guard length <= limit else {
      throw MediumError(operation: "posix_fallocate", path: path, cause: .noSpace)
    }
    return try base.createSegment(named: name, length: length)
  }
  func publishSegment(named name: String, replacing: Bool) throws(MediumError) {
    try base.publishSegment(named: name, replacing: replacing)
  }
  func removeSegment(named name: String) throws(MediumError) {
    try base.removeSegment(named: name)
  }
  func synchronize() throws(MediumError) { try base.synchronize() }
}
