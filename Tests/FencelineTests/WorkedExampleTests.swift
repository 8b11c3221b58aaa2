// The example on the format page is made by the code that writes records, so it can't drift.

import CFlush
import Foundation
import JournalFormat
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

/// A segment in ordinary memory.
@safe final class MemorySegment {
  let memory: UnsafeMutableRawPointer
  let length: Int

  init(length: Int) {
    self.length = length
    unsafe memory = .allocate(byteCount: length, alignment: 4096)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: length)
  }

  deinit { unsafe memory.deallocate() }

  var file: SegmentFile {
    unsafe SegmentFile(
      simulating: "memory",
      memory: memory,
      length: length,
      core: .plain(),
      owner: self
    )
  }

  subscript(range: Range<Int>) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: memory + range.lowerBound, count: range.count))
  }
}

struct WorkedExampleTests {
  @Test func `The format page shows the bytes that the encoder writes`() throws {
    let segment = MemorySegment(length: 8192)
    let binding = SegmentBinding(
      storeID: StoreID(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908),
      segmentID: 7,
      incarnation: 3,
      firstSequence: 40
    )
    let key = Array("colour".utf8)
    let value = Array("ultramarine".utf8)
    let flags = RecordFlags.wholeTransaction.union(.batchStart)
    let encoder = RecordEncoder(
      header: RecordHeader(
        kind: .put,
        flags: flags,
        keyLength: key.count,
        valueLength: value.count,
        sequenceOffset: 2,
        keyCheck: Checksum.keyCheck(unsafe key.span.bytes)
      ),
      fields: RecordFields(),
      offset: 4096,
      binding: binding
    )
    let written = encoder.write(
      key: unsafe key.span.bytes,
      value: unsafe value.span.bytes,
      flushed: false,
      endsBatch: true,
      to: segment.file
    )
    #expect(written == 64)
    let line = segment[4096..<4160]
    let rows = stride(from: 0, to: 64, by: 16).map { start in
      line[start..<start + 16].map { String(format: "%02x", $0) }.joined(separator: " ")
    }
    let page = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Fenceline/Fenceline.docc/Format.md"),
      encoding: .utf8
    )
    for row in rows { #expect(page.contains(row), "\(rows)") }
  }
}
