// Whether a store holds the state behind some transaction, exactly, and behind which.

import Fenceline

/// What a store must not show.
struct Violation: Error, CustomStringConvertible {
  let description: String
}

/// Knows all lives that a store has had.
struct Judge {
  let lives: [Life]

  /// The life that a transaction's bytes come from: of those that gave out its number, the last one.
  private func life(of number: UInt64) -> UInt32 {
    lives.last { $0.first <= number }?.number ?? 0
  }

  /// The number of the last transaction of which the store shows something.
  ///
  /// - Parameters:
  ///   - store: any handle.
  ///   - acknowledged: number of the last transaction that must not be lost.
  /// - Returns: that number, 0 for an empty store.
  /// - Throws: `Violation` where the store's contents are not the state behind that transaction, or
  ///   `acknowledged` is behind it.
  func check(_ store: Store, acknowledged: UInt64) throws -> UInt64 {
    var found: [[UInt8]: [UInt8]] = [:]
    try store.forEach { (key, value, _) in
      found[key.array] = value.array
      return .next
    }
    let last = found.values.map(Value.number).max() ?? 0
    guard last >= acknowledged else {
      throw Violation(description: "shows \(last), but \(acknowledged) was acknowledged as durable")
    }
    for (key, value) in contents(behind: last) {
      let name = nameOfKey(key)
      let shown = found.removeValue(forKey: name)
      guard shown == value else {
        throw Violation(
          description: "behind \(last), key \(key) has \(Self.say(shown)), not \(Self.say(value))"
        )
      }
      // The other way to ask.
      guard try !key.isMultiple(of: 5) || store.get(name) == value else {
        throw Violation(description: "get of key \(key) gives something else than a scan")
      }
    }
    guard found.isEmpty else {
      throw Violation(description: "shows \(found.count) keys that nobody wrote")
    }
    return last
  }

  /// The value of every key behind a transaction, found by walking back from it; nil where it has none.
  private func contents(behind last: UInt64) -> [UInt32: [UInt8]?] {
    var contents: [UInt32: [UInt8]?] = [:]
    var number = last
    while number > 0, contents.count < Step.keyCount {
      let life = life(of: number)
      for change in Step(life: life, number: number).changes.reversed()
      where contents[change.key] == nil {
        let value = change.length.map {
          Value.bytes(life: life, number: number, key: change.key, length: $0)
        }
        contents.updateValue(value, forKey: change.key)
      }
      number -= 1
    }
    return contents
  }

  private static func say(_ value: [UInt8]?) -> String {
    value.map { "\($0.count) bytes of transaction \(Value.number(of: $0))" } ?? "nothing"
  }
}

extension RawSpan {
  /// A copy of the bytes.
  // SAFETY: copied before the span ends.
  var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
