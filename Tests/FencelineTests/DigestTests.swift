// Whole files and headers that are lost, cut, swapped or doubled: digests say which keys are
// concerned, and every other key answers.

import Fenceline
import Foundation
import JournalFormat
import SystemPackage
import Testing

struct DigestTests {
  private let scratch: Scratch
  private let names: [String]
  private let keys = (0..<1000).map { "key \($0)" }
  /// Where the newest record of each key stands.
  private let locations: [String: EntryLocation]

  /// A closed store of several segments: a thousand keys, every tenth of them written twice, some
  /// deleted again.
  init() throws {
    scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for key in keys { try store.put(key, "first \(key)") }
    for key in keys where key.hasSuffix("0") { try store.put(key, "second \(key)") }
    for key in keys where key.hasSuffix("7") { try store.delete(key) }
    var found: [String: EntryLocation] = [:]
    try store.forEach { (key, _, location) in
      found[String(decoding: key.array, as: UTF8.self)] = location
      return .next
    }
    locations = found
    try store.close()
    names = try FileManager.default.contentsOfDirectory(atPath: scratch.store.string)
      .filter { $0.hasSuffix("segment") }.sorted()
    #expect(names.count > 4)
  }

  private func value(_ key: String) -> String? {
    key.hasSuffix("7") ? nil : key.hasSuffix("0") ? "second \(key)" : "first \(key)"
  }

  private func data(_ name: String) throws -> Data { try Data(contentsOf: scratch.url(name)) }

  /// Every key answers rightly; those that the segment `lost` concerns may refuse.
  ///
  /// - Returns: how many keys refuse.
  private func refusals(losing lost: UInt32?, _ errors: [StoreError]) throws -> Int {
    let store = try Store.openReadOnly(at: scratch.store)
    var refused = 0
    for key in keys {
      do throws(StoreError) {
        let found = try store.get(key)
        #expect(found == value(key), "\(key)")
      } catch {
        refused += 1
        #expect(errors.contains(error))
        // A deleted key stands nowhere, and no other version of a key is lost with this segment.
        if let location = locations[key] { #expect(location.segment == lost, "\(key)") }
      }
    }
    #expect(throws: StoreError.self) { try Store.open(at: scratch.store) }
    let findings = try Store.verify(at: scratch.store).findings
    for error in errors { #expect(findings.contains(error)) }
    return refused
  }

  private func corrupt(_ name: String, at offset: Int, _ cause: CorruptionCause) -> StoreError {
    .corrupt(file: scratch.store.appending(name), offset: offset, cause: cause)
  }

  @Test func `A missing segment costs its own keys only`() throws {
    for name in names.dropLast() {
      let own = try data(name)
      try FileManager.default.removeItem(at: scratch.url(name))
      let id = try #require(UInt32(name.prefix(8), radix: 16))
      let inIt = locations.values.count { $0.segment == id }
      let error = corrupt(name, at: 0, .missingSegment)
      #expect(try refusals(losing: id, [error]) >= inIt)
      try own.write(to: scratch.url(name))
    }
    let all = try Store.openReadOnly(at: scratch.store)
    for key in keys { #expect(try all.get(key) == value(key)) }
  }

  /// The one before says that another came: without that, this would be a sound, shorter store.
  @Test func `A missing newest segment is missed`() throws {
    let newest = try #require(names.last)
    try FileManager.default.removeItem(at: scratch.url(newest))
    let error = corrupt(newest, at: 0, .missingSegment)
    #expect(try Store.verify(at: scratch.store).findings == [error])
    #expect(throws: error) { try Store.open(at: scratch.store) }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(throws: error) { try store.get("key 1") }
    #expect(throws: error) { try store.get("never there") }
  }

  /// A crash between the name of a segment and the mark of the one before leaves an empty segment;
  /// the recovery that replaces it makes up for the mark.
  @Test func `A mark that a crash kept from being written is made up for`() throws {
    let scratch = try Scratch()
    let first = try Store.open(at: scratch.store)
    try first.put("key", "value", durability: .durable)
    let killed = Scratch.at(try scratch.copyOfFiles())
    let second = try Store.open(at: killed.store)
    let copy = Scratch.at(scratch.root.appending("again"))
    try FileManager.default.copyItem(atPath: killed.store.string, toPath: copy.store.string)
    let mark = SegmentField.closeMark..<SegmentField.closeMark + CloseMarkField.markEnd
    try copy.patch("00000001.segment") { $0.replaceSubrange(mark, with: Data(count: mark.count)) }
    let third = try Store.open(at: copy.store)
    try third.put("another", "value", durability: .durable)
    try FileManager.default.removeItem(atPath: copy.store.appending("00000003.segment").string)
    #expect(throws: StoreError.self) { try Store.openReadOnly(at: copy.store).get("another") }
    #expect(try second.get("key") == "value")
  }

  @Test func `A lost header is read from its copy, a lost first page from the successor`() throws {
    for (name, length) in [(names[1], 128), (names[1], 4096), (names[names.count - 1], 512)] {
      let own = try data(name)
      try scratch.patch(name) { $0.replaceSubrange(0..<length, with: Data(count: length)) }
      #expect(try refusals(losing: nil, [corrupt(name, at: 0, .segmentHeader)]) == 0)
      try own.write(to: scratch.url(name))
    }
  }

  @Test func `A damaged copy of a header is a finding, and the next writer mends it`() throws {
    try scratch.patch(names[1]) { $0[SegmentField.headerCopy + 40] ^= 1 }
    let finding = corrupt(names[1], at: SegmentField.headerCopy, .segmentHeader)
    #expect(try Store.verify(at: scratch.store).findings == [finding])
    let store = try Store.open(at: scratch.store)
    #expect(try store.get("key 1") == "first key 1")
    try store.close()
    #expect(try Store.verify(at: scratch.store).isSound)
  }

  @Test func `A segment of another store costs its own keys only`() throws {
    let other = try DigestTests()
    let name = names[1]
    try other.data(name).write(to: scratch.url(name))
    let error = corrupt(name, at: SegmentField.storeID, .foreignStore)
    #expect(try refusals(losing: 2, [error]) > 0)
  }

  /// Links are not followed: they could lead out of the store, to a file that changes under it.
  @Test func `What is no file costs its own keys only`() throws {
    let name = names[1]
    let own = try data(name)
    let manager = FileManager.default
    try own.write(to: URL(filePath: scratch.root.appending("elsewhere").string))
    let error = corrupt(name, at: 0, .notAFile)
    try manager.removeItem(at: scratch.url(name))
    try manager.createSymbolicLink(
      at: scratch.url(name),
      withDestinationURL: URL(filePath: scratch.root.appending("elsewhere").string)
    )
    #expect(try refusals(losing: 2, [error]) > 0)
    try manager.removeItem(at: scratch.url(name))
    try manager.createDirectory(at: scratch.url(name), withIntermediateDirectories: false)
    #expect(try refusals(losing: 2, [error]) > 0)
    try manager.removeItem(at: scratch.url(name))
    #expect(unsafe mkfifo(scratch.url(name).path, 0o600) == 0)
    #expect(try refusals(losing: 2, [error]) > 0)
  }

  @Test func `Segments that have changed names are told by their headers`() throws {
    let (first, second) = (names[0], names[2])
    let (one, three) = (try data(first), try data(second))
    try one.write(to: scratch.url(second))
    try three.write(to: scratch.url(first))
    let errors = [first, second].map { corrupt($0, at: SegmentField.segmentID, .foreignSegment) }
    #expect(try refusals(losing: nil, errors) == 0)
  }

  @Test func `A doubled segment costs nothing: the newest one has no successor`() throws {
    let copy = "00000077.segment"
    try data(names[1]).write(to: scratch.url(copy))
    let error = corrupt(copy, at: SegmentField.segmentID, .foreignSegment)
    #expect(try refusals(losing: nil, [error]) == 0)
    // The same in a store that was not closed.
    let page = SegmentField.closeMark..<SegmentField.closeMark + CloseMarkField.markEnd
    try scratch.patch(names[names.count - 1]) {
      $0.replaceSubrange(page, with: Data(count: page.count))
    }
    #expect(try refusals(losing: nil, [error]) == 0)
  }

  @Test func `A cut segment costs what was cut off`() throws {
    let name = names[1]
    let own = try data(name)
    for length in [1000, 4096, 6000, own.count - 1] {
      try own.prefix(length).write(to: scratch.url(name))
      let cut = locations.values.count {
        $0.segment == 2 && $0.offset + $0.recordLength > length
      }
      let inIt = locations.values.count { $0.segment == 2 }
      let refused = try refusals(losing: 2, [corrupt(name, at: length, .fileLength)] + later(name))
      // Deleted keys of the part that was cut off refuse too.
      #expect(refused >= cut && (length < 4096 || refused < inIt + 100))
    }
  }

  /// Any damage within a segment's journal, as reading it reports it.
  private func later(_ name: String) throws -> [StoreError] {
    try Store.verify(at: scratch.store).findings.filter {
      guard case .corrupt(let file, _, _) = $0 else { return false }
      return file.lastComponent?.string == name
    }
  }

  @Test func `A damaged record of a long transaction costs that record only`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("gone", "value")
    try store.transaction { (batch) throws in
      for number in 0..<100 { try batch.put("key \(number)", "value") }
      try batch.delete("gone")
    }
    var offset = 0
    try store.forEach(prefix: Array("key 50".utf8)) { (_, _, location) in
      offset = location.offset
      return .stop
    }
    try store.close()
    try scratch.patch(names[0]) { $0[offset + RecordField.keyLength] ^= 1 }
    let damaged = try Store.openReadOnly(at: scratch.store)
    for number in 0..<100 where number != 50 {
      #expect(try damaged.get("key \(number)") == "value")
    }
    #expect(throws: StoreError.self) { try damaged.get("key 50") }
    #expect(try damaged.get("key 100") == nil)
    // What is whole of the transaction counts, its deletes included.
    #expect(try damaged.get("gone") == nil)
  }

  /// Each close record describes what came since the last one.
  @Test func `A store that was closed many times knows each of its records`() throws {
    let scratch = try Scratch()
    var offsets: [Int] = []
    for number in 0..<5 {
      let store = try Store.open(at: scratch.store)
      try store.put("key \(number)", "value")
      try store.forEach(prefix: Array("key \(number)".utf8)) { (_, _, location) in
        offsets.append(location.offset)
        return .stop
      }
      try store.close()
    }
    for (number, offset) in offsets.enumerated() {
      try scratch.patch(names[0]) { $0[offset + RecordField.keyLength] ^= 1 }
      let damaged = try Store.openReadOnly(at: scratch.store)
      for other in 0..<5 where other != number {
        #expect(try damaged.get("key \(other)") == "value", "\(other) without \(number)")
      }
      #expect(throws: StoreError.self) { try damaged.get("key \(number)") }
      #expect(try damaged.get("never there") == nil)
      try scratch.patch(names[0]) { $0[offset + RecordField.keyLength] ^= 1 }
    }
  }

  /// Digests of more than 64 KiB carry checksums by chunk, as long values do.
  @Test func `Long digests are read back`() throws {
    let scratch = try Scratch()
    var options = StoreOptions()
    options.segmentOptions.smallest = 2 << 20
    options.segmentOptions.largest = 2 << 20
    let store = try Store.open(at: scratch.store, options: options)
    for number in 0..<100_000 { try store.put("\(number)", "v") }
    #expect(try store.segments().count == 2)
    var offsets: [String: EntryLocation] = [:]
    for key in ["100", "99999"] {
      try store.forEach(prefix: Array(key.utf8), order: .byKey, limit: 1) { (_, _, location) in
        offsets[key] = location
        return .stop
      }
    }
    try store.close()
    for (key, location) in offsets {
      let name = String(format: "%08x.segment", location.segment)
      let header = location.offset + RecordField.keyLength
      try scratch.patch(name) { $0[header] ^= 1 }
      let damaged = try Store.openReadOnly(at: scratch.store)
      #expect(throws: StoreError.self) { try damaged.get(key) }
      let refused = (0..<100_000).count { (try? damaged.get("\($0)")) != "v" }
      // Two keys in 32,768 have the same mark.
      #expect(refused <= 12, "\(key): \(refused)")
      try scratch.patch(name) { $0[header] ^= 1 }
    }
  }

  /// The segment that a killed process leaves is described by the one that recovery creates.
  @Test func `After a recovery, too, a damaged record costs itself only`() throws {
    let scratch = try Scratch()
    let first = try Store.open(at: scratch.store)
    for key in ["one", "two", "three"] { try first.put(key, "value", durability: .durable) }
    let killed = Scratch.at(try scratch.copyOfFiles())
    let second = try Store.open(at: killed.store)
    try second.put("four", "value", durability: .durable)
    try killed.patch("00000001.segment") { $0[4096 + 64 + RecordField.valueLength] ^= 1 }
    let opened = try Store.openReadOnly(at: killed.store)
    for key in ["one", "three", "four"] { #expect(try opened.get(key) == "value") }
    #expect(throws: StoreError.self) { try opened.get("two") }
    #expect(try opened.get("five") == nil)
    _ = second
  }

  /// A recovery describes the segment before; killed again at once, it must not leave one more.
  @Test func `A store that is killed over and over does not grow`() throws {
    let scratch = try Scratch()
    var store = try Store.open(at: scratch.store)
    try store.put("key", "value", durability: .durable)
    var path = scratch.store
    for _ in 0..<5 {
      let copy = scratch.root.appending("copy-\(UUID().uuidString)")
      try FileManager.default.copyItem(atPath: path.string, toPath: copy.string)
      path = copy
      store = try Store.open(at: path)
      let files = try FileManager.default.contentsOfDirectory(atPath: path.string)
      #expect(files.count { $0.hasSuffix("segment") } == 2)
      #expect(try store.segments().count == 2)
      #expect(try store.get("key") == "value")
    }
  }
}
