// Stores of every form that was ever written, kept under Data: what is written today must not stop
// yesterday's from being read.

import Fenceline
import Foundation
import SystemPackage
import Testing

@testable import Fenceline
@testable import PersistentMemory

struct GoldenStoreTests {
  /// Each holds 1,500 keys in the third version, one of them deleted, and one that is not ASCII.
  static let names = ["format-1", "format-1-compacted", "format-1-imaged", "format-1-changes"]

  static func path(of name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Data/golden/\(name)").path
  }

  private func check(_ store: Store) throws {
    #expect(try store.count == 1500)
    for number in 0..<1500 where number != 7 {
      #expect(try store.get("key \(number)") == "value \(number) of round 2")
    }
    #expect(try store.get("key 7") == nil)
    #expect(try store.get("café") == "crème")
  }

  @Test(arguments: names)
  func `A store of an earlier version is read, verified, written and compacted`(
    name: String
  ) throws {
    let golden = Self.path(of: name)
    let reader = try Store.openReadOnly(at: FilePath(golden))
    let hasChanges = name.hasSuffix("changes")
    #expect(reader.openedBesideImage == (name.hasSuffix("imaged") || hasChanges))
    try check(reader)
    #expect(try Store.verify(at: FilePath(golden)).isSound)
    let scratch = try Scratch()
    try FileManager.default.copyItem(atPath: golden, toPath: scratch.store.string)
    let store = try Store.open(at: scratch.store)
    #expect((store.recovery.changeFileCount > 0) == hasChanges)
    try check(store)
    #expect(try store.statistics().wasClosed)
    try store.put("key 7", "back", durability: .durable)
    try store.compact(sealingAlways: true)
    try store.delete("key 7")
    try store.close()
    try check(try Store.openReadOnly(at: scratch.store))
  }
}
