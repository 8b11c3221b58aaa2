// Sorts records by key. Numbers are compared, not keys: eight bytes of each, and where they are equal
// the bytes behind what all of those share. A key is read once for every eight bytes that it takes to
// tell it from others, in the order of the numbers, so that its cache miss can be asked for early.

internal import Synchronization

/// A position with eight bytes of its key, and what is to be done with it.
struct KeyedUnit: Sendable {
  /// Eight bytes of the key, from a place on that whoever compares knows.
  var word: UInt64
  private let bits: UInt64

  enum Action: UInt64 {
    case put = 0
    case delete = 1
    case move = 2
  }

  private static let actionShift: UInt64 = 62

  @inline(__always)
  init(_ unit: UInt64, _ action: Action = .put) {
    word = 0
    bits = unit | action.rawValue << Self.actionShift
  }

  @inline(__always)
  var unit: UInt64 { bits & ((1 << Self.actionShift) - 1) }

  @inline(__always)
  var action: Action { Action(rawValue: bits >> Self.actionShift) ?? .put }

  @inline(__always)
  static func precedes(_ left: KeyedUnit, _ right: KeyedUnit) -> Bool {
    left.word == right.word ? left.unit < right.unit : left.word < right.word
  }
}

/// Sorts by key, and records with the same key by position.
struct KeySort {
  let map: SegmentMap

  /// How many records ahead the next one is asked for.
  static let prefetchDistance = 12
  /// Keys that are sorted by comparing them.
  private static let few = 8

  /// Sorts all of `entries`, whatever their words are.
  ///
  /// - Complexity: O(n log n) comparisons of numbers, O(n k / 8) looks at records where it takes k bytes
  ///   to tell the keys apart.
  func sort(_ entries: inout [KeyedUnit]) { refine(&entries, entries.indices, sharing: 0) }

  /// Sorts a range whose words are known.
  ///
  /// - Parameters:
  ///   - entries: holds the range.
  ///   - range: its keys are at least `depth` long and share so many bytes.
  ///   - depth: where the words stand in the keys.
  func sortByWords(_ entries: inout [KeyedUnit], _ range: Range<Int>, at depth: Int) {
    entries[range].sort(by: KeyedUnit.precedes)
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start + 1
      while end < range.upperBound, entries[end].word == entries[start].word { end += 1 }
      if end - start > 1 { separate(&entries, start..<end, behind: depth + 8) }
      start = end
    }
  }

  /// Sorts keys whose words up to `depth` are equal.
  private func separate(_ entries: inout [KeyedUnit], _ range: Range<Int>, behind depth: Int) {
    if range.count <= Self.few { return compareAndSort(&entries, range) }
    // Keys that have ended come before those that go on: what the word holds of them is zero.
    var ended: [KeyedUnit] = []
    var others: [KeyedUnit] = []
    prefetching(entries, range) { (entry) in
      let length = map.withUnverifiedKey(at: entry.unit) { $0.byteCount }
      if length > depth { return others.append(entry) }
      var entry = entry
      entry.word = UInt64(length)
      ended.append(entry)
    }
    if !ended.isEmpty {
      ended.sort(by: KeyedUnit.precedes)
      entries.replaceSubrange(range, with: ended + others)
    }
    refine(&entries, range.lowerBound + ended.count..<range.upperBound, sharing: depth)
  }

  /// Sorts keys that share their first `known` bytes and have them.
  private func refine(_ entries: inout [KeyedUnit], _ range: Range<Int>, sharing known: Int) {
    guard range.count > 1 else { return }
    if range.count <= Self.few { return compareAndSort(&entries, range) }
    let first = entries[range.lowerBound].unit
    var shared = Int.max
    prefetching(entries, range) {
      shared = min(shared, map.commonPrefix(first, $0.unit, from: known))
    }
    // Bytes that go away under a sort must not make it endless.
    let depth = max(shared, known)
    for index in range {
      if index + Self.prefetchDistance < range.upperBound {
        map.prefetch(entries[index + Self.prefetchDistance].unit)
      }
      entries[index].word = map.keyWord(of: entries[index].unit, at: depth)
    }
    sortByWords(&entries, range, at: depth)
  }

  private func compareAndSort(_ entries: inout [KeyedUnit], _ range: Range<Int>) {
    for index in range { map.prefetch(entries[index].unit) }
    entries[range].sort { (left, right) in
      switch map.order(left.unit, right.unit) {
      case 0: left.unit < right.unit
      case let order: order < 0
      }
    }
  }

  private func prefetching(
    _ entries: [KeyedUnit],
    _ range: Range<Int>,
    _ body: (KeyedUnit) -> Void
  ) {
    for index in range {
      if index + Self.prefetchDistance < range.upperBound {
        map.prefetch(entries[index + Self.prefetchDistance].unit)
      }
      body(entries[index])
    }
  }
}

extension SegmentMap {
  /// As ``Bytes/order(_:_:)``, for the keys of two records.
  func order(_ left: UInt64, _ right: UInt64) -> Int {
    withUnverifiedKey(at: right) { (right) in order(left, right) }
  }
}
