// JSON lines, read: one flat object of string members, in any order, with white space where JSON
// allows it; anything else is refused by column.
//
// An own reader for this one form, because Foundation's loses data here: it drops a byte order mark
// at a string's beginning, keeps one of two members of the same name, guesses UTF-16, and has no
// columns. (It is slower, too, but would be fast enough.)

/// Reads one line, given without its newline.
///
/// - Throws: Any `TextFormatError` but those about tabs and TSV escapes.
/// - Complexity: O(line.count)
package func decodeJSONLine(_ line: Span<UInt8>) throws(TextFormatError) -> Entry {
  if let invalid = firstInvalidUTF8(in: line) {
    throw .invalidJSON(.notUTF8, column: invalid.lowerBound + 1)
  }
  var members = Members()
  var position = skipSpace(line, from: 0)
  try expect(UInt8(ascii: "{"), in: line, at: &position, else: .expectedObject)
  position = skipSpace(line, from: position)
  if byte(of: line, at: position) != UInt8(ascii: "}") {
    try readMember(line, at: &position, into: &members)
    while byte(of: line, at: position) == UInt8(ascii: ",") {
      position = skipSpace(line, from: position + 1)
      try readMember(line, at: &position, into: &members)
    }
  }
  try expect(UInt8(ascii: "}"), in: line, at: &position, else: .expectedCommaOrEnd)
  position = skipSpace(line, from: position)
  guard position == line.count else { throw .invalidJSON(.trailingText, column: position + 1) }
  return Entry(
    key: try bytes(ofText: members.key, orBase64: members.keyBase64, named: "key"),
    value: try bytes(ofText: members.value, orBase64: members.valueBase64, named: "value"),
    expires: members.expires
  )
}

/// The members that a line may have, as far as they were read.
private struct Members {
  var key: [UInt8]?
  var keyBase64: [UInt8]?
  var value: [UInt8]?
  var valueBase64: [UInt8]?
  var expires: UInt64?

  /// Gives access to a member by name, or nil where no entry has such a member.
  static func place(of name: String) -> WritableKeyPath<Members, [UInt8]?>? {
    switch name {
    case "key": \.key
    case "key_base64": \.keyBase64
    case "value": \.value
    case "value_base64": \.valueBase64
    default: nil
    }
  }
}

/// One half of an entry, from whichever form the line gave it in.
private func bytes(
  ofText text: consuming [UInt8]?,
  orBase64 base64: [UInt8]?,
  named name: String
) throws(TextFormatError) -> [UInt8] {
  switch (text, base64) {
  case (let text?, nil): return text
  case (nil, let base64?):
    guard let bytes = decodeBase64(base64.span) else { throw .badBase64("\(name)_base64") }
    return bytes
  case (nil, nil): throw .missingMember(name)
  case (_?, _?): throw .bothForms(name)
  }
}

/// Reads `"name" : "text"` and the white space after it.
private func readMember(
  _ line: Span<UInt8>,
  at position: inout Int,
  into members: inout Members
) throws(TextFormatError) {
  let nameColumn = position + 1
  let name = String(
    decoding: try readString(line, at: &position, else: .expectedName),
    as: UTF8.self
  )
  let place = Members.place(of: name)
  guard place != nil || name == "expires" else {
    throw .unknownMember(name, column: nameColumn)
  }
  let isRepeated = place.map { members[keyPath: $0] != nil } ?? (members.expires != nil)
  guard !isRepeated else { throw .repeatedMember(name, column: nameColumn) }
  position = skipSpace(line, from: position)
  try expect(UInt8(ascii: ":"), in: line, at: &position, else: .expectedColon)
  position = skipSpace(line, from: position)
  if let place {
    members[keyPath: place] = try readString(line, at: &position, else: .expectedString)
  } else {
    members.expires = try readMilliseconds(line, at: &position)
  }
  position = skipSpace(line, from: position)
}

/// Reads a whole number that is not negative, as JSON writes it.
private func readMilliseconds(
  _ line: Span<UInt8>,
  at position: inout Int
) throws(TextFormatError) -> UInt64 {
  let start = position
  var number: UInt64 = 0
  while let byte = byte(of: line, at: position), (0x30...0x39).contains(byte) {
    let product = number.multipliedReportingOverflow(by: 10)
    let sum = product.partialValue.addingReportingOverflow(UInt64(byte - 0x30))
    // JSON has no zeros in front.
    guard !product.overflow, !sum.overflow, number > 0 || position == start else {
      throw .invalidJSON(.expectedMilliseconds, column: start + 1)
    }
    number = sum.partialValue
    position += 1
  }
  guard position > start else {
    throw .invalidJSON(.expectedMilliseconds, column: start + 1)
  }
  return number
}

/// The byte at `position`, or nil at the line's end.
@inline(__always)
private func byte(of line: Span<UInt8>, at position: Int) -> UInt8? {
  position < line.count ? line[position] : nil
}

/// The first position that holds no JSON white space.
private func skipSpace(_ line: Span<UInt8>, from start: Int) -> Int {
  var position = start
  while let byte = byte(of: line, at: position),
    byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
  {
    position += 1
  }
  return position
}

/// Steps over one byte that has to be there.
private func expect(
  _ expected: UInt8,
  in line: Span<UInt8>,
  at position: inout Int,
  else fault: JSONFault
) throws(TextFormatError) {
  guard byte(of: line, at: position) == expected else {
    throw .invalidJSON(fault, column: position + 1)
  }
  position += 1
}

/// Reads a string in quotes; returns its bytes with the escapes resolved.
private func readString(
  _ line: Span<UInt8>,
  at position: inout Int,
  else fault: JSONFault
) throws(TextFormatError) -> [UInt8] {
  let quote = UInt8(ascii: "\"")
  try expect(quote, in: line, at: &position, else: fault)
  var text: [UInt8] = []
  var runStart = position
  while position < line.count {
    let byte = line[position]
    if byte == quote {
      text.append(copying: line.extracting(runStart..<position))
      position += 1
      return text
    }
    guard byte >= 0x20 else { throw .invalidJSON(.controlCharacter, column: position + 1) }
    guard byte == UInt8(ascii: "\\") else {
      position += 1
      continue
    }
    text.append(copying: line.extracting(runStart..<position))
    try readEscape(line, at: &position, into: &text)
    runStart = position
  }
  throw .invalidJSON(.unterminatedString, column: position + 1)
}

/// Reads the escape at `position`, which holds a backslash.
private func readEscape(
  _ line: Span<UInt8>,
  at position: inout Int,
  into text: inout [UInt8]
) throws(TextFormatError) {
  let column = position + 1
  position += 2
  switch byte(of: line, at: position - 1) {
  case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
  case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
  case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
  case UInt8(ascii: "b"): text.append(0x08)
  case UInt8(ascii: "f"): text.append(0x0c)
  case UInt8(ascii: "n"): text.append(0x0a)
  case UInt8(ascii: "r"): text.append(0x0d)
  case UInt8(ascii: "t"): text.append(0x09)
  case UInt8(ascii: "u"):
    let scalar = try readScalar(line, at: &position, escapeColumn: column)
    text.append(contentsOf: String(scalar).utf8)
  default: throw .invalidJSON(.badEscape, column: column)
  }
}

/// Reads what follows `\u`: four digits, or the eight of a surrogate pair with a `\u` between.
private func readScalar(
  _ line: Span<UInt8>,
  at position: inout Int,
  escapeColumn: Int
) throws(TextFormatError) -> Unicode.Scalar {
  let unit = try readHexUnit(line, at: &position, escapeColumn: escapeColumn)
  if let scalar = Unicode.Scalar(unit) { return scalar }
  guard unit < 0xdc00,
    byte(of: line, at: position) == UInt8(ascii: "\\"),
    byte(of: line, at: position + 1) == UInt8(ascii: "u")
  else { throw .invalidJSON(.loneSurrogate, column: escapeColumn) }
  let lowColumn = position + 1
  position += 2
  let low = try readHexUnit(line, at: &position, escapeColumn: lowColumn)
  guard 0xdc00..<0xe000 ~= low,
    let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xd800) << 10 + UInt32(low) - 0xdc00)
  else { throw .invalidJSON(.loneSurrogate, column: escapeColumn) }
  return scalar
}

/// Reads four hexadecimal digits.
private func readHexUnit(
  _ line: Span<UInt8>,
  at position: inout Int,
  escapeColumn: Int
) throws(TextFormatError) -> UInt16 {
  var unit: UInt16 = 0
  for _ in 0..<4 {
    guard let digit = byte(of: line, at: position).flatMap(hexDigitValue) else {
      throw .invalidJSON(.badEscape, column: escapeColumn)
    }
    unit = unit << 4 | UInt16(digit)
    position += 1
  }
  return unit
}
