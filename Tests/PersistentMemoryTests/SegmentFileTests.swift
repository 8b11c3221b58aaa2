// One segment's bytes on each kind of medium: what reaches the file, and with which flushes.

import CFlush
import Foundation
import SystemPackage
import Testing

@testable import PersistentMemory

/// A directory of its own, removed afterwards.
final class Scratch {
  let path: FilePath

  init(on root: String) throws {
    path = FilePath(root).appending("fenceline-medium-\(UUID().uuidString)")
    try FileSystemDirectory.create(path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  func open(writable: Bool = true, guardsReads: Bool = true) throws -> FileSystemDirectory {
    try FileSystemDirectory(path: path, writable: writable, guardsReads: guardsReads)
  }

  func data(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: path.appending(name).string))
  }
}

/// Events of the copy core, in order.
final class Recording {
  var events: [(kind: fl_event_kind, offset: Int, length: Int)] = []
  var base: UInt = 0
}

extension SegmentFile {
  func write(_ bytes: [UInt8], at offset: Int, flushed: Bool) {
    var header: [UInt8] = Array(bytes.prefix(8))
    var span = header.mutableSpan
    var raw = unsafe span.mutableBytes
    let rest = Array(bytes.dropFirst(8))
    append(
      at: offset,
      header: &raw,
      headerLength: 8,
      key: RawSpan(),
      value: unsafe rest.span.bytes,
      trailer: RawSpan(),
      seed: 0,
      flushed: flushed
    )
  }

  func bytes(_ range: Range<Int>) throws -> [UInt8] {
    try withGuardedBytes(range) { (span) in unsafe span.withUnsafeBytes { unsafe Array($0) } }
  }
}

struct SegmentFileTests {
  private static let isForced = ProcessInfo.processInfo.environment["PMEM_IS_PMEM_FORCE"] == "1"
  /// Both directories lie on persistent memory, as in the virtual machine of Tools/dax-vm.
  private static let isPersistent =
    ProcessInfo.processInfo.environment["FENCELINE_TEST_MEDIUM"] == "persistentMemory"

  @Test func `Media are told apart by trying`() throws {
    let temporary = try Scratch(on: "/dev/shm").open()
    let disk = try Scratch(on: "/var/tmp").open()
    if Self.isForced || Self.isPersistent {
      #expect(temporary.medium.kind == .persistentMemory)
      #expect(temporary.medium.isForced == Self.isForced)
      #expect(disk.medium.isForced == Self.isForced)
      #expect(["strict", "trusting"].contains(disk.medium.copyPolicy))
    } else {
      #expect(temporary.medium.kind == .volatile)
      #expect(disk.medium.kind == .file)
      #expect(temporary.medium.copyPolicy == "plain")
    }
  }

  @Test(arguments: ["/dev/shm", "/var/tmp"])
  func `What was persisted is in the file, under its name only after publishing`(
    root: String
  ) throws {
    let scratch = try Scratch(on: root)
    let directory = try scratch.open()
    let file = try directory.createSegment(named: "a", length: 16 << 10)
    try file.beginAppending(at: 4096, sharing: 0..<0)
    #expect(try directory.names().sorted() == ["a.new", "lock"])
    let record = [UInt8](1...200)
    file.write(record, at: 4096, flushed: false)
    try file.persist(4096..<4296, flushedFrom: 4296)
    try file.writeThrough(unsafe record.span.bytes, at: 512)
    try directory.publishSegment(named: "a")
    try directory.synchronize()
    #expect(try directory.names().sorted() == ["a", "lock"])
    let data = try scratch.data("a")
    #expect(data.count == 16 << 10)
    // The first four bytes of a record are its checksum.
    #expect(data[4100..<4296] == Data(record.dropFirst(4)))
    #expect(data[512..<712] == Data(record))
    #expect(data[4296...].allSatisfy { $0 == 0 })
    let again = try directory.openSegment(named: "a", writable: false)
    #expect(try again.bytes(512..<712) == record)
  }

  @Test func `On a file, bytes wait in the stage until they are persisted`() throws {
    guard !Self.isForced, !Self.isPersistent else { return }
    let scratch = try Scratch(on: "/var/tmp")
    let directory = try scratch.open()
    let file = try directory.createSegment(named: "a", length: 4 << 20)
    try file.beginAppending(at: 4096, sharing: 0..<0)
    let small = [UInt8](repeating: 7, count: 100)
    file.write(small, at: 4096, flushed: false)
    #expect(try scratch.data("a.new")[4096..<4196].allSatisfy { $0 == 0 })
    #expect(try file.writeBehind(4096..<4196) == nil)
    #expect(try scratch.data("a.new")[4100] == 0)
    let large = [UInt8](repeating: 8, count: 2 << 20)
    file.write(large, at: 4224, flushed: false)
    #expect(try file.writeBehind(4096..<4224 + large.count) == nil)
    #expect(try scratch.data("a.new")[4100] == 7)
    #expect(try scratch.data("a.new")[4300] == 8)
    file.write(small, at: 4224 + large.count, flushed: false)
    let end = 4224 + large.count + 100
    try file.persist(4096..<end, flushedFrom: end)
    #expect(try scratch.data("a.new")[end - 1] == 7)
    file.releaseStage()
    #expect(try file.bytes(4104..<4108) == [7, 7, 7, 7])
  }

  @Test func `Appends behind existing bytes see them in the stage`() throws {
    guard !Self.isForced, !Self.isPersistent else { return }
    let scratch = try Scratch(on: "/var/tmp")
    let directory = try scratch.open()
    do {
      let file = try directory.createSegment(named: "a", length: 16 << 10)
      try file.beginAppending(at: 0, sharing: 0..<0)
      file.write([UInt8](repeating: 3, count: 6000), at: 0, flushed: false)
      try file.persist(0..<6000, flushedFrom: 6000)
      try directory.publishSegment(named: "a")
    }
    let file = try directory.openSegment(named: "a", writable: true)
    try file.beginAppending(at: 6016, sharing: 0..<6016)
    let written = unsafe UnsafeRawBufferPointer(start: file.writtenBase, count: 6016)
    #expect(unsafe written[5999] == 3)
    try file.makeDurableAgain(0..<6000, synchronizing: true)
    #expect(try scratch.data("a")[5999] == 3)
  }

  @Test(arguments: [FL_POLICY_STRICT, FL_POLICY_TRUSTING])
  func `Persisting flushes each dirty line once and fences once`(policy: fl_policy) throws {
    let recording = Recording()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 8192, alignment: 4096)
    defer { unsafe memory.deallocate() }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: 8192)
    recording.base = UInt(bitPattern: memory)
    let context = unsafe Unmanaged.passUnretained(recording).toOpaque()
    let core = unsafe fl_core_recording(
      policy,
      { (context, event) in
        let recording = unsafe Unmanaged<Recording>.fromOpaque(context.unsafelyUnwrapped)
          .takeUnretainedValue()
        let event = unsafe event.unsafelyUnwrapped.pointee
        let offset =
          unsafe event.address == nil
          ? 0 : Int(UInt(bitPattern: event.address) &- recording.base)
        unsafe recording.events.append((event.kind, offset, event.length))
      },
      context
    )
    let handle = unsafe try #require(core)
    defer { unsafe fl_core_release(handle) }
    let file = unsafe SegmentFile(
      simulating: "a",
      memory: memory,
      length: 8192,
      core: CopyCore(handle: handle),
      owner: recording
    )
    file.write([UInt8](repeating: 1, count: 150), at: 64, flushed: false)
    #expect(recording.events.allSatisfy { $0.kind == FL_EVENT_STORE_CACHED })
    recording.events = []
    try file.persist(64..<256, flushedFrom: 256)
    #expect(recording.events.filter { $0.kind == FL_EVENT_FLUSH }.map(\.offset) == [64, 128, 192])
    #expect(recording.events.filter { $0.kind == FL_EVENT_FENCE }.count == 1)
    #expect(recording.events.last?.kind == FL_EVENT_FENCE)
    recording.events = []
    file.write([UInt8](repeating: 2, count: 128), at: 256, flushed: true)
    try file.persist(256..<384, flushedFrom: 256)
    #expect(recording.events.filter { $0.kind == FL_EVENT_FENCE }.count == 1)
    let flushed = recording.events.filter { $0.kind == FL_EVENT_FLUSH }.map(\.offset)
    let streamed = recording.events.filter { $0.kind == FL_EVENT_STORE_STREAM }.map(\.offset)
    #expect(flushed == (policy == FL_POLICY_STRICT ? [256, 320] : []))
    #expect(Set(streamed) == [256, 320])
    recording.events = []
    #expect(try file.writeBehind(384..<600) == 576)
    #expect(
      recording.events.filter { $0.kind == FL_EVENT_FLUSH }.map(\.offset) == [384, 448, 512]
    )
  }

  @Test func `A second lock, a symbolic link and a directory in place of a segment are refused`()
    throws
  {
    let scratch = try Scratch(on: "/dev/shm")
    let directory = try scratch.open()
    let locked = #expect(throws: MediumError.self) { try scratch.open() }
    #expect(locked?.operation == "flock")
    #expect(locked?.cause == .wouldBlock)
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path.appending("link").string,
      withDestinationPath: "/etc/passwd"
    )
    let link = #expect(throws: MediumError.self) {
      try directory.openSegment(named: "link", writable: false)
    }
    #expect(link?.cause == .tooManySymbolicLinkLevels)
    try FileManager.default.createDirectory(
      atPath: scratch.path.appending("inner").string,
      withIntermediateDirectories: false
    )
    #expect(throws: MediumError.self) {
      try directory.openSegment(named: "inner", writable: false)
    }
    directory.unlock()
    _ = try scratch.open()
  }

  /// With the handler and without it: reading beyond the end of a file that was cut off.
  @Test(arguments: [true, false])
  func `A bulk read of a truncated file is a typed error`(guardsReads: Bool) throws {
    let scratch = try Scratch(on: "/dev/shm")
    let directory = try scratch.open(guardsReads: guardsReads)
    let file = try directory.createSegment(named: "a", length: 64 << 10)
    try directory.publishSegment(named: "a")
    let reader = try directory.openSegment(named: "a", writable: false)
    #expect(try reader.bytes(0..<64 << 10).count == 64 << 10)
    #expect(reader.firstFault == nil)
    #expect(unsafe truncate(scratch.path.appending("a").string, 8192) == 0)
    let error = #expect(throws: MediumError.self) {
      try reader.withGuardedBytes(0..<64 << 10) { (bytes) in
        unsafe bytes.withUnsafeBytes { unsafe $0.reduce(0 as UInt64) { $0 &+ UInt64($1) } }
      }
    }
    #expect(error?.operation == "read")
    #expect(error?.cause == .ioError)
    #expect(try reader.bytes(0..<8192).count == 8192)
    _ = file
  }

  /// The kernel's own "bad address" reached the caller, who could not tell that a page was at fault; and where
  /// the page had been met before, the handler's zeros were written over what the device might still give.
  @Test(arguments: [true, false])
  func `Bytes that can't be read are not written again`(isMetBefore: Bool) throws {
    guard !Self.isForced, !Self.isPersistent else { return }
    let scratch = try Scratch(on: "/var/tmp")
    let directory = try scratch.open()
    let file = try directory.createSegment(named: "a", length: 16 << 10)
    try directory.publishSegment(named: "a")
    #expect(unsafe truncate(scratch.path.appending("a").string, 4096) == 0)
    if isMetBefore {
      let error = #expect(throws: MediumError.self) { try file.bytes(0..<6000) }
      #expect(error?.offset == 4096)
    }
    let error = #expect(throws: MediumError.self) {
      try file.makeDurableAgain(0..<6000, synchronizing: true)
    }
    #expect(error?.operation == "read")
    #expect(error?.offset == 4096)
    #expect(try scratch.data("a").count == 4096)
  }
}
