// Regression tests, each with the story of its fault.

import Fenceline
import Foundation
import JournalFormat
import SystemPackage
import Testing

struct RegressionTests {
  private static let segment = "00000001.segment"

  /// A lost page takes several records along.
  ///
  /// The one that straddles its start keeps its header, and
  /// was once taken for all that was lost: the others' older versions, or their absence, were handed
  /// out as answers.
  @Test func `A lost page gives no stale value and no false absence`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let keys = (0..<60).map { "key \($0)" }
    for key in keys { try store.put(key, "old \(key)") }
    for key in keys { try store.put(key, String(repeating: "new \(key) ", count: 30)) }
    try store.close()
    let original = try Data(contentsOf: scratch.url(Self.segment))
    for page in 2..<6 {
      var data = original
      data.replaceSubrange(page * 4096..<page * 4096 + 4096, with: Data(count: 4096))
      try data.write(to: scratch.url(Self.segment))
      let damaged = try Store.openReadOnly(at: scratch.store)
      var answered = 0
      for key in keys {
        guard let value = try? damaged.get(key) else { continue }
        #expect(value == String(repeating: "new \(key) ", count: 30), "page \(page)")
        answered += 1
      }
      #expect(answered < keys.count)
      // An enumeration does not hand out what may have been superseded either.
      _ = try? damaged.forEach { (key, value, _) in
        #expect(value.array.starts(with: Array("new".utf8)), "page \(page)")
        return .next
      }
    }
  }

  /// Segments are known by their headers, and two first pages had changed places.
  ///
  /// The newest segment of a killed store then had a body that did not belong to it, which looked
  /// like an unfinished write from its first record on: its keys were answered with older values.
  @Test func `Two first pages that changed places give no stale value`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let value = String(repeating: "x", count: 1000)
    try store.put("alpha", "old", durability: .durable)
    for number in 0..<40 { try store.put("key \(number)", value) }
    try store.put("alpha", "new", durability: .durable)
    let segments = try store.segments().map(\.fileName)
    #expect(segments.count > 2)
    let killed = Scratch.at(try scratch.copyOfFiles())
    let (first, last) = (segments[0], segments[segments.count - 1])
    var page = Data()
    try killed.patch(first) { page = Data($0.prefix(4096)) }
    try killed.patch(last) { (data) in
      let own = Data(data.prefix(4096))
      data.replaceSubrange(0..<4096, with: page)
      page = own
    }
    try killed.patch(first) { $0.replaceSubrange(0..<4096, with: page) }
    let damaged = try Store.openReadOnly(at: killed.store)
    #expect(throws: StoreError.self) { try damaged.get("alpha") }
    #expect(throws: StoreError.self) { try Store.open(at: killed.store) }
  }

  /// `get` gives nil only where the absence is certain.
  @Test func `With a lost page, "not found" is an error`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for number in 0..<200 { try store.put("key \(number)", String(repeating: "x", count: 50)) }
    try store.close()
    try scratch.patch(Self.segment) {
      $0.replaceSubrange(8192..<12288, with: Data(count: 4096))
    }
    let damaged = try Store.openReadOnly(at: scratch.store)
    for number in 0..<200 {
      do { #expect(try damaged.get("key \(number)") != nil, "key \(number)") } catch {}
    }
  }

  /// The writer's own store can hit a page that is gone.
  ///
  /// The handler puts a page of zeros there; a
  /// record written into it was once acknowledged as durable.
  @Test func `A durable commit into a mapping that has lost a page is not acknowledged`() throws {
    let scratch = try Scratch(.temporaryFileSystem)
    let store = try Store.open(at: scratch.store)
    try store.put("a", "1", durability: .durable)
    let file = scratch.store.appending(Self.segment)
    #expect(unsafe truncate(file.string, 4096) == 0)
    let error = #expect(throws: StoreError.self) {
      try store.put("b", "2", durability: .durable)
    }
    guard case .mediaError(file, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(throws: StoreError.poisoned) { try store.put("c", "3") }
    #expect(throws: StoreError.poisoned) { try store.close() }
  }

  /// Segments were once created by path: a store that was moved away while it was open wrote its next
  /// segment into whatever store had taken its place.
  @Test func `A store that is moved while it is open goes on where it is`() throws {
    let scratch = try Scratch()
    let moved = scratch.root.appending("moved")
    let first = try Store.open(at: scratch.store, options: .smallSegments)
    try first.put("first", "1", durability: .durable)
    try FileManager.default.moveItem(atPath: scratch.store.string, toPath: moved.string)
    let second = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<600 {
      try second.put("second \(number)", String(repeating: "y", count: 100), durability: .durable)
      try first.put("first \(number)", String(repeating: "x", count: 100), durability: .durable)
    }
    try first.close()
    try second.close()
    #expect(try Store.openReadOnly(at: scratch.store).count == 600)
    #expect(try Store.openReadOnly(at: moved).count == 601)
  }

  /// A close that fails still lets others write.
  @Test func `A failed close gives the lock up`() throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    let store = try Store(writingIn: directory, options: .smallSegments)
    directory.fail("rename", with: .ioError)
    #expect(throws: StoreError.self) {
      for number in 0..<10_000 { try store.put("key \(number)", "value", durability: .durable) }
    }
    #expect(throws: StoreError.poisoned) { try store.close() }
    #expect(try Store.open(at: scratch.store).count > 100)
  }

  private static let hostileNumbers: [(Int, UInt64)] = [
    (SegmentField.firstSequence, .max), (SegmentField.incarnation, .max),
    (SegmentField.firstSequence, .max >> 1), (SegmentField.predecessorEnd, .max),
    (SegmentField.capacity, .max), (SegmentField.createdAt, .max),
    (SegmentField.capacity, 0), (SegmentField.capacity, 515),
  ]

  /// Numbers that a checksum vouches for and that no arithmetic survives.
  ///
  /// A segment that was said to be shorter than its own first page was once read beyond its end.
  @Test(arguments: hostileNumbers)
  func `Hostile numbers in a sound header are an error, not a trap`(
    offset: Int,
    number: UInt64
  ) throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    try scratch.patch(Self.segment) {
      $0.store(number, at: offset)
      $0.sealHeader()
    }
    _ = try? Store.openReadOnly(at: scratch.store).dictionary()
    guard let store = try? Store.open(at: scratch.store) else { return }
    _ = try? store.put("b", "2", durability: .durable)
    _ = try? store.close()
  }

  @Test func `A segment number at the end of its range is an error, not a trap`() throws {
    let scratch = try Scratch()
    do { try Store.open(at: scratch.store).put("a", "1", durability: .durable) }
    try scratch.patch(Self.segment) {
      $0.store(UInt32.max, at: SegmentField.segmentID)
      $0.sealHeader()
    }
    try FileManager.default.moveItem(
      at: scratch.url(Self.segment),
      to: scratch.url("ffffffff.segment")
    )
    #expect(throws: StoreError.self) { try Store.open(at: scratch.store) }
  }

  /// Every crash once cost a segment of full size, for ever.
  @Test(arguments: TestMedium.allCases)
  func `Crash after crash, a store takes little more than it holds`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    do {
      let store = try Store.open(at: scratch.store)
      for number in 0..<20_000 { try store.put("key \(number)", "value \(number)") }
      try store.sync()
    }
    for round in 0..<10 {
      try Store.open(at: scratch.store).put("round \(round)", "x", durability: .durable)
    }
    let store = try Store.openReadOnly(at: scratch.store)
    #expect(try store.count == 20_010)
    let allocated = try store.statistics().allocatedBytes
    #expect(allocated < 5 << 20, "\(allocated)")
  }

  /// A store may have more segments than a process may have open files.
  @Test func `Segments that are only read keep no file open`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<5000 { try store.put("key \(number)", String(repeating: "z", count: 100)) }
    #expect(try store.segments().count > 30)
    func openFiles() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
        let path = "/proc/self/fd/\($0)"
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        return target?.hasPrefix(scratch.store.string) ?? false
      }.count
    }
    #expect(try openFiles() <= 4)
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(try openFiles() <= 6)
    #expect(try reader.segments().map(\.allocatedBytes).allSatisfy { $0 > 0 })
  }
}
