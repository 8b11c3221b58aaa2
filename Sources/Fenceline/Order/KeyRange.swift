// Which keys an iteration wants: bounds and prefixes of keys become one half-open range of stored keys.

internal import JournalFormat

/// A range of the keys of one namespace.
struct KeyRange {
  /// Whose keys.
  let space: KeySpace
  /// The first stored key that may be one of them.
  let start: [UInt8]
  /// The first stored key behind it; nil where there is none.
  let end: [UInt8]?

  /// The keys in a range that begin with `prefix`.
  init(
    from start: [UInt8] = [],
    to end: [UInt8]? = nil,
    prefix: [UInt8] = [],
    in space: KeySpace
  ) {
    let prefixEnd = Self.firstKey(behindPrefix: prefix)
    let first = start.lexicographicallyPrecedes(prefix) ? prefix : start
    var last = end ?? prefixEnd
    if let end, let prefixEnd, !end.lexicographicallyPrecedes(prefixEnd) { last = prefixEnd }
    self.space = space
    self.start = space.bound(first)
    self.end = last.map { space.bound($0) } ?? space.end
  }

  @inline(__always)
  func contains(_ stored: RawSpan) -> Bool { isFromStart(stored) && isBeforeEnd(stored) }

  @inline(__always)
  func isFromStart(_ stored: RawSpan) -> Bool {
    start.isEmpty || !Bytes.precedes(stored, unsafe start.span.bytes)
  }

  @inline(__always)
  func isBeforeEnd(_ stored: RawSpan) -> Bool {
    guard let end else { return true }
    return Bytes.precedes(stored, unsafe end.span.bytes)
  }

  /// The smallest key behind all that begin with `prefix`; nil where there is none.
  private static func firstKey(behindPrefix prefix: [UInt8]) -> [UInt8]? {
    var key = prefix
    while let last = key.popLast() {
      if last < .max {
        key.append(last + 1)
        return key
      }
    }
    return nil
  }
}

extension KeySpace {
  /// The stored form of a key that bounds a range.
  fileprivate func bound(_ key: [UInt8]) -> [UInt8] {
    storedForm(of: unsafe key.span.bytes) ?? key
  }

  /// The first stored key behind all of the namespace; nil where there is none.
  var end: [UInt8]? { number == 0 ? nil : StoredKey.head(number + 1) }
}

extension OrderPlace {
  /// Goes on from a stored key with a head past all that have one of a namespace.
  ///
  /// Of the default namespace nothing stands among them.
  mutating func leaveNamespaces(isAscending: Bool) {
    if isAscending {
      let end = StoredKey.behindHeads
      move(to: unsafe end.span.bytes)
    } else {
      let first = StoredKey.head(1)
      move(to: unsafe first.span.bytes)
      moveBackwards()
    }
  }
}
