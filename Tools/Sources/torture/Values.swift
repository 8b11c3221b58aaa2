// Values that say who wrote them: the operation's number, the place in its transaction and the key stand
// in front of bytes that follow from those. So nobody has to keep a value to compare one.

import DamageLab

/// Which write a value comes from.
struct Version: Equatable {
  /// Number of the operation.
  let operation: Int
  /// Place among the operation's changes.
  let item: Int
  /// Bytes of the value.
  let length: Int
}

/// Makes values, and knows their makers.
struct Values {
  private let pool: ByteString

  /// Bytes of a value that says by itself who wrote it.
  static let telling = 16
  /// Bytes of the longest value.
  static let longest = 420_000
  private static let places = 1 << 16
  /// A prime: no page, line or chunk of a value is like one that stands elsewhere in it.
  private static let period = 40_009

  init(of shape: StoreShape) {
    var numbers = SeededNumbers(seed: shape.seed)
    var block: ByteString = []
    block.reserveCapacity(Self.period + 8)
    while block.count < Self.period {
      let word = numbers.next()
      for shift in stride(from: 0, to: UInt64(64), by: 8) {
        block.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    var pool: ByteString = []
    pool.reserveCapacity(Self.longest + Self.places + Self.period)
    while pool.count < Self.longest + Self.places { pool += block[..<Self.period] }
    self.pool = pool
  }

  /// The value of a version of a key.
  func value(of version: Version, key: Int) -> ByteString {
    var value: ByteString = []
    value.reserveCapacity(version.length)
    let rest = version.length - Self.telling
    for word in [UInt64(version.operation), UInt64(version.item) << 32 | UInt64(key)] {
      for shift in stride(from: 0, to: UInt64(64), by: 8) where value.count < version.length {
        value.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    guard rest > 0 else { return value }
    let start = (version.operation &* 7919 &+ version.item &* 104_729 &+ key) & (Self.places - 1)
    value += pool[start..<start + rest]
    return value
  }

  /// Who wrote a value; nil for one that is too short to say so.
  ///
  /// - Throws: where it is no version's value.
  func version(of value: ByteString, key: Int) throws(Finding) -> Version? {
    guard value.count >= Self.telling else { return nil }
    let words = [0, 8].map { (start) in
      value[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    let version = Version(
      operation: Int(truncatingIfNeeded: words[0]),
      item: Int(truncatingIfNeeded: words[1] >> 32),
      length: value.count
    )
    guard UInt32(truncatingIfNeeded: words[1]) == UInt32(key),
      value == self.value(of: version, key: key)
    else { throw Finding(description: "key \(key) has a value that nobody wrote") }
    return version
  }
}
