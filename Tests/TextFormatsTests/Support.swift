// Helpers of these tests: seeded random bytes, and descriptors that give chosen bytes.

import Foundation
import SystemPackage
import Testing
import TextFormats

/// A small generator whose whole state is its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// The seed for one test: `FENCELINE_TEST_SEED` if set, else a new one; printed either way.
func testSeed(_ test: String = #function) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["FENCELINE_TEST_SEED"].flatMap { UInt64($0) }
  let seed = given ?? UInt64.random(in: 0...UInt64.max)
  print("\(test): FENCELINE_TEST_SEED=\(seed)")
  return seed
}

/// Random bytes of a random kind: any bytes, mostly special bytes, or text.
func randomBytes(upTo maximum: Int, using generator: inout SeededGenerator) -> [UInt8] {
  let count = Int.random(in: 0...maximum, using: &generator)
  let special: [UInt8] = [0x00, 0x09, 0x0a, 0x0d, 0x22, 0x5c, 0x7f, 0x80, 0xc2, 0xed, 0xf0, 0xff]
  let scalars = Array("aé\u{feff}\u{ffff}\u{2028}😀\\\"\t\u{85}x".unicodeScalars)
  switch Int.random(in: 0..<3, using: &generator) {
  case 0: return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  case 1: return (0..<count).map { _ in special.randomElement(using: &generator) ?? 0 }
  default:
    var text = ""
    for _ in 0..<count {
      text.unicodeScalars.append(scalars.randomElement(using: &generator) ?? "a")
    }
    return Array(text.utf8)
  }
}

/// One entry's line in a format, newline included.
func line(_ entry: Entry, _ format: TextFormat) -> [UInt8] {
  var line: [UInt8] = []
  format.appendLine(
    key: entry.key.span,
    value: entry.value.span,
    expires: entry.expires,
    to: &line
  )
  return line
}

/// Writes an entry and reads it back; checks on the way that the line is one line of UTF-8.
func expectRoundTrip(_ entry: Entry, _ format: TextFormat, _ comment: Comment? = nil) throws {
  let written = line(entry, format)
  let content = Array(written.dropLast())
  let isOneLine = written.last == UInt8(ascii: "\n") && !content.contains(UInt8(ascii: "\n"))
  let isText = isUTF8(content.span)
  let read = try? format.decode(content.span)
  // Expectations cost microseconds, and this runs for every pair of bytes; on a failure they show
  // every byte that they compared, and this runs on megabytes.
  if isOneLine && isText && read == entry { return }
  try #require(isOneLine && isText, comment)
  let isSame = read == entry
  try #require(isSame, comment ?? "\(entry.key.prefix(20)) \(entry.value.prefix(20))")
}

/// Runs `body` with a descriptor, positioned at its start, of a file that holds `bytes`.
func withFile<Result>(_ bytes: [UInt8], _ body: (FileDescriptor) throws -> Result) throws -> Result
{
  let name = "fenceline-lines-\(UUID().uuidString)"
  let path = FilePath(FileManager.default.temporaryDirectory.path).appending(name)
  let file = try FileDescriptor.open(
    path,
    .readWrite,
    options: [.create, .exclusiveCreate],
    permissions: .ownerReadWrite
  )
  defer { try? FileManager.default.removeItem(atPath: path.string) }
  return try file.closeAfter {
    try file.writeAll(bytes)
    try file.seek(offset: 0, from: .start)
    return try body(file)
  }
}

/// All lines of a descriptor, by number.
func allLines(of file: FileDescriptor, bufferSizeInBytes: Int) throws -> [Int: [UInt8]] {
  var reader = LineReader(file, bufferSizeInBytes: bufferSizeInBytes)
  var lines: [Int: [UInt8]] = [:]
  while try reader.advance() {
    lines[reader.lineNumber] = reader.withLine { line in line.indices.map { line[$0] } }
  }
  return lines
}
