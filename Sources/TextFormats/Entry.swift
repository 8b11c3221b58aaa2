// One key with its value, as the text formats carry it.
//
// Keys and values are bytes, not strings: a store holds any byte sequence, so does a text line
// (escaped or in base64 where the bytes are not UTF-8).

/// A key and its value, copied out of a line of text.
package struct Entry: Equatable, Sendable {
  /// The key's bytes; may be empty.
  package var key: [UInt8]
  /// The value's bytes; may be empty.
  package var value: [UInt8]
  /// When the entry ends, in milliseconds since 1970; nil where it lasts.
  ///
  /// Only JSON lines have it.
  package var expires: UInt64?

  /// Creates an entry from its bytes.
  package init(key: [UInt8], value: [UInt8], expires: UInt64? = nil) {
    self.key = key
    self.value = value
    self.expires = expires
  }
}
