// A cursor goes where it is told to, and what it shows stays as it was.

import Fenceline
import Foundation
import Testing

@testable import Fenceline

struct CursorTests {
  /// A move came to `key`, or to no entry.
  private func check(
    _ isThere: Bool,
    _ cursor: borrowing Cursor,
    _ key: String?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = cursor.key.map { String(decoding: $0, as: UTF8.self) }
    let isOnEntry = cursor.isOnEntry
    #expect(found == key, sourceLocation: sourceLocation)
    #expect(isThere == isOnEntry && isThere == (key != nil), sourceLocation: sourceLocation)
  }

  /// A move throws, and the cursor shows nothing.
  private func checkFails(
    _ cursor: inout Cursor,
    _ move: (inout Cursor) throws(StoreError) -> Bool
  ) {
    var failure: StoreError?
    do throws(StoreError) { _ = try move(&cursor) } catch { failure = error }
    let isOnEntry = cursor.isOnEntry
    #expect(failure != nil && !isOnEntry)
  }

  @Test func `A cursor goes to ends and to keys, and turns round everywhere`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in ["b", "d", "", "f"] { try store.put(key, "value of \(key)") }
    try store.withCursor { (cursor) in
      check(false, cursor, nil)
      var (value, location) = (cursor.value, cursor.location)
      #expect(value == nil && location == nil)
      for key in ["", "b", "d", "f"] {
        check(try cursor.next(), cursor, key)
        value = cursor.value
        #expect(value == Array("value of \(key)".utf8))
      }
      // Behind the last one, however often, and back.
      for _ in 0..<3 { check(try cursor.next(), cursor, nil) }
      check(try cursor.previous(), cursor, "f")
      check(try cursor.seek(to: "c"), cursor, "d")
      check(try cursor.previous(), cursor, "b")
      check(try cursor.next(), cursor, "d")
      check(try cursor.seek(to: "d"), cursor, "d")
      check(try cursor.seek(to: "g"), cursor, nil)
      check(try cursor.previous(), cursor, "f")
      check(try cursor.seek(before: "d"), cursor, "b")
      check(try cursor.seek(before: "z"), cursor, "f")
      check(try cursor.seek(before: ""), cursor, nil)
      check(try cursor.previous(), cursor, nil)
      check(try cursor.next(), cursor, "")
      check(try cursor.seekToLast(), cursor, "f")
      check(try cursor.seekToFirst(), cursor, "")
      location = cursor.location
      #expect(location?.recordLength ?? 0 > 0)
    }
    try store.withCursor { (cursor) in check(try cursor.previous(), cursor, "f") }
  }

  @Test func `A cursor over nothing is on no entry`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.withCursor { (cursor) in
      for _ in 0..<2 {
        check(try cursor.next(), cursor, nil)
        check(try cursor.previous(), cursor, nil)
        check(try cursor.seekToFirst(), cursor, nil)
        check(try cursor.seekToLast(), cursor, nil)
        check(try cursor.seek(to: "a"), cursor, nil)
        check(try cursor.seek(before: "a"), cursor, nil)
      }
    }
    try store.close()
    #expect(throws: StoreError.closed) { try store.withCursor { _ in } }
  }

  @Test func `A cursor of a store that is closed meanwhile says so`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("a", "b")
    try store.withCursor { (cursor) in
      check(try cursor.next(), cursor, "a")
      try store.close()
      checkFails(&cursor) { (cursor) throws(StoreError) in try cursor.next() }
    }
  }

  @Test(arguments: TestMedium.allCases)
  func `What a cursor shows stays as it was through writes and compactions`(medium: TestMedium)
    throws
  {
    var generator = SeededGenerator(label: "stable cursor")
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    func key(_ number: Int) -> [UInt8] { Array("key \(10_000 + number)".utf8) }
    for number in 0..<1000 { try store.put(key(number), key(number)) }
    try store.withCursor { (cursor) in
      for number in 0..<1000 {
        let isThere = try cursor.next()
        let (found, value) = (cursor.key, cursor.value)
        #expect(isThere && found == key(number) && value == key(number))
        if number.isMultiple(of: 100) {
          for _ in 0..<300 {
            try store.put(key(Int.random(in: 0..<1200, using: &generator)), [1, 2, 3])
            try store.delete(key(Int.random(in: 0..<1200, using: &generator)))
          }
          try store.compact(sealingAlways: true)
        }
      }
      // Others see what is there now.
      let now = try store.dictionary()
      var count = 0
      try store.forEach(order: .descending) { (key, value, _) in
        if now[key.array] == value.array { count += 1 }
        return .next
      }
      #expect(count == now.count && count < 1200)
      for number in (0..<1000).reversed() where number != 999 {
        let isThere = try cursor.previous()
        let (found, value) = (cursor.key, cursor.value)
        #expect(isThere && found == key(number) && value == key(number))
      }
    }
    try store.order.checkInvariants()
  }

  @Test func `A damaged entry is passed over, and reported when everything else was shown`() throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in ["a", "b", "c"] { try store.put(key, "value of \(key)") }
    func keys(_ order: IterationOrder) -> (keys: String, failure: StoreError?) {
      var keys = ""
      do throws(StoreError) {
        try store.forEach(order: order) { (key, _, _) in
          keys += String(decoding: key.array, as: UTF8.self)
          return .next
        }
        return (keys, nil)
      } catch {
        return (keys, error)
      }
    }
    func flip(_ text: String) throws {
      // In place: the store has the file mapped.
      let contents = try scratch.contents()
      let found = contents.lazy.compactMap { (name, data) in
        data.range(of: Data(text.utf8)).map { (name, $0.lowerBound) }
      }.first
      let (name, place) = try #require(found)
      let file = try FileHandle(forUpdating: scratch.url(name))
      try file.seek(toOffset: UInt64(place))
      let byte = try #require(try file.read(upToCount: 1)?.first)
      try file.seek(toOffset: UInt64(place))
      try file.write(contentsOf: Data([byte ^ 1]))
      try file.close()
    }
    #expect(keys(.ascending) == ("abc", nil))
    // A value, behind a tree that was built before.
    try flip("value of b")
    for order in [IterationOrder.ascending, .unordered] {
      let (keys, failure) = keys(order)
      #expect(keys.sorted() == ["a", "c"] && failure?.isDamage == true)
    }
    #expect(keys(.descending).keys == "ca")
    try store.withCursor { (cursor) in
      check(try cursor.next(), cursor, "a")
      checkFails(&cursor) { (cursor) throws(StoreError) in try cursor.next() }
      check(try cursor.next(), cursor, "c")
      check(try cursor.next(), cursor, nil)
    }
    // A key, where a tree is built: it has no place there.
    try flip("bwalue of")
    store.order.discard()
    #expect(keys(.ascending).keys == "ac" && keys(.ascending).failure?.isDamage == true)
    #expect(keys(.descending).keys == "ca" && keys(.descending).failure?.isDamage == true)
    try store.withCursor { (cursor) in
      check(try cursor.seekToLast(), cursor, "c")
      check(try cursor.previous(), cursor, "a")
      checkFails(&cursor) { (cursor) throws(StoreError) in try cursor.previous() }
      check(try cursor.previous(), cursor, nil)
    }
    try store.put("d", "value of d")
    #expect(keys(.ascending).keys == "acd" && keys(.ascending).failure?.isDamage == true)
  }

  @Test func `A tree that nobody asks for is given up by the compactions that it would cost`()
    throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    func overwrite() throws {
      for number in 0..<400 { try store.put("key \(number)", "a value") }
      try store.compact(sealingAlways: true)
    }
    try overwrite()
    #expect(store.orderByteCount == 0)
    try store.withCursor { _ in }
    #expect(store.orderByteCount > 0)
    for _ in 0..<40 where store.orderByteCount > 0 { try overwrite() }
    #expect(store.orderByteCount == 0)
    try store.order.checkInvariants()
    #expect(store.orderByteCount > 0)
  }
}
