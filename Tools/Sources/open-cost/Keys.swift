// The keys, and the order in which they come: the same in every process, without a pattern that a
// table or a cache could make use of.

/// Keys of 16 bytes: hexadecimal digits.
enum Keys {
  /// What `fill` takes.
  static let empty = [UInt8](repeating: 0, count: 16)

  /// Turns a key into that of `number`; different numbers have different keys.
  static func fill(_ key: inout [UInt8], _ number: Int) {
    var bits = scrambled(UInt64(number))
    for place in 0..<16 {
      let digit = UInt8(truncatingIfNeeded: bits & 15)
      key[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
      bits >>= 4
    }
  }
}

/// The finalizer of SplitMix64: a permutation of all words of 64 bits.
private func scrambled(_ word: UInt64) -> UInt64 {
  var word = word
  word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
  word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
  return word ^ word >> 31
}

/// SplitMix64.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return scrambled(state)
  }
}
