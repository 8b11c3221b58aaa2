// A snapshot stays as it was, in every way of reading, whatever happens to its store.

import Fenceline
import Foundation
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct SnapshotTests {
  private typealias Model = [[UInt8]: [UInt8]]

  /// Reads a snapshot in every way, and compares it with what the store held at its moment.
  private func check(
    _ snapshot: Snapshot,
    _ model: Model,
    keys: [[UInt8]],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for key in keys {
      #expect(try snapshot.get(key) == model[key], sourceLocation: sourceLocation)
      #expect(
        try snapshot.contains(key) == (model[key] != nil),
        sourceLocation: sourceLocation
      )
    }
    var values: [[UInt8]?] = []
    try snapshot.withValues(forKeys: keys) { (_, value) in values.append(value?.array) }
    #expect(values == keys.map { model[$0] }, sourceLocation: sourceLocation)
    let sorted = model.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    for order in [IterationOrder.ascending, .descending, .unordered] {
      var found: [([UInt8], [UInt8])] = []
      try snapshot.forEach(order: order) { (key, value, _) in
        found.append((key.array, value.array))
        return .next
      }
      let expected = order == .descending ? sorted.reversed() : sorted
      #expect(found.map(\.0) == expected.map(\.key), sourceLocation: sourceLocation)
      #expect(found.map(\.1) == expected.map(\.value), sourceLocation: sourceLocation)
    }
    #expect(try snapshot.count == model.count, sourceLocation: sourceLocation)
    try snapshot.withCursor { (cursor) in
      var walked: [[UInt8]] = []
      while try cursor.next() { walked.append(cursor.key ?? []) }
      #expect(walked == sorted.map(\.key), sourceLocation: sourceLocation)
      while try cursor.previous() { walked.removeLast() }
      #expect(walked.isEmpty, sourceLocation: sourceLocation)
      if let (key, value) = sorted.randomElement() {
        let isThere = try cursor.seek(to: key)
        let found = cursor.value
        #expect(isThere && found == value, sourceLocation: sourceLocation)
      }
    }
  }

  @Test func `A snapshot shows nothing that came behind it`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in ["kept", "changed", "removed", "removed and back"] { try store.put(key, "old") }
    let model = try store.dictionary()
    let snapshot = try store.snapshot()
    try store.put("changed", "new")
    try store.put("changed", "newer")
    try store.delete("removed")
    try store.delete("removed and back")
    try store.put("removed and back", "new")
    try store.put("new", "new")
    try store.transaction { (transaction) in
      try transaction.put("kept too", "new")
      try transaction.delete("new")
    }
    let keys = ["kept", "changed", "removed", "removed and back", "new", "kept too"].map {
      Array($0.utf8)
    }
    try check(snapshot, model, keys: keys)
    let later = try store.snapshot()
    #expect(later.sequence == snapshot.sequence + 7)
    try check(later, try store.dictionary(), keys: keys)
    try check(snapshot, model, keys: keys)
    // A range, and a limit that counts only what is shown.
    var found: [String] = []
    try snapshot.forEach(from: Array("n".utf8), order: .ascending, limit: 1) { (key, _, _) in
      found.append(String(decoding: key.array, as: UTF8.self))
      return .next
    }
    #expect(found == ["removed"])
  }

  @Test func `Only what a snapshot shows is kept for it, and nothing behind the last one`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1")
    try store.put("a", "2")
    #expect(store.snapshots.versions.count == 0)
    var first: Snapshot? = try store.snapshot()
    for round in 0..<100 { try store.put("a", "\(round)") }
    try store.put("b", "new")
    try store.delete("b")
    #expect(store.snapshots.versions.count == 1)
    let second = try store.snapshot()
    for round in 0..<100 { try store.put("a", "\(round)") }
    #expect(store.snapshots.versions.count == 2)
    #expect(try first?.get("a") == "2" && second.get("a") == "99")
    // What only the first one showed goes when there is no room for more.
    first = nil
    for number in 0..<40 { try store.put("key \(number)", "old") }
    let third = try store.snapshot()
    for number in 0..<40 { try store.put("key \(number)", "new") }
    #expect(store.snapshots.versions.count == 42)
    for number in 0..<40 { try store.put("other \(number)", "old") }
    try withExtendedLifetime(try store.snapshot()) { _ in
      for number in 0..<40 { try store.put("other \(number)", "new") }
      #expect(store.snapshots.versions.count == 81)
    }
    #expect(try second.get("a") == "99" && third.get("key 7") == "old")
  }

  @Test func `The table of versions is empty when the last snapshot has gone`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1")
    do {
      let snapshot = try store.snapshot()
      try store.put("a", "2")
      #expect(try snapshot.get("a") == "1")
      #expect(store.snapshots.versions.count == 1)
    }
    #expect(store.snapshots.versions.count == 0)
    try store.put("a", "3")
    #expect(store.snapshots.versions.count == 0)
  }

  /// Snapshots of a writer, of readers in its place, or both, which live for a while.
  @Test(arguments: TestMedium.allCases)
  func `Snapshots stay as they were over random histories, compactions and recoveries`(
    medium: TestMedium
  ) throws {
    var generator = SeededGenerator(label: "snapshots")
    let scratch = try Scratch(medium)
    var store = try Store.open(at: scratch.store, options: .smallSegments)
    try store.put("first", "one")
    try store.sync()
    let readers = try (0..<2).map { _ in try Store.openReadOnly(at: scratch.store) }
    let keys = (0..<60).map { Array("key \($0)".utf8) }
    var model: Model = [Array("first".utf8): Array("one".utf8)]
    var snapshots: [(snapshot: Snapshot, model: Model)] = []
    for step in 0..<1200 {
      let key = keys[Int.random(in: keys.indices, using: &generator)]
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<50:
        model[key] = generator.bytes(Int.random(in: 0..<300, using: &generator))
        try store.put(key, model[key] ?? [])
      case 50..<65:
        try store.delete(key)
        model[key] = nil
      case 65..<75:
        let others = (0..<5).map { _ in keys[Int.random(in: keys.indices, using: &generator)] }
        try store.transaction { (transaction) in
          for other in others { try transaction.put(other, key) }
          try transaction.delete(key)
        }
        for other in others { model[other] = key }
        model[key] = nil
      case 75..<79: try store.compact(sealingAlways: true)
      case 79..<82:
        snapshots.removeAll { $0.snapshot.store === store }
        try store.close()
        store = try Store.open(at: scratch.store, options: .smallSegments)
      case 82..<91:
        try store.sync()
        // One of the readers looks seldom, so that what it has to read may be gone.
        let reader = readers[step.isMultiple(of: 8) ? 1 : 0]
        snapshots.append((try (Bool.random(using: &generator) ? reader : store).snapshot(), model))
      default:
        guard let number = snapshots.indices.randomElement(using: &generator) else { continue }
        let (snapshot, model) = snapshots.remove(at: number)
        try check(snapshot, model, keys: keys)
      }
    }
    for (snapshot, model) in snapshots { try check(snapshot, model, keys: keys) }
  }

  @Test func `A handle that opened beside an image gives snapshots too`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .imagedSegments)
    for number in 0..<500 { try store.put("key \(number)", "old") }
    try store.writeIndexImage()
    try store.put("key 1", "newer")
    try store.sync()
    let reader = try Store.openReadOnly(at: scratch.store, options: .imagedSegments)
    #expect(reader.index.usesImage)
    let snapshot = try reader.snapshot()
    try store.put("key 2", "newest")
    try store.delete("key 3")
    try store.sync()
    #expect(try reader.get("key 2") == "newest")
    #expect(try reader.get("key 3") == nil)
    #expect(try snapshot.get("key 1") == "newer")
    #expect(try snapshot.get("key 2") == "old" && snapshot.get("key 3") == "old")
    #expect(try snapshot.count == 500)
  }

  @Test func `A snapshot of a closed store gives the error, a damaged one what is whole`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<200 { try store.put("key \(number)", String(repeating: "v", count: 100)) }
    let snapshot = try store.snapshot()
    try store.close()
    #expect(throws: StoreError.closed) { try snapshot.get("key 1") }
    #expect(throws: StoreError.closed) { try snapshot.count }
    #expect(throws: StoreError.closed) { try store.snapshot() }
    try scratch.patch("00000001.segment") { $0[4200] ^= 1 }
    let damaged = try Store.openReadOnly(at: scratch.store)
    let frozen = try damaged.snapshot()
    var refused = 0
    for number in 0..<200 {
      do throws(StoreError) {
        #expect(try frozen.get("key \(number)") != nil)
        #expect(try damaged.get("key \(number)") != nil)
      } catch {
        refused += 1
        #expect(throws: StoreError.self) { try damaged.get("key \(number)") }
      }
    }
    #expect(refused == 1)
    #expect(throws: StoreError.self) { try frozen.count }
  }
}
