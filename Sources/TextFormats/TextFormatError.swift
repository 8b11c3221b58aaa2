// Why a line of text is not an entry.
//
// Columns count bytes from 1, so that they can be found again with `cut -b`; the line number is the
// reader's to add (`EntryReaderError`). Whether a key is too long is the store's to say.

/// What is wrong with a line.
package enum TextFormatError: Error, Hashable, Sendable {
  /// A TSV line without a tab: there is no value, not even an empty one.
  case missingTab
  /// A second raw tab in a TSV line; a tab inside a field is written `\t`.
  case extraTab(column: Int)
  /// A backslash in a TSV line that starts none of `\t \n \r \\ \xHH`; the backslash's column.
  case badEscape(column: Int)
  /// A line that is not one JSON object with string members in UTF-8.
  case invalidJSON(JSONFault, column: Int)
  /// A member that no entry has; the column of its name.
  case unknownMember(String, column: Int)
  /// A member that is given twice; the column of the second name.
  case repeatedMember(String, column: Int)
  /// Neither `key` nor `key_base64` (or `value` nor `value_base64`) is given.
  case missingMember(String)
  /// A member in both its forms, for example `key` and `key_base64`; named by the plain one.
  case bothForms(String)
  /// The member's text is not padded base64 of the standard alphabet.
  case badBase64(String)
}

/// What is wrong with a line as JSON.
package enum JSONFault: String, Sendable {
  case notUTF8 = "not UTF-8"
  case expectedObject = "expected '{'"
  case expectedName = "expected a member's name in quotes"
  case expectedColon = "expected ':'"
  case expectedString = "expected a string"
  case expectedMilliseconds = "expected a whole number of milliseconds since 1970"
  case expectedCommaOrEnd = "expected ',' or '}'"
  case trailingText = "text after the object"
  case unterminatedString = "string without a closing quote"
  case controlCharacter = "control character in a string"
  case badEscape = "bad escape"
  case loneSurrogate = "half of a surrogate pair"
}

extension TextFormatError: CustomStringConvertible {
  /// One line for people, without the line number.
  package var description: String {
    switch self {
    case .missingTab: "no tab between key and value"
    case .extraTab(let column): "extra tab at column \(column) (inside a field write \\t)"
    case .badEscape(let column):
      "bad escape at column \(column) (known: \\t \\n \\r \\\\ \\xHH)"
    case .invalidJSON(let fault, let column): "invalid JSON at column \(column): \(fault.rawValue)"
    case .unknownMember(let name, let column):
      "unknown member \(name.debugDescription) at column \(column)"
    case .repeatedMember(let name, let column): "second \"\(name)\" at column \(column)"
    case .missingMember(let name): "neither \"\(name)\" nor \"\(name)_base64\""
    case .bothForms(let name): "both \"\(name)\" and \"\(name)_base64\""
    case .badBase64(let name): "\"\(name)\" is not base64"
    }
  }
}
