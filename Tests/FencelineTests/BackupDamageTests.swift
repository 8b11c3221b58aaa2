// Damage to a backup itself: all of it is found, and nothing that stands there is trusted.

import CFlush
import Foundation
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct BackupDamageTests {
  @Test func `Every changed byte of a backup is found, and every file that is gone or foreign`()
    throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1", durability: .durable)
    try Backup.update(scratch.backup, of: scratch.store)
    try store.put("b", "2", durability: .durable)
    try Backup.update(scratch.backup, of: scratch.store)
    let files = Scratch.at(scratch.backup)
    let manager = FileManager.default
    for name in try scratch.backupNames() where name != "lock" {
      let path = scratch.backup.appending(name).string
      let whole = try Data(contentsOf: URL(filePath: path))
      for offset in whole.indices {
        try files.patch(name) { $0[offset] ^= 0x10 }
        #expect(try !Self.isSound(scratch.backup), "\(name), \(offset)")
        #expect(throws: StoreError.self) { _ = try scratch.restored() }
        try whole.write(to: URL(filePath: path))
      }
      for damaged in [whole.dropLast(), whole + [0], Data()] {
        try damaged.write(to: URL(filePath: path))
        #expect(try !Self.isSound(scratch.backup), "\(name), \(damaged.count)")
      }
      try manager.removeItem(atPath: path)
      if name != BackupName.manifestName { #expect(try !Self.isSound(scratch.backup), "\(name)") }
      try whole.write(to: URL(filePath: path))
    }
    #expect(try Self.isSound(scratch.backup))
    let foreign = scratch.backup.appending("notes.txt")
    _ = manager.createFile(atPath: foreign.string, contents: Data())
    #expect(
      try Backup.verify(scratch.backup).findings
        == [.corrupt(file: foreign, offset: 0, cause: .foreignFile)]
    )
    try manager.removeItem(atPath: foreign.string)
    // Damage goes where a backup is asked to look for it; only the length is looked at otherwise.
    let name = try #require(try scratch.backupNames().first)
    try files.patch(name) { $0[5] ^= 1 }
    try Backup.update(scratch.backup, of: scratch.store)
    #expect(try !Self.isSound(scratch.backup))
    var options = BackupOptions()
    options.readsWhatIsThere = true
    try Backup.update(scratch.backup, of: scratch.store, options: options)
    #expect(try Self.isSound(scratch.backup))
    #expect(try scratch.backedUpContents() == store.dictionary())
  }

  /// Two segments whose ends added up to more than there are numbers.
  @Test func `Numbers that hurt in a manifest whose checksum is right are errors`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<50 { try store.put("key \(number)", String(repeating: "a", count: 400)) }
    try store.sync()
    try Backup.update(scratch.backup, of: scratch.store)
    let path = URL(filePath: scratch.backup.appending(BackupName.manifestName).string)
    let whole = [UInt8](try Data(contentsOf: path))
    let numbers: [UInt64] = [0, 1, 4096, 1 << 32, 1 << 43, 1 << 61, .max >> 1, .max]
    for start in stride(from: 0, to: whole.count - 7, by: 4) where start != 12 {
      for number in numbers {
        let bytes = Self.manifest(whole, with: number, at: start)
        if bytes == whole { continue }
        try Data(bytes).write(to: path)
        _ = try? Backup.verify(scratch.backup)
        let restored = scratch.root.appending("restored")
        if (try? Backup.restore(scratch.backup, to: restored)) != nil {
          try FileManager.default.removeItem(atPath: restored.string)
        }
        // It may remove what it takes for another backup's.
        let copy = scratch.root.appending("copy")
        try FileManager.default.copyItem(atPath: scratch.backup.string, toPath: copy.string)
        _ = try? Backup.update(copy, of: scratch.store)
        try FileManager.default.removeItem(atPath: copy.string)
      }
    }
    try Data(whole).write(to: path)
    #expect(try scratch.backedUpContents() == store.dictionary())
  }

  /// A manifest with another number somewhere, and the right checksums.
  private static func manifest(_ whole: [UInt8], with number: UInt64, at start: Int) -> [UInt8] {
    var bytes = whole
    func store(_ number: UInt64, _ length: Int, at offset: Int) {
      for byte in 0..<length {
        bytes[offset + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte))
      }
    }
    store(number, 8, at: start)
    let row = 64 + (start - 64) / 152 * 152
    if start >= 64, row + 128 <= bytes.count, start < row + 124 {
      let checksum = unsafe Checksum.crc32c(bytes.span.bytes.extracting(row..<row + 124))
      store(UInt64(checksum), 4, at: row + 124)
    }
    let checksum = unsafe Checksum.crc32c(bytes.span.bytes.extracting(16...))
    store(UInt64(checksum), 4, at: 12)
    return bytes
  }

  private static func isSound(_ backup: FilePath) throws -> Bool {
    do throws(StoreError) { return try Backup.verify(backup).isSound } catch {
      switch error {
      case .corrupt, .newerFormat: return false
      default: throw error
      }
    }
  }
}
