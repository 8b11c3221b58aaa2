// Entries from a key on, up to a number: always what sorting everything would give.

import Fenceline
import Testing

struct IterationTests {
  /// Start, prefix and limit of one iteration.
  struct Request: CustomTestStringConvertible, Sendable {
    var start = ""
    var prefix = ""
    var limit = Int.max

    var testDescription: String { "from '\(start)', prefix '\(prefix)', limit \(limit)" }

    /// The keys in order that the iteration must visit.
    func expected(of keys: [String]) -> [String] {
      let matching = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.filter {
        $0.utf8.starts(with: prefix.utf8) && !$0.utf8.lexicographicallyPrecedes(start.utf8)
      }
      return Array(matching.prefix(max(0, limit)))
    }
  }

  static let keys = ["b", "a", "aa", "", "ab", "abcdefgh1", "abcdefgh0", "abcdefgh", "é", "\u{0}"]

  static let requests: [Request] = ["", "a", "aa", "abcdefgh", "abcdefgh00", "c", "ÿ"]
    .flatMap { start in ["", "a", "abcdefgh", "z"].map { (start, $0) } }
    .flatMap { start, prefix in
      [0, 1, 2, 5, 10, 11, .max, -1].map { Request(start: start, prefix: prefix, limit: $0) }
    }

  @Test(arguments: requests)
  func `Iteration in key order starts and ends where it is told to`(request: Request) throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in Self.keys { try store.put(key, "value of \(key)") }
    #expect(try visited(store, request, order: .byKey) == request.expected(of: Self.keys))
  }

  @Test func `Iteration without order visits no more than the limit, and only what qualifies`()
    throws
  {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    for key in Self.keys { try store.put(key, "value of \(key)") }
    for request in Self.requests {
      let wanted = Request(start: request.start, prefix: request.prefix).expected(of: Self.keys)
      let keys = try visited(store, request, order: .unordered)
      #expect(keys.count == max(0, min(request.limit, wanted.count)), "\(request)")
      #expect(Set(keys).count == keys.count && Set(keys).isSubset(of: wanted), "\(request)")
    }
  }

  @Test func `The smallest keys of many are found, whatever the order of their arrival`() throws {
    var generator = SeededGenerator(label: "smallest keys")
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let keys = (0..<2000).map { String($0 * 7919 % 2000, radix: 36) + "-suffix" }
    for key in keys.shuffled(using: &generator) { try store.put(key, "value of \(key)") }
    for _ in 0..<20 {
      let request = Request(
        start: String(Int.random(in: 0..<2000, using: &generator), radix: 36),
        limit: Int.random(in: 1..<600, using: &generator)
      )
      #expect(
        try visited(store, request, order: .byKey) == request.expected(of: keys),
        "\(request)"
      )
    }
  }

  @Test func `A closed store is not iterated, even up to nothing`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.close()
    #expect(throws: StoreError.closed) { try store.forEach(limit: 0) { _, _, _ in .next } }
  }

  private func visited(
    _ store: Store,
    _ request: Request,
    order: IterationOrder
  ) throws -> [String] {
    var keys: [String] = []
    try store.forEach(
      from: Array(request.start.utf8),
      prefix: Array(request.prefix.utf8),
      order: order,
      limit: request.limit
    ) { (key, value, _) in
      keys.append(String(decoding: key.array, as: UTF8.self))
      #expect(value.array == Array("value of ".utf8) + key.array)
      return .next
    }
    return keys
  }
}
