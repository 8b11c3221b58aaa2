// What verify and repair print of damage: a line a place, for people or as JSON.

internal import ArgumentParser
internal import Fenceline
internal import SystemPackage
internal import TextFormats

/// How reports are printed.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  /// Sentences.
  case text
  /// JSON, an object a line.
  case jsonl
}

/// A line of JSON in the making, member by member.
struct JSONObject {
  private(set) var bytes: [UInt8] = [UInt8(ascii: "{")]

  /// Adds a string, or its bytes in base64 where they are no text.
  mutating func add(_ name: StaticString, _ value: [UInt8]) {
    separate()
    appendJSONMember(name, value.span, to: &bytes)
  }

  /// Adds text.
  mutating func add(_ name: StaticString, _ value: String) { add(name, Array(value.utf8)) }

  /// Adds a number; nothing where there is none.
  mutating func add(_ name: StaticString, _ value: (some BinaryInteger)?) {
    if let value { addRaw(name, "\(value)") }
  }

  /// Adds true or false.
  mutating func add(_ name: StaticString, _ value: Bool) { addRaw(name, "\(value)") }

  /// Adds a list of objects.
  mutating func add(_ name: StaticString, _ values: [JSONObject]) {
    addRaw(name, "[")
    for (number, value) in values.enumerated() {
      if number > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: value.bytes)
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// The object and the end of its line.
  var line: [UInt8] { bytes + Array("}\n".utf8) }

  private mutating func addRaw(_ name: StaticString, _ value: String) {
    separate()
    bytes.append(contentsOf: "\"\(name)\":\(value)".utf8)
  }

  private mutating func separate() {
    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
  }
}

extension VerificationFinding {
  /// Its line.
  func line(_ format: ReportFormat) -> [UInt8] {
    switch format {
    case .text: textLine
    case .jsonl: json.line
    }
  }

  private var textLine: [UInt8] {
    var line = Array("\(self) [\(kind.rawValue)".utf8)
    for record in records {
      line.append(contentsOf: (record.isDelete ? ", delete of " : ", key ").utf8)
      appendTSVField(record.key.span, to: &line)
      if record.offset != offset { line.append(contentsOf: " at \(record.offset)".utf8) }
    }
    line.append(contentsOf: "]\n".utf8)
    return line
  }

  private var json: JSONObject {
    var object = JSONObject()
    object.add("type", "finding")
    object.add("file", file.string)
    object.add("offset", offset)
    object.add("end", end)
    object.add("kind", kind.rawValue)
    if case .corrupt(_, _, let cause) = error { object.add("cause", cause.rawValue) }
    object.add("message", description)
    object.add("first_lost", lostSequences?.lowerBound)
    if let last = lostSequences?.upperBound, last < .max { object.add("last_lost", last) }
    let records = records.map { (record) in
      var object = JSONObject()
      object.add("offset", record.offset)
      object.add("key", record.key)
      object.add("deleted", record.isDelete)
      return object
    }
    if !records.isEmpty { object.add("records", records) }
    return object
  }
}

extension VerificationReport {
  /// Facts about the whole as one line of JSON.
  func jsonLine(of path: FilePath) -> [UInt8] {
    var object = JSONObject()
    object.add("type", "store")
    object.add("store", path.string)
    object.add("sound", isSound)
    object.add("records", recordCount)
    object.add("segments", segmentCount)
    object.add("closed", isClosed)
    object.add("torn", hasTornTail)
    object.add("findings", findings.count)
    return object.line
  }
}
