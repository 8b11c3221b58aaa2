// Disks that really fill: file systems of a few MiB, mounted by the step `neighbours` of Tools/test,
// which names their directories in FENCELINE_SMALL_DISKS (paths with colons between).

import Fenceline
import Foundation
import SystemPackage
import Testing

/// The mounted directories; none outside that step.
private let smallDisks =
  ProcessInfo.processInfo.environment["FENCELINE_SMALL_DISKS"]?
  .split(separator: ":").map(String.init) ?? []

@Suite(.serialized, .enabled(if: !smallDisks.isEmpty)) struct SmallDiskTests {
  /// A way to write one entry.
  enum Write: String, CaseIterable {
    case buffered, durable, transaction, large
  }

  /// What the test wrote and was not refused.
  private struct Model {
    var entries: [String: [UInt8]] = [:]
    var count = 0

    mutating func write(_ way: Write, to store: Store) throws {
      count += 1
      let key = "key \(count)"
      let size = way == .large ? 100_000 : 200 + count % 800
      let value = [UInt8](repeating: UInt8(truncatingIfNeeded: count), count: size)
      switch way {
      case .buffered: try store.put(Array(key.utf8), value)
      case .durable, .large: try store.put(Array(key.utf8), value, durability: .durable)
      case .transaction:
        try store.transaction(durability: .durable) { (batch) throws in
          try batch.put(Array(key.utf8), value)
          try batch.put(Array("twin of \(key)".utf8), value)
        }
        entries["twin of \(key)"] = value
      }
      entries[key] = value
    }

    func check(_ store: Store) throws {
      #expect(try store.count == entries.count)
      for (key, value) in entries { #expect(try store.get(Array(key.utf8)) == value, "\(key)") }
    }
  }

  /// Fills the rest of the disk, down to a page.
  private func fill(_ disk: String, leaving bytes: Int) throws -> FilePath {
    let path = FilePath(disk).appending("ballast")
    let file = try FileDescriptor.open(
      path,
      .writeOnly,
      options: [.create, .truncate],
      permissions: [.ownerReadWrite]
    )
    defer { try? file.close() }
    var size = 0
    let block = [UInt8](repeating: 0x5a, count: 4096)
    while let written = try? file.writeAll(block), written == block.count { size += written }
    try file.resize(to: Int64(max(0, size - bytes)))
    return path
  }

  /// At 12 amounts of room, so that it ends at creation, in the middle of a segment, at a rotation.
  @Test(arguments: smallDisks, Write.allCases)
  func `A disk that fills refuses what does not fit and loses nothing`(
    disk: String,
    way: Write
  ) throws {
    for step in 0..<12 {
      let ballast = try fill(disk, leaving: step * step * 20_000)
      let path = FilePath(disk).appending("store")
      defer {
        try? FileManager.default.removeItem(atPath: ballast.string)
        try? FileManager.default.removeItem(atPath: path.string)
      }
      var model = Model()
      let store: Store
      do throws(StoreError) { store = try Store.open(at: path) } catch {
        guard case .full = error else {
          Issue.record("opening with \(step * step * 20_000) bytes left: \(error)")
          continue
        }
        // Nothing is left that could not become a store once there is room.
        try FileManager.default.removeItem(atPath: ballast.string)
        let later = try Store.open(at: path)
        try model.write(way, to: later)
        try model.check(later)
        continue
      }
      let refused = #expect(throws: StoreError.self) {
        while true { try model.write(way, to: store) }
      }
      guard case .full = refused else {
        Issue.record("writing: \(String(describing: refused))")
        continue
      }
      try model.check(store)
      try store.sync()
      // The reserve takes some deletes on a disk without room.
      for key in model.entries.keys.sorted().prefix(6) {
        #expect(try store.delete(Array(key.utf8), durability: .durable))
        model.entries[key] = nil
      }
      try model.check(store)
      try store.close()
      #expect(try Store.verify(at: path).isSound)
      let reader = try Store.openReadOnly(at: path)
      try model.check(reader)
      let reopened = try Store.open(at: path)
      try model.check(reopened)
      if let key = model.entries.keys.min() {
        #expect(try reopened.delete(Array(key.utf8), durability: .durable))
        model.entries[key] = nil
      }
      try FileManager.default.removeItem(atPath: ballast.string)
      try model.write(way, to: reopened)
      try model.check(reopened)
      try reopened.close()
    }
  }
}
