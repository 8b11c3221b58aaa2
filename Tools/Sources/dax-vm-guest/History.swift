// What is written, as a function of numbers alone: whoever knows a transaction's number and the life of the
// writer that committed it knows every byte of it. So nothing has to be kept to judge what a crash left.
//
// Invariant: transaction N + 1 is committed behind transaction N, whichever threads they come from.

import CrashLab

/// A writer's life: from an opening to a power failure.
struct Life {
  /// Tells lives apart that gave the same numbers to other bytes, as after a loss.
  let number: UInt32
  /// Number of its first transaction.
  let first: UInt64
}

/// A change of one key.
struct Change {
  let key: UInt32
  /// Bytes of the new value; nil deletes the key.
  let length: Int?
}

/// What one transaction changes.
struct Step {
  /// A lone put, or several changes of which the last is a put of the key 0: so the values of a store tell
  /// the number of its last transaction.
  let changes: [Change]

  static let keyCount: UInt32 = 400

  init(life: UInt32, number: UInt64) {
    var generator = SeededGenerator(seed: number << 20 | UInt64(life))
    let word = generator.next()
    guard word % 5 >= 2 else {
      changes = [
        Change(
          key: 1 + UInt32(word >> 32) % (Self.keyCount - 1),
          length: Self.length(generator.next())
        )
      ]
      return
    }
    changes =
      (0..<1 + word >> 40 % 5).map { _ in
        let word = generator.next()
        return Change(
          key: 1 + UInt32(truncatingIfNeeded: word) % (Self.keyCount - 1),
          length: word >> 60 < 3 ? nil : Self.length(generator.next())
        )
      } + [Change(key: 0, length: Value.headerLength)]
  }

  /// Mostly short; some fill pages, few have a checksum for each 64 KiB.
  private static func length(_ word: UInt64) -> Int {
    switch word % 100 {
    case 0: Value.headerLength + Int(word >> 8 % 80_000)
    case 1..<10: Value.headerLength + Int(word >> 8 % 6000)
    default: Value.headerLength + Int(word >> 8 % 300)
    }
  }
}

/// Values that say which change they come from.
enum Value {
  /// Bytes of the header: number of the transaction, life, key.
  static let headerLength = 16

  static func bytes(life: UInt32, number: UInt64, key: UInt32, length: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(length + 8)
    bytes.append(word: number)
    bytes.append(word: UInt64(life) << 32 | UInt64(key))
    var generator = SeededGenerator(seed: number &* 0x1_0001 ^ UInt64(key) << 40)
    while bytes.count < length { bytes.append(word: generator.next()) }
    bytes.removeLast(bytes.count - length)
    return bytes
  }

  /// The number of the transaction that a value says it comes from.
  static func number(of bytes: [UInt8]) -> UInt64 {
    bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension [UInt8] {
  /// Eight bytes, lowest first.
  fileprivate mutating func append(word: UInt64) {
    for shift in stride(from: 0, to: UInt64(64), by: 8) {
      append(UInt8(truncatingIfNeeded: word >> shift))
    }
  }
}

/// The bytes of a key in the store.
func nameOfKey(_ key: UInt32) -> [UInt8] { Array("key/\(key)".utf8) }
