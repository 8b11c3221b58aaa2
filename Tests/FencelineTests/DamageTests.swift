// Damage: whatever the bytes are, the answer is right or a typed error that names file and offset.

import Fenceline
import Foundation
import JournalFormat
import SystemPackage
import Testing

struct DamageTests {
  private static let segment = "00000001.segment"

  /// A closed store with three keys of one record each; returns where their records start.
  private func makeStore(_ scratch: Scratch) throws -> [String: Int] {
    let store = try Store.open(at: scratch.store)
    for key in ["one", "two", "three"] {
      try store.put(key, "value of \(key)", durability: .durable)
    }
    var offsets: [String: Int] = [:]
    try store.forEach { (key, _, location) in
      offsets[String(decoding: key.array, as: UTF8.self)] = location.offset
      return .next
    }
    try store.close()
    return offsets
  }

  private func corrupt(
    _ scratch: Scratch,
    _ name: String = segment,
    at offset: Int,
    _ cause: CorruptionCause
  ) -> StoreError {
    .corrupt(file: scratch.store.appending(name), offset: offset, cause: cause)
  }

  @Test func `A damaged value is refused, other keys can be read, writing waits`() throws {
    let scratch = try Scratch()
    let offset = try #require(try makeStore(scratch)["two"])
    try scratch.patch(Self.segment) { $0[offset + 30] ^= 0x10 }
    let expected = corrupt(scratch, at: offset, .recordBody)
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try store.get("one") == "value of one")
    #expect(try store.get("three") == "value of three")
    #expect(throws: expected) { try store.get("two") }
    #expect(try store.get("never there") == nil)
    #expect(throws: expected) { try store.count }
    #expect(throws: expected) { try store.dictionary() }
    #expect(throws: expected) { try Store.open(at: scratch.store) }
    #expect(try Store.verify(at: scratch.store).findings == [expected])
  }

  @Test func `A damaged record header costs a closed store that record only`() throws {
    let scratch = try Scratch()
    let offset = try #require(try makeStore(scratch)["two"])
    try scratch.patch(Self.segment) { $0[offset + RecordField.valueLength] ^= 1 }
    let expected = corrupt(scratch, at: offset, .recordHeader)
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try store.get("one") == "value of one")
    #expect(throws: expected) { try store.get("two") }
    #expect(try store.get("three") == "value of three")
    #expect(try store.get("never there") == nil)
    #expect(throws: expected) { try store.count }
    #expect(throws: expected) { try Store.open(at: scratch.store) }
  }

  /// Nothing says yet which key it was: it may have been any that is not younger.
  @Test func `A damaged record header in a killed store has older keys refused`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in ["one", "two", "three"] { try store.put(key, "value", durability: .durable) }
    let killed = Scratch.at(try scratch.copyOfFiles())
    try killed.patch(Self.segment) { $0[4096 + 64 + RecordField.valueLength] ^= 1 }
    let expected = StoreError.corrupt(
      file: killed.store.appending(Self.segment),
      offset: 4096 + 64,
      cause: .recordHeader
    )
    let opened = try Store.openReadOnly(at: killed.store)
    #expect(throws: expected) { try opened.get("one") }
    #expect(throws: expected) { try opened.get("two") }
    #expect(throws: expected) { try opened.get("never there") }
    #expect(try opened.get("three") == "value")
    // What is refused is not shown either.
    var isShown = false
    let one = Array("one".utf8)
    _ = try? opened.withValue(forKey: unsafe one.span.bytes) { _ in isShown = true }
    #expect(!isShown)
  }

  @Test func `A limit counts the entries that are sound, and hides no damage`() throws {
    let scratch = try Scratch()
    let offset = try #require(try makeStore(scratch)["two"])
    try scratch.patch(Self.segment) { $0[offset + 8] ^= 0x10 }
    let store = try Store.openReadOnly(at: scratch.store)
    var keys: [String] = []
    // What is lost may come before "one".
    #expect(throws: corrupt(scratch, at: offset, .recordHeader)) {
      try store.forEach(order: .byKey, limit: 1) { (key, _, _) in
        keys.append(String(decoding: key.array, as: UTF8.self))
        return .next
      }
    }
    #expect(keys == ["one"])
  }

  @Test func `A damaged pad or close record concerns no key`() throws {
    for distance in [50, 64 * 3 + 1] {
      let scratch = try Scratch()
      let offset = try #require(try makeStore(scratch)["one"])
      try scratch.patch(Self.segment) { $0[offset + distance] ^= 1 }
      let store = try Store.openReadOnly(at: scratch.store)
      #expect(try store.dictionary().count == 3)
      #expect(try store.get("never there") == nil)
      #expect(try store.statistics().damageCount <= 1)
    }
  }

  /// The last page of a closed store, lost: without the close mark this would look like a crash in
  /// the middle of a write, and its keys like keys that never were.
  @Test func `A closed store whose end is zeroed is damaged, not shorter`() throws {
    let scratch = try Scratch()
    let offset = try #require(try makeStore(scratch)["two"])
    try scratch.patch(Self.segment) {
      $0.replaceSubrange(offset..<offset + 4096, with: Data(count: 4096))
    }
    let expected = corrupt(scratch, at: offset, .recordHeader)
    #expect(throws: expected) { try Store.open(at: scratch.store) }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(throws: expected) { try store.get("three") }
  }

  /// The same store, not closed: the last batch can't be told from an unfinished write.
  @Test func `In a killed store only the last batch can pass for an unfinished write`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in ["one", "two", "three"] { try store.put(key, "value", durability: .durable) }
    let killed = Scratch.at(try scratch.copyOfFiles())
    try killed.patch(Self.segment) { $0[4096 + 128 + 5] ^= 0xff }
    let opened = try Store.openReadOnly(at: killed.store)
    #expect(try opened.get("two") == "value")
    #expect(try opened.get("three") == nil)
    #expect(try opened.statistics().hadTornTail)
    try killed.patch(Self.segment) { $0[4096 + 128 + 5] ^= 0xff }
    try killed.patch(Self.segment) { $0[4096 + 64 + 5] ^= 0xff }
    #expect(throws: StoreError.self) { try Store.open(at: killed.store) }
  }

  @Test(arguments: [0, 1, 127, 4095, 4096, 4096 + 64, 5000, 200_000])
  func `A truncated segment can be read as far as it goes`(length: Int) throws {
    let scratch = try Scratch()
    _ = try makeStore(scratch)
    try scratch.patch(Self.segment) { $0 = $0.prefix(length) }
    let error = corrupt(scratch, at: length, .fileLength)
    let whenEmpty = corrupt(scratch, at: 0, .fileLength)
    #expect(throws: length == 0 ? whenEmpty : error) { try Store.open(at: scratch.store) }
    guard length >= SegmentField.journalStart else {
      #expect(throws: length == 0 ? whenEmpty : error) { try Store.openReadOnly(at: scratch.store) }
      return
    }
    let store = try Store.openReadOnly(at: scratch.store)
    if length >= 5000 {
      #expect(try store.dictionary().count == 3)
      #expect(try store.get("never there") == nil)
    } else {
      #expect(throws: corrupt(scratch, at: length, .journalEndsEarly)) { try store.get("three") }
      #expect(throws: StoreError.self) { try store.get("never there") }
      #expect(throws: StoreError.self) { try store.count }
    }
  }

  @Test func `Headers of other versions, names and stores are told apart`() throws {
    let scratch = try Scratch()
    _ = try makeStore(scratch)
    let original = try scratch.contents()[Self.segment] ?? Data()
    func expectOpening(_ error: StoreError, _ change: (inout Data) -> Void) throws {
      var data = original
      change(&data)
      try data.write(to: scratch.url(Self.segment))
      #expect(throws: error) { try Store.openReadOnly(at: scratch.store) }
      #expect(throws: error) { try Store.open(at: scratch.store) }
    }
    let file = scratch.store.appending(Self.segment)
    try expectOpening(.newerFormat(file: file, feature: "format 2")) {
      $0[SegmentField.formatVersion] = 2
      $0.sealHeader()
    }
    try expectOpening(.newerFormat(file: file, feature: "required features 0x80")) {
      $0[SegmentField.requiredFeatures] = 0x80
      $0.sealHeader()
    }
    for field in [0, SegmentField.incarnation] {
      try expectOpening(corrupt(scratch, at: 0, .segmentHeader)) {
        $0[field] ^= 1
        $0[SegmentField.headerCopy + field] ^= 1
      }
    }
  }

  @Test func `An unknown record flag is a newer format, not damage`() throws {
    let scratch = try Scratch()
    let offset = try #require(try makeStore(scratch)["two"])
    try scratch.patch(Self.segment) {
      $0[offset + RecordField.kindAndFlags + 1] |= 0x80
      $0.sealRecordHeader(at: offset)
    }
    let file = scratch.store.appending(Self.segment)
    #expect(throws: StoreError.newerFormat(file: file, feature: "record flags 0x8000")) {
      try Store.openReadOnly(at: scratch.store)
    }
  }

  /// Every single bit of a small closed store: never a trap, a wrong value or a false "not found".
  @Test func `No flipped bit gives a wrong answer`() throws {
    let scratch = try Scratch()
    let offsets = try makeStore(scratch)
    let expected = ["one": "value of one", "two": "value of two", "three": "value of three"]
    let last = try #require(offsets.values.max()) + 128
    let original = try Data(contentsOf: scratch.url(Self.segment))
    let positions = Array(0..<128) + Array(512..<544) + Array(4096..<last)
    for position in positions {
      for bit in stride(from: position % 3, to: 8, by: 3) {
        var data = original
        data[position] ^= 1 << UInt8(bit)
        try data.write(to: scratch.url(Self.segment))
        guard let store = try? Store.openReadOnly(at: scratch.store) else { continue }
        for (key, value) in expected {
          if let found = try? store.get(key) { #expect(found == value, "byte \(position)") }
        }
        if let count = try? store.count { #expect(count == 3, "byte \(position)") }
        if let missing = try? store.get("never there") { Issue.record("found \(missing)") }
        guard let writer = try? Store.open(at: scratch.store) else { continue }
        #expect(try writer.dictionary().count == 3, "byte \(position)")
        try writer.close()
        for name in try scratch.contents().keys where name != Self.segment && name != "lock" {
          try FileManager.default.removeItem(at: scratch.url(name))
        }
      }
    }
  }
}
