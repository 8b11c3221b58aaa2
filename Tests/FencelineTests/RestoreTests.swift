// Whose backup it is, what may be in the way, and how a restored store is told from the old one.

import Foundation
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct RestoreTests {
  /// A store with something in it, and its backup.
  private func backedUp() throws -> (Scratch, Store) {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<50 { try store.put("key \(number)", "\(number)") }
    try store.sync()
    try Backup.update(scratch.backup, of: scratch.store)
    return (scratch, store)
  }

  private func next(_ store: Store, after token: ChangeToken) throws -> ChangedTransaction? {
    var feed = store.changeFeed(after: token)
    return try feed.next()
  }

  // MARK: Tokens

  /// The restored store has the old one's name and gives the same numbers to other transactions: a token of a
  /// future that it does not have led into the middle of one that it has.
  @Test func `Tokens of a future that the backup lacks are refused, those of its past are not`()
    throws
  {
    let (scratch, store) = try backedUp()
    let past = try store.changeToken
    try store.put("original", "1", durability: .durable)
    let future = try store.changeToken
    let path = try scratch.restored()
    let other = try scratch.restored()
    let restored = try Store.open(at: path, options: .smallSegments)
    #expect(throws: StoreError.unknownToken(future)) { try next(restored, after: future) }
    // However far the restored store goes on, over the numbers of the old one.
    for number in 0..<3_000 { try restored.put("restored \(number)", "1") }
    try restored.sync()
    #expect(throws: StoreError.unknownToken(future)) { try next(restored, after: future) }
    #expect(try next(restored, after: past)?.changes.first?.key == Array("restored 0".utf8))
    #expect(restored.identifier == store.identifier)
    // The other way round, and between two restores.
    let own = try restored.changeToken
    let second = try Store.open(at: other, options: .smallSegments)
    for number in 0..<3_000 {
      try store.put("original \(number)", "1")
      try second.put("second \(number)", "1")
    }
    try store.sync()
    try second.sync()
    for elsewhere in [store, second] {
      #expect(throws: StoreError.unknownToken(own)) { try next(elsewhere, after: own) }
    }
    #expect(try next(store, after: past)?.changes.first?.key == Array("original".utf8))
    // Recoveries add to incarnations; that must not lead one store to the other's.
    #expect(own.incarnation >= past.incarnation + RestoredIncarnation.smallestStep)
  }

  // MARK: Whose backup it is

  @Test func `A restored store goes on with the backup that it came from`() throws {
    let (scratch, store) = try backedUp()
    let path = try scratch.restored()
    let restored = try Store.open(at: path, options: .smallSegments)
    try restored.put("restored", "1", durability: .durable)
    let report = try Backup.update(scratch.backup, of: path)
    #expect(report.isIncremental && report.keptBytes > 0)
    #expect(try scratch.backedUpContents() == restored.dictionary())
    // And from then on the old one has no business there.
    for number in 0..<3_000 { try store.put("original \(number)", "1") }
    try store.sync()
    #expect(throws: StoreError.otherBackup(scratch.backup)) {
      try Backup.update(scratch.backup, of: scratch.store)
    }
    #expect(try scratch.backedUpContents() == restored.dictionary())
  }

  @Test func `A store that lacks what a backup has is refused`() throws {
    let (scratch, store) = try backedUp()
    let other = scratch.root.appending("other")
    try Store.open(at: other).put("a", "1", durability: .durable)
    let early = try scratch.copyOfFiles()
    try store.put("late", "1", durability: .durable)
    try Backup.update(scratch.backup, of: scratch.store)
    let contents = try scratch.backedUpContents()
    let restored = try scratch.restored()
    for number in 0..<3_000 {
      try store.put("slot \(number % 10)", String(repeating: "x", count: 200))
    }
    try store.compact()
    try Backup.update(scratch.backup, of: scratch.store)
    // Another store, an early copy, the same one that went on for itself, and a restored one that did.
    let copy = try Store.open(at: early, options: .smallSegments)
    for path in [other, early] {
      #expect(throws: StoreError.otherBackup(scratch.backup)) {
        try Backup.update(scratch.backup, of: path)
      }
    }
    let clone = try Store.open(at: restored, options: .smallSegments)
    for (store, isRestored) in [(copy, false), (clone, true)] {
      for number in 0..<9_000 {
        try store.put("slot \(number % 10)", String(repeating: "y", count: 200))
      }
      // Of a mere copy nothing is left behind that to tell it by.
      if isRestored { try store.compact() }
      try store.sync()
      #expect(throws: StoreError.otherBackup(scratch.backup)) {
        try Backup.update(scratch.backup, of: store.path)
      }
    }
    #expect(contents.count == 51)
    #expect(try scratch.backedUpContents() == store.dictionary())
  }

  /// Both go on in the same segment behind a close, in one incarnation: the headers are the same.
  @Test func `A copy that went on in the same segment is told by its bytes`() throws {
    let scratch = try Scratch()
    try Store.open(at: scratch.store).close()
    let copy = try scratch.copyOfFiles()
    for (path, value) in [(scratch.store, "1"), (copy, "2")] {
      let store = try Store.open(at: path)
      try store.put("a", value)
      try store.close()
    }
    try Backup.update(scratch.backup, of: scratch.store)
    #expect(throws: StoreError.otherBackup(scratch.backup)) {
      try Backup.update(scratch.backup, of: copy)
    }
  }

  /// Marks of followed segments were wiped out by the headers, which were written behind them: a restored store
  /// that lost its newest segments passed for a whole one.
  @Test func `A restored store notices that its newest segments are gone`() throws {
    let (scratch, store) = try backedUp()
    for number in 0..<100 { try store.put("key \(number)", String(repeating: "a", count: 400)) }
    try store.sync()
    try Backup.update(scratch.backup, of: scratch.store)
    let path = try scratch.restored()
    let manager = FileManager.default
    let segments = try manager.contentsOfDirectory(atPath: path.string).sorted()
      .filter { $0.hasSuffix(".segment") }
    try #require(segments.count > 3)
    for name in segments.suffix(3).reversed() {
      try manager.removeItem(atPath: path.appending(name).string)
      let findings = try Store.verify(at: path).findings
      #expect(
        findings == [.corrupt(file: path.appending(name), offset: 0, cause: .missingSegment)]
      )
    }
  }

  // MARK: What is in the way

  @Test func `A backup is no store, and a store no backup`() throws {
    let (scratch, store) = try backedUp()
    let names = try scratch.backupNames()
    let refusal = StoreError.isBackup(scratch.backup)
    #expect(throws: refusal) { try Store.open(at: scratch.backup) }
    #expect(throws: refusal) { try Store.openReadOnly(at: scratch.backup) }
    #expect(throws: refusal) { try Store.openReadOnly(at: scratch.backup, asOf: 3) }
    #expect(throws: refusal) { try Store.verify(at: scratch.backup) }
    #expect(throws: refusal) { try Backup.update(scratch.root.appending("b"), of: scratch.backup) }
    #expect(try scratch.backupNames() == names)
    #expect(throws: StoreError.noBackup(scratch.store)) { _ = try Backup.verify(scratch.store) }
    #expect(throws: StoreError.noBackup(scratch.store)) {
      try Backup.restore(scratch.store, to: scratch.root.appending("r"))
    }
    #expect(throws: StoreError.notABackup(scratch.store)) {
      try Backup.update(scratch.store, of: scratch.store)
    }
    let nowhere = scratch.root.appending("nowhere")
    #expect(throws: StoreError.noStore(nowhere)) {
      try Backup.update(scratch.backup, of: nowhere)
    }
    #expect(try Backup.exists(at: scratch.backup))
    #expect(try !Backup.exists(at: scratch.store))
    try store.close()
  }

  @Test func `Nothing is restored over anything, and a killed restore is in nobody's way`() throws {
    let (scratch, store) = try backedUp()
    let manager = FileManager.default
    #expect(throws: StoreError.notEmpty(scratch.store)) {
      try Backup.restore(scratch.backup, to: scratch.store)
    }
    let file = scratch.root.appending("file")
    _ = manager.createFile(atPath: file.string, contents: Data([1]))
    #expect(throws: StoreError.self) { try Backup.restore(scratch.backup, to: file) }
    #expect(try Data(contentsOf: URL(filePath: file.string)) == Data([1]))
    // An empty directory is as good as none.
    let place = scratch.root.appending("new")
    try FileSystemDirectory.create(place)
    let rest = scratch.root.appending("new.restoring")
    try FileSystemDirectory.create(rest)
    for name in ["00000009.segment", "00000001.segment.new", "lock"] {
      _ = manager.createFile(atPath: rest.appending(name).string, contents: Data(count: 5000))
    }
    try Backup.restore(scratch.backup, to: place)
    #expect(try Store.openReadOnly(at: place).dictionary() == store.dictionary())
    #expect(!manager.fileExists(atPath: rest.string))
    #expect(try Store.verify(at: place).isSound)
    // What is somebody else's stays.
    let other = scratch.root.appending("other")
    let theirs = scratch.root.appending("other.restoring")
    try FileSystemDirectory.create(theirs)
    _ = manager.createFile(atPath: theirs.appending("notes.txt").string, contents: Data())
    #expect(throws: StoreError.notEmpty(theirs)) {
      try Backup.restore(scratch.backup, to: other)
    }
    #expect(manager.fileExists(atPath: theirs.appending("notes.txt").string))
  }

  @Test func `Two calls are not at one backup at a time`() throws {
    let (scratch, store) = try backedUp()
    let other = try FileSystemDirectory(path: scratch.backup, writable: true, guardsReads: false)
    #expect(throws: StoreError.locked(scratch.backup)) {
      try Backup.update(scratch.backup, of: scratch.store)
    }
    #expect(try Backup.verify(scratch.backup).isSound)
    #expect(try scratch.backedUpContents() == store.dictionary())
    other.unlock()
    try Backup.update(scratch.backup, of: scratch.store)
  }
}
