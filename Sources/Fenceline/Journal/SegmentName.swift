// Segment files are named by their id, so that a listing is in history order.

/// The file name of a segment.
package enum SegmentName {
  private static let suffix = ".segment"

  /// Eight hexadecimal digits and ".segment".
  package static func name(of id: UInt32) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits + suffix
  }

  /// The id that a name states, or nil where it is not a segment's name.
  package static func id(of name: String) -> UInt32? {
    guard name.utf8.count == 8 + suffix.utf8.count, name.hasSuffix(suffix),
      let id = UInt32(name.prefix(8), radix: 16), id != 0, Self.name(of: id) == name
    else { return nil }
    return id
  }
}
