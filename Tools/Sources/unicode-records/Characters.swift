// Which characters the sample covers, and how they are described.
//
// Ideographs and Hangul syllables are left out: tens of thousands of names that differ in a number.

/// The sample's characters, in the order of their code points.
let characters: [Unicode.Scalar] = {
  let ranges: [ClosedRange<UInt32>] = [
    0x0000...0x33ff,  // alphabets, punctuation, symbols, kana
    0x4dc0...0x4dff,  // hexagrams
    0xa000...0xabff,  // Yi to Meetei Mayek
    0xfb00...0xffff,  // presentation forms, half and full width
    0x10000...0x10fff,  // ancient scripts
    0x1d000...0x1d7ff,  // music, mathematics
    0x1f000...0x1fbff,  // tiles, emoji, legacy computing
    0xe0000...0xe01ef,  // tags, variation selectors
  ]
  return ranges.joined().compactMap(Unicode.Scalar.init).filter { scalar in
    category(of: scalar) != "Cn"
  }
}()

/// A character's usual notation, such as `U+00E9`.
func notation(_ scalar: Unicode.Scalar) -> String {
  "U+" + hexadecimal(scalar.value, digits: 4)
}

/// A number in upper-case hexadecimal, padded with zeros.
func hexadecimal(_ number: UInt32, digits: Int) -> String {
  let text = String(number, radix: 16, uppercase: true)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// A character's name; controls have an alias only, and a few of them nothing at all.
func name(of scalar: Unicode.Scalar) -> String {
  scalar.properties.name ?? scalar.properties.nameAlias ?? "<\(notation(scalar))>"
}

/// A character's general category in the two letters of the standard; "Cn" for unassigned ones.
func category(of scalar: Unicode.Scalar) -> String {
  switch scalar.properties.generalCategory {
  case .uppercaseLetter: "Lu"
  case .lowercaseLetter: "Ll"
  case .titlecaseLetter: "Lt"
  case .modifierLetter: "Lm"
  case .otherLetter: "Lo"
  case .nonspacingMark: "Mn"
  case .spacingMark: "Mc"
  case .enclosingMark: "Me"
  case .decimalNumber: "Nd"
  case .letterNumber: "Nl"
  case .otherNumber: "No"
  case .connectorPunctuation: "Pc"
  case .dashPunctuation: "Pd"
  case .openPunctuation: "Ps"
  case .closePunctuation: "Pe"
  case .initialPunctuation: "Pi"
  case .finalPunctuation: "Pf"
  case .otherPunctuation: "Po"
  case .mathSymbol: "Sm"
  case .currencySymbol: "Sc"
  case .modifierSymbol: "Sk"
  case .otherSymbol: "So"
  case .spaceSeparator: "Zs"
  case .lineSeparator: "Zl"
  case .paragraphSeparator: "Zp"
  case .control: "Cc"
  case .format: "Cf"
  case .surrogate: "Cs"
  case .privateUse: "Co"
  case .unassigned: "Cn"
  @unknown default: "Cn"
  }
}

/// What the standard says about a character, on one line; what is empty or false is left out.
func facts(about scalar: Unicode.Scalar) -> String {
  let properties = scalar.properties
  var facts = ["name=\(name(of: scalar))", "category=\(category(of: scalar))"]
  if let age = properties.age { facts.append("since=\(age.major).\(age.minor)") }
  if properties.uppercaseMapping != String(scalar) {
    facts.append("upper=\(properties.uppercaseMapping)")
  }
  if properties.lowercaseMapping != String(scalar) {
    facts.append("lower=\(properties.lowercaseMapping)")
  }
  if let number = properties.numericValue { facts.append("number=\(number)") }
  let combiningClass = properties.canonicalCombiningClass.rawValue
  if combiningClass != 0 { facts.append("combining=\(combiningClass)") }
  let flags: [(String, Bool)] = [
    ("mirrored", properties.isBidiMirrored), ("emoji", properties.isEmojiPresentation),
    ("math", properties.isMath), ("space", properties.isWhitespace),
    ("ignorable", properties.isDefaultIgnorableCodePoint),
  ]
  facts.append(contentsOf: flags.filter(\.1).map(\.0))
  return facts.joined(separator: "; ")
}
