// Everything that is asked of one damaged store. An answer is right if all answers together show one
// of the states that the image may show; the first that fits no state left is a finding.

internal import Fenceline
package import SystemPackage

/// A wrong answer.
package struct Finding: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

/// Which of the slower questions are asked.
package struct CheckDepth: Sendable {
  /// Exports the store to SQLite, and saves what can be saved of it.
  package var exports = false
  /// Uses files, not the simulated medium.
  package var usesFiles = true
  /// Has `kvctl` answer too; gets the store's place and what the library said.
  package var command: (@Sendable (CommandCase) throws -> Int)?

  package init() {}

  /// The depth that suits an image of millions.
  ///
  /// Bits and lines are tried on the simulated medium, one in 16 on files; everything else on files.
  package init(for image: DamageImage, number: Int) {
    let isCheap = image.kind == .flip || image.kind == .swapLines
    usesFiles = !isCheap || DamagePlan.isChosen(number, oneIn: 16)
    exports = !image.kind.isWithinFiles || DamagePlan.isChosen(number, oneIn: 128, seed: 1)
  }
}

/// What the library said about an image, for a program to say the same.
package struct CommandCase: Sendable {
  package let path: FilePath
  /// A number that follows from the answers, to choose by.
  package let number: Int
  /// Whether there is a segment at all.
  package let hasStore: Bool
  /// Whether verifying found nothing.
  package let isSound: Bool
  /// Whether all entries can be listed.
  package let isComplete: Bool
  /// Text keys, and the answer: a value, none, or nil for an error.
  package let answers: [(key: String, answer: ByteString??)]
}

/// Asks one image everything.
struct ImageCheck {
  let image: any StoreImage
  let expectation: Expectation
  /// Keys that were there once.
  let keys: [ByteString]
  /// Keys that never were.
  static let absentKeys: [ByteString] = ["absent", "alph", "zeta/9", "key-100"].map {
    ByteString($0.utf8)
  }

  /// A directory for an index.
  let scratch: FilePath

  /// States that every answer so far fits.
  var states: [StoreState]
  var right = 0
  var refusedDamaged = 0
  var refusedWhole = 0
  var refusedAbsent = 0
  var hasOpened = false
  var isComplete = false
  var isSound = false
  var answers: [(key: ByteString, answer: ByteString??)] = []

  init(_ image: any StoreImage, _ expectation: Expectation, keys: [ByteString], _ scratch: FilePath)
  {
    self.scratch = scratch
    self.image = image
    self.expectation = expectation
    self.keys = keys
    states = expectation.states
  }

  var hasRefused: Bool { refusedDamaged + refusedWhole + refusedAbsent > 0 }

  // MARK: Reading

  /// Opens for reading and asks everything that changes nothing.
  mutating func read(_ depth: CheckDepth) throws {
    do {
      let store = try image.openReadOnly()
      hasOpened = true
      for key in keys { try get(key, from: store) }
      for key in Self.absentKeys { try get(key, from: store) }
      try enumerate(store)
      if depth.exports { try export(store) }
    } catch let error as StoreError {
      try require(error, "opening for reading")
      for key in keys { note(refused: key) }
      for key in Self.absentKeys { note(refused: key) }
    }
    try verify()
    if depth.exports { try salvage() }
    if let difference = try image.difference() {
      throw Finding(description: "reading changed the store: \(difference)")
    }
  }

  private mutating func get(_ key: ByteString, from store: Store) throws {
    do {
      let value = try store.get(key)
      answers.append((key, .some(value)))
      right += 1
      try keep("get \(Self.text(key)) gives \(Self.text(value))") { $0[key] == value }
    } catch let error as StoreError {
      answers.append((key, nil))
      try require(error, "get \(Self.text(key))")
      note(refused: key)
    }
  }

  private mutating func note(refused key: ByteString) {
    if !keys.contains(key) {
      refusedAbsent += 1
    } else if expectation.damagedKeys.contains(key) {
      refusedDamaged += 1
    } else {
      refusedWhole += 1
    }
  }

  private mutating func enumerate(_ store: Store) throws {
    let sorted = try entries(of: store, .byKey)
    let unsorted = try entries(of: store, .unordered)
    guard sorted.entries.keys == unsorted.entries.keys else {
      throw Finding(description: "sorted and unsorted lists show different keys")
    }
    isComplete = sorted.isComplete
    guard sorted.isComplete == unsorted.isComplete else {
      throw Finding(description: "only one of sorted and unsorted lists is complete")
    }
    do {
      let count = try store.count
      try keep("count is \(count)") { $0.count == count }
    } catch let error as StoreError {
      try require(error, "count")
      if isComplete { throw Finding(description: "complete, but the count is refused: \(error)") }
    }
  }

  /// Lists a store; entries that no state has are findings, as are missing ones of a list that ends
  /// without an error, unless it is known to be of a part.
  mutating func entries(
    of store: Store,
    _ order: IterationOrder,
    isPart: Bool = false
  ) throws -> (entries: StoreState, isComplete: Bool) {
    var found: StoreState = [:]
    var last: ByteString?
    var fault: String?
    var isComplete = true
    do throws(StoreError) {
      try store.forEach(order: order) { (key, value, _) in
        let key = unsafe key.withUnsafeBytes { unsafe ByteString($0) }
        if found.updateValue(unsafe value.withUnsafeBytes { unsafe ByteString($0) }, forKey: key)
          != nil
        {
          fault = "\(Self.text(key)) is listed twice"
        }
        if order == .byKey, let last, !last.lexicographicallyPrecedes(key) {
          fault = "\(Self.text(key)) is listed out of order"
        }
        last = key
        return .next
      }
    } catch {
      try require(error, "list")
      isComplete = false
    }
    if let fault { throw Finding(description: fault) }
    if isComplete, !isPart {
      try keep("a complete list of \(found.count) entries") { $0 == found }
    } else {
      try keep("a part of a list, \(found.count) entries") { state in
        found.allSatisfy { state[$0.key] == $0.value }
      }
    }
    return (found, isComplete)
  }

  private mutating func verify() throws {
    do {
      let report = try image.verify()
      for finding in report.findings { try require(finding, "verify") }
      isSound = report.isSound
    } catch let error as StoreError {
      try require(error, "verify")
    }
    if isSound, hasRefused || !isComplete {
      throw Finding(description: "answers are refused, but verify finds nothing")
    }
    if isSound, expectation.mustBeFound {
      throw Finding(description: "records have changed, but verify finds nothing")
    }
    if !isSound, expectation.mustBeSound {
      throw Finding(description: "only unused bytes have changed, but verify finds damage")
    }
  }

  // MARK: Judging

  /// Keeps the states that an answer fits.
  mutating func keep(_ what: @autoclosure () -> String, _ fits: (StoreState) -> Bool) throws {
    if states.count == 1, fits(states[0]) { return }
    states.removeAll { !fits($0) }
    if states.isEmpty { throw Finding(description: "wrong: \(what())") }
  }

  /// Accepts only errors that say that bytes are damaged.
  func require(_ error: StoreError, _ what: String) throws {
    switch error {
    case .corrupt, .newerFormat, .mediaError: return
    case .noStore where !image.hasSegments: return
    default: throw Finding(description: "\(what): \(error)")
    }
  }

  static func text(_ bytes: ByteString?) -> String {
    guard let bytes else { return "nothing" }
    guard bytes.count <= 32 else { return "\(bytes.count) bytes" }
    let isPlain = bytes.allSatisfy { (0x20..<0x7f).contains($0) }
    return isPlain ? "'\(String(decoding: bytes, as: UTF8.self))'" : "\(bytes)"
  }
}
