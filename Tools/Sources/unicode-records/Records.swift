// The sample's records: four small ones a character, and listings of some KB.
//
//   U+00E9                  facts, such as name=...; category=Ll; since=1.1; upper=...
//   char/<the character>    its encodings in hexadecimal
//   name/<its name>         the character itself
//   utf-16le/U+00E9         its bytes in UTF-16, little-endian (mostly not UTF-8; below U+0800 only)
//   page/U+0000             256 code points, one a line: notation, tab, character, tab, name
//   category/Lu             the first of a category's characters, one a line
//   since/1.1               the first of a Unicode version's characters
//   number/5                all characters with a numeric value

internal import TextFormats

/// The small records.
func codePointRecords() -> [Entry] {
  var records: [Entry] = []
  for scalar in characters {
    let utf16 = Array(String(scalar).utf16)
    let bytes = String(scalar).utf8.map { hexadecimal(UInt32($0), digits: 2) }
    let units = utf16.map { hexadecimal(UInt32($0), digits: 4) }
    let encodings =
      "\(notation(scalar)); utf-8=\(bytes.joined(separator: " "));"
      + " utf-16=\(units.joined(separator: " "))"
    records.append(record(notation(scalar), facts(about: scalar)))
    records.append(record("char/\(scalar)", encodings))
    records.append(record("name/\(name(of: scalar))", String(scalar)))
    if scalar.value < 0x800 {
      let littleEndian = utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
      records.append(
        Entry(key: Array("utf-16le/\(notation(scalar))".utf8), value: littleEndian)
      )
    }
  }
  return records
}

/// One record for every 256 code points that hold a character of the sample.
func pageRecords() -> [Entry] {
  Dictionary(grouping: characters) { $0.value >> 8 }.map { page, members in
    record("page/U+\(hexadecimal(page << 8, digits: 4))", members.map(line).joined())
  }
}

/// Listings by category, by version and by numeric value.
func listingRecords() -> [Entry] {
  var records: [Entry] = []
  for (category, members) in Dictionary(grouping: characters, by: category) {
    records.append(record("category/\(category)", listing(members)))
  }
  for (version, members) in Dictionary(grouping: characters, by: version) {
    records.append(record("since/\(version)", listing(members)))
  }
  let numbered = characters.filter { $0.properties.numericValue != nil }
  for (number, members) in Dictionary(grouping: numbered, by: number) {
    records.append(record("number/\(number)", listing(members)))
  }
  return records
}

/// A record from text.
private func record(_ key: String, _ value: String) -> Entry {
  Entry(key: Array(key.utf8), value: Array(value.utf8))
}

/// A character's line in a listing.
private func line(_ scalar: Unicode.Scalar) -> String {
  "\(notation(scalar))\t\(scalar)\t\(name(of: scalar))\n"
}

/// As many lines as fit into 6,000 bytes, then how many are left out.
private func listing(_ members: [Unicode.Scalar]) -> String {
  var text = ""
  for (count, scalar) in members.enumerated() {
    let next = line(scalar)
    if text.utf8.count + next.utf8.count > 6_000 { return text + "+\(members.count - count)\n" }
    text += next
  }
  return text
}

/// The Unicode version that brought a character.
private func version(of scalar: Unicode.Scalar) -> String {
  scalar.properties.age.map { "\($0.major).\($0.minor)" } ?? "unknown"
}

/// A character's numeric value in short form: `5`, not `5.0`.
private func number(of scalar: Unicode.Scalar) -> String {
  let number = scalar.properties.numericValue ?? 0
  return Int(exactly: number).map(String.init) ?? String(number)
}
