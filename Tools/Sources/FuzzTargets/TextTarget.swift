// What `kvctl import` reads: lines from a descriptor, each an entry in tabs or in JSON, base64 in it, and
// keys in hexadecimal. What is read can be written, and what is written is read as the same.

internal import Fenceline
internal import SystemPackage
internal import TextFormats

enum TextTarget {
  static let seeds: [[UInt8]] = [
    "key\tvalue\n", "\t\n\tvalue\nkey\t", "a\\tb\tc\\nd\\\\\\x00\\xff\n\\r\t\\x7F",
    #"{"key":"a","value":"b"}"# + "\n", #" { "value" : "b" , "key" : "a" } "#,
    #"{"key_base64":"AP8=","value_base64":""}"#, #"{"key":"\u00e9\ud83d\ude00\n\"\/","value":"é"}"#,
    #"{"key":"a","key":"b","value":""}"#, "00ff7F", "00f", "QUJD", "QQ==", "QUI=", "no tab", "\n\n",
    "\u{feff}k\tv\r\n",
  ].map { Array($0.utf8) }

  static func check(_ input: [UInt8]) throws(FuzzFinding) {
    try checkHex(input)
    for format in TextFormat.allCases {
      var entries: [Entry] = []
      for line in input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if let entry = try decode(Array(line), format) { entries.append(entry) }
      }
      try checkReader(input, format)
      try checkStore(entries, format)
    }
  }

  /// Reads a line, and what was read once more from what is written of it.
  private static func decode(
    _ line: [UInt8],
    _ format: TextFormat
  ) throws(FuzzFinding) -> Entry? {
    let entry: Entry
    do throws(TextFormatError) { entry = try format.decode(line.span) } catch {
      guard !"\(error)".contains("\n") else { throw FuzzFinding("a message of two lines") }
      return nil
    }
    var written: [UInt8] = []
    format.appendLine(key: entry.key.span, value: entry.value.span, to: &written)
    let content = Array(written.dropLast())
    guard written.last == UInt8(ascii: "\n"), !content.contains(UInt8(ascii: "\n")),
      isUTF8(content.span), let again = try? format.decode(content.span), again == entry
    else { throw FuzzFinding("an entry of \(format) is not read as it is written") }
    return entry
  }

  private static func checkHex(_ input: [UInt8]) throws(FuzzFinding) {
    guard let bytes = try? hexDecode(String(decoding: input, as: UTF8.self)) else { return }
    let again = hexEncode(bytes.span)
    guard Array(again.utf8) == input.map({ $0 >= 0x41 && $0 <= 0x46 ? $0 + 0x20 : $0 }) else {
      throw FuzzFinding("hexadecimal digits are not written as they are read")
    }
  }

  /// Lines from a descriptor are those of the bytes, and the same of them are entries.
  private static func checkReader(
    _ input: [UInt8],
    _ format: TextFormat
  ) throws(FuzzFinding) {
    var lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    // A pipe takes 64 KiB at once.
    guard input.count < 1 << 15, let pipe = try? FileDescriptor.pipe() else { return }
    defer { try? pipe.readEnd.close() }
    let isWritten = (try? pipe.writeEnd.closeAfter { try pipe.writeEnd.writeAll(input) }) != nil
    guard isWritten else { throw FuzzFinding("a pipe takes no bytes") }
    var reader = EntryReader(pipe.readEnd, format: format, bufferSizeInBytes: 16)
    for (number, line) in lines.enumerated() {
      let expected = Result { () throws(TextFormatError) in try format.decode(Array(line).span) }
      let found = Result { () throws(EntryReaderError) in try reader.next() }
      let numbered = expected.mapError { EntryReaderError.malformed(line: number + 1, $0) }
      guard found == numbered.map({ $0 }) else {
        throw FuzzFinding("line \(number + 1) is read otherwise than its bytes")
      }
    }
    let end = Result { () throws(EntryReaderError) in try reader.next() }
    guard end == .success(nil) else { throw FuzzFinding("there are more lines than newlines") }
  }

  /// Entries that were read go into a store and come out again, as import and export would do it.
  private static func checkStore(
    _ entries: [Entry],
    _ format: TextFormat
  ) throws(FuzzFinding) {
    guard !entries.isEmpty else { return }
    var expected: [[UInt8]: [UInt8]] = [:]
    for entry in entries { expected[entry.key] = entry.value }
    var lines: [UInt8] = []
    do {
      let opened = FuzzDirectory([], onDisk: false).opened()
      let store = try Store(writingIn: opened, options: FuzzDirectory.options)
      try store.transaction { (transaction) in
        for entry in entries { try transaction.put(entry.key, entry.value) }
      }
      try store.forEach(order: .byKey) { (key, value, _) in
        format.appendLine(key: key, value: value, to: &lines)
        return .next
      }
    } catch {
      throw FuzzFinding("importing: \(error)")
    }
    var found: [[UInt8]: [UInt8]] = [:]
    for line in lines.split(separator: UInt8(ascii: "\n")) {
      guard let entry = try? format.decode(Array(line).span) else { continue }
      found[entry.key] = entry.value
    }
    guard found == expected else { throw FuzzFinding("what is exported is not what was imported") }
  }
}
