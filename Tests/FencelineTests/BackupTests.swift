// Backups: what they hold, how they grow, and what is restored from them.

import Foundation
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

extension Scratch {
  /// Where backups of a test lie.
  var backup: FilePath { root.appending("backup") }

  /// Restores the backup to a new place.
  func restored() throws -> FilePath {
    let path = root.appending("restored-\(UUID().uuidString)")
    try Backup.restore(backup, to: path)
    return path
  }

  /// What the backup is restored to.
  func backedUpContents() throws -> [[UInt8]: [UInt8]] {
    try Store.openReadOnly(at: try restored()).dictionary()
  }

  /// Names of the backup's files, sorted.
  func backupNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: backup.string).sorted()
  }
}

struct BackupTests {
  @Test(arguments: TestMedium.allCases)
  func `A backup grows with its store, and gives back what compactions gave back`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<200 { try store.put("key \(number)", String(repeating: "a", count: 400)) }
    try store.sync()
    let first = try Backup.update(scratch.backup, of: scratch.store)
    #expect(!first.isIncremental && first.keptBytes == 0 && first.segmentCount > 4)
    #expect(try scratch.backedUpContents() == store.dictionary())
    try store.put("late", "1", durability: .durable)
    let second = try Backup.update(scratch.backup, of: scratch.store)
    #expect(second.isIncremental && second.copiedBytes < 300)
    #expect(second.keptBytes == first.copiedBytes && second.sequence == 201)
    #expect(try scratch.backedUpContents() == store.dictionary())
    for number in 0..<180 { try store.delete("key \(number)") }
    try store.compact()
    let third = try Backup.update(scratch.backup, of: scratch.store)
    #expect(third.segmentCount < first.segmentCount)
    #expect(try scratch.backedUpContents() == store.dictionary())
    let verification = try Backup.verify(scratch.backup)
    #expect(verification.isSound && verification.leftoverCount == 0)
    #expect(verification.byteCount == third.copiedBytes + third.keptBytes)
    // The files, the manifest and the lock.
    #expect(try scratch.backupNames().count == verification.fileCount + 1)
    try store.close()
    let last = try Backup.update(scratch.backup, of: scratch.store)
    #expect(last.copiedBytes < 4096)
    #expect(try scratch.backedUpContents().count == 21)
  }

  @Test func `A segment that grows from backup to backup has few files`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    var copied = 0
    for number in 0..<200 {
      try store.put("key \(number)", String(repeating: "v", count: 100), durability: .durable)
      copied += try Backup.update(scratch.backup, of: scratch.store).copiedBytes
    }
    let verification = try Backup.verify(scratch.backup)
    #expect(verification.fileCount < 12)
    #expect(copied < 10 * verification.byteCount)
    #expect(try scratch.backedUpContents() == store.dictionary())
  }

  @Test(.timeLimit(.minutes(2)))
  func `Beside a writer and its compactions each backup is a state of the store`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("newest", "0")
    let isOver = Atomic<Bool>(false)
    let threads = ThreadGroup()
    threads.run {
      var number = 0
      while !isOver.load(ordering: .relaxed) {
        number += 1
        let text = "\(number)" + String(repeating: " ", count: 200)
        try? store.transaction { (transaction) in
          try transaction.put("slot \(number % 50)", text)
          try transaction.put("newest", "\(number)")
        }
        if number % 500 == 0 { _ = try? store.compact() }
      }
    }
    defer {
      isOver.store(true, ordering: .relaxed)
      threads.wait()
    }
    var last = -1
    for _ in 0..<8 {
      let before = Int(try store.get("newest") ?? "") ?? 0
      try Backup.update(scratch.backup, of: scratch.store)
      #expect(try Backup.verify(scratch.backup).isSound)
      let contents = try scratch.backedUpContents()
      let newest = Int(String(decoding: contents[Array("newest".utf8)] ?? [], as: UTF8.self)) ?? -1
      #expect(newest >= before && newest >= last)
      last = newest
      for slot in 0..<50 where newest >= 50 {
        let value = contents[Array("slot \(slot)".utf8)] ?? []
        let expected = newest - (newest - slot) % 50
        #expect(String(decoding: value, as: UTF8.self).hasPrefix("\(expected) "))
      }
    }
  }

  @Test func `The past goes with a backup`() throws {
    let scratch = try Scratch()
    var options = StoreOptions.smallSegments
    options.retainedJournalBytes = 1 << 20
    let store = try Store.open(at: scratch.store, options: options)
    for number in 0..<300 {
      try store.put("key \(number % 7)", "\(number)" + String(repeating: "x", count: 300))
    }
    try store.compact()
    try store.sync()
    try Backup.update(scratch.backup, of: scratch.store)
    let restored = try scratch.restored()
    for sequence in [1, 50, 299] as [UInt64] {
      let then = try Store.openReadOnly(at: scratch.store, asOf: sequence).dictionary()
      #expect(try Store.openReadOnly(at: restored, asOf: sequence).dictionary() == then)
    }
  }

  @Test func `What is buffered and what an empty store has are backed up as well`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    #expect(try Backup.update(scratch.backup, of: scratch.store).sequence == 0)
    #expect(try scratch.backedUpContents().isEmpty)
    try store.put("large", String(repeating: "7", count: 300_000))
    try store.sync()
    try Backup.update(scratch.backup, of: scratch.store)
    #expect(try scratch.backedUpContents() == store.dictionary())
  }

  // MARK: What goes wrong

  @Test func `A damaged store is not backed up, and the earlier backup stays`() throws {
    let scratch = try Scratch()
    var store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<100 { try store.put("key \(number)", String(repeating: "a", count: 400)) }
    try store.close()
    try Backup.update(scratch.backup, of: scratch.store)
    let contents = try scratch.backedUpContents()
    store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<100 { try store.put("new \(number)", String(repeating: "b", count: 400)) }
    try store.close()
    let name = "00000004.segment"
    try scratch.patch(name) { $0[9000] ^= 1 }
    do throws(StoreError) {
      try Backup.update(scratch.backup, of: scratch.store)
      Issue.record("a damaged store was backed up")
    } catch {
      guard case .corrupt(let file, let offset, .recordBody) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(file.lastComponent?.string == name && (8000...9000).contains(offset))
    }
    #expect(try Backup.verify(scratch.backup).isSound)
    #expect(try scratch.backedUpContents() == contents)
    try scratch.patch(name) { $0[9000] ^= 1 }
    try Backup.update(scratch.backup, of: scratch.store)
    #expect(try scratch.backedUpContents().count == 200)
  }

  @Test(arguments: ["create", "rename", "fsync", "unlink"])
  func `A call that fails leaves the earlier backup`(operation: String) throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<100 { try store.put("key \(number)", String(repeating: "a", count: 400)) }
    try store.sync()
    try Backup.update(scratch.backup, of: scratch.store)
    let contents = try scratch.backedUpContents()
    for number in 0..<90 { try store.delete("key \(number)") }
    try store.compact()
    do {
      let failing = try FailingDirectory(scratch.backup)
      failing.fail(operation, with: .noSpace)
      let source = try FileSystemDirectory(
        path: scratch.store,
        writable: false,
        guardsReads: false
      )
      if operation == "unlink" {
        _ = try Backup.update(in: failing, of: source)
      } else {
        #expect(throws: StoreError.full(scratch.backup)) {
          _ = try Backup.update(in: failing, of: source)
        }
      }
    }
    let (now, latest) = (try scratch.backedUpContents(), try store.dictionary())
    #expect(now == contents || now == latest)
    #expect(try Backup.verify(scratch.backup).isSound)
    try Backup.update(scratch.backup, of: scratch.store)
    #expect(try scratch.backedUpContents() == store.dictionary())
    #expect(try Backup.verify(scratch.backup).leftoverCount == 0)
  }
}
