// The next segment is made ahead by a thread of its own; nobody may notice but by the time.

import Fenceline
import Foundation
import SystemPackage
import Testing

struct SegmentPreparationTests {
  private static let megabyte = 1 << 20

  private var options: StoreOptions {
    var options = StoreOptions()
    options.segmentOptions.smallest = Self.megabyte
    options.segmentOptions.largest = Self.megabyte
    return options
  }

  private func names(_ scratch: Scratch) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.store.string).sorted()
  }

  /// Waits for something that another thread is doing.
  private func waitUntil(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<2000 {
      if try condition() { return true }
      usleep(5000)
    }
    return false
  }

  private func fill(_ store: Store, bytes: Int, from first: Int = 0) throws -> Int {
    let value = [UInt8](repeating: 7, count: 1000)
    var number = first
    for _ in 0..<bytes / 1000 {
      try store.put(Array("key \(number)".utf8), value)
      number += 1
    }
    return number
  }

  @Test(arguments: TestMedium.allCases)
  func `Half-way through a segment the next one is made, and a close takes it away`(
    medium: TestMedium
  ) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: options)
    var count = try fill(store, bytes: Self.megabyte / 3)
    #expect(try names(scratch) == ["00000001.segment", "lock", "reserve"])
    count = try fill(store, bytes: Self.megabyte / 3, from: count)
    #expect(
      try waitUntil {
        try names(scratch) == ["00000001.segment", "00000002.segment.new", "lock", "reserve"]
      }
    )
    try store.close()
    #expect(try names(scratch) == ["00000001.segment", "lock", "reserve"])
    #expect(try Store.openReadOnly(at: scratch.store).count == count)
  }

  @Test func `A compaction that was asked for takes it away until writing goes on`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: options)
    let count = try fill(store, bytes: 2 * Self.megabyte / 3)
    #expect(try waitUntil { try names(scratch).contains { $0.hasSuffix(".new") } })
    try store.compact()
    #expect(try !names(scratch).contains { $0.hasSuffix(".new") })
    _ = try fill(store, bytes: Self.megabyte / 8, from: count)
    #expect(try waitUntil { try names(scratch).contains { $0.hasSuffix(".new") } })
  }

  @Test(arguments: TestMedium.allCases)
  func `Many segments follow one another, and all entries are there`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: options)
    let count = try fill(store, bytes: 8 * Self.megabyte)
    #expect(try store.segments().count >= 8)
    try store.close()
    #expect(try !names(scratch).contains { $0.hasSuffix(".new") })
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try reader.count == count)
    #expect(try Store.verify(at: scratch.store).isSound)
  }

  @Test func `One that is too small for a large value is replaced`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: options)
    let count = try fill(store, bytes: 2 * Self.megabyte / 3)
    let large = [UInt8](repeating: 9, count: 3 * Self.megabyte)
    try store.put(Array("large".utf8), large, durability: .durable)
    #expect(try store.get(Array("large".utf8)) == large)
    _ = try fill(store, bytes: 2 * Self.megabyte, from: count)
    try store.close()
    #expect(try Store.openReadOnly(at: scratch.store).get(Array("large".utf8)) == large)
    #expect(try Store.verify(at: scratch.store).isSound)
  }

  /// A killed process leaves the name; nothing is in it, and the next writer removes it.
  @Test func `What a killed writer had prepared is removed`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: options)
    let count = try fill(store, bytes: 2 * Self.megabyte / 3)
    #expect(try waitUntil { try names(scratch).contains("00000002.segment.new") })
    let copy = try scratch.copyOfFiles()
    try store.close()
    #expect(try Store.openReadOnly(at: copy).count == count)
    let next = try Store.open(at: copy, options: options)
    #expect(try next.count == count)
    let left = try FileManager.default.contentsOfDirectory(atPath: copy.string)
    #expect(!left.contains { $0.hasSuffix(".new") })
  }

  @Test func `A handle that is let go while it prepares leaves a store that can be opened`() throws
  {
    let scratch = try Scratch()
    var count = 0
    do {
      let store = try Store.open(at: scratch.store, options: options)
      count = try fill(store, bytes: 2 * Self.megabyte / 3)
      try store.sync()
    }
    // The thread holds the lock until it is done.
    let opened = waitUntil { (try? Store.open(at: scratch.store, options: options)) != nil }
    #expect(opened)
    #expect(try Store.openReadOnly(at: scratch.store).count == count)
  }

  @Test func `Where none can be prepared the writer says so when it needs one`() throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    let store = try Store(writingIn: directory, options: options)
    directory.fail("create", with: .noSpace)
    let error = #expect(throws: StoreError.self) {
      _ = try fill(store, bytes: 2 * Self.megabyte)
    }
    #expect(error == .full(scratch.store))
    directory.fail("create", with: nil)
    _ = try fill(store, bytes: 2 * Self.megabyte, from: 5000)
    try store.close()
    #expect(try Store.verify(at: scratch.store).isSound)
  }
}
