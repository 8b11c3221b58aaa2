// Keys in order: what a sorted dictionary would show, at one moment, whatever goes on meanwhile.

import Fenceline
import Foundation
import Synchronization
import Testing

@testable import Fenceline

struct OrderTests {
  /// Keys that are hard to order: shared prefixes of any length, zeros at the end, nothing at all, and as
  /// long as keys may be.
  static func key(_ generator: inout SeededGenerator) -> [UInt8] {
    let number = UInt16.random(in: 0..<400, using: &generator)
    let digits = Array(String(number).utf8)
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: return Array("a".utf8) + Array(repeating: 0, count: Int(number % 20))
    case 1: return Array(repeating: 0xff, count: Int(number % 12)) + digits.prefix(1)
    case 2: return Array(repeating: UInt8(ascii: "p"), count: 40) + digits
    case 3: return Array(repeating: UInt8(ascii: "p"), count: Int(number % 64))
    case 4 where number < 4:
      return Array(repeating: UInt8(ascii: "L"), count: 65_535 - 3) + [0, UInt8(number), 1]
    case 5: return Array("prefix/".utf8) + digits + Array("/suffix that goes on".utf8)
    default: return digits
    }
  }

  static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.lexicographicallyPrecedes(right)
  }

  /// One request, and what a dictionary says to it.
  struct Request {
    var start: [UInt8] = []
    var end: [UInt8]?
    var prefix: [UInt8] = []
    var limit = Int.max
    var isAscending = true

    func expected(of model: [[UInt8]: [UInt8]]) -> [[UInt8]] {
      let keys = model.keys.filter { key in
        !OrderTests.precedes(key, start) && key.starts(with: prefix)
          && end.map { OrderTests.precedes(key, $0) } ?? true
      }.sorted(by: OrderTests.precedes)
      return Array((isAscending ? keys : keys.reversed()).prefix(limit))
    }
  }

  static func request(_ generator: inout SeededGenerator) -> Request {
    var request = Request()
    if Bool.random(using: &generator) { request.start = key(&generator) }
    if Bool.random(using: &generator) { request.end = key(&generator) }
    if Int.random(in: 0..<3, using: &generator) == 0 {
      request.prefix = Array(key(&generator).prefix(Int.random(in: 0..<9, using: &generator)))
    }
    if Bool.random(using: &generator) {
      request.limit = Int.random(in: 0..<30, using: &generator)
    }
    request.isAscending = Bool.random(using: &generator)
    return request
  }

  static func check(_ store: Store, _ request: Request, _ model: [[UInt8]: [UInt8]]) throws {
    var keys: [[UInt8]] = []
    try store.forEach(
      from: request.start,
      to: request.end,
      prefix: request.prefix,
      order: request.isAscending ? .ascending : .descending,
      limit: request.limit
    ) { (key, value, _) in
      keys.append(key.array)
      if model[key.array] != value.array { Issue.record("a wrong value of \(key.array)") }
      return .next
    }
    let isRight = keys == request.expected(of: model)
    #expect(isRight, "\(request)")
  }

  static func change(
    _ store: Store,
    _ model: inout [[UInt8]: [UInt8]],
    _ generator: inout SeededGenerator
  ) throws {
    let value = generator.bytes(Int.random(in: 0..<40, using: &generator))
    let key = key(&generator)
    switch Int.random(in: 0..<8, using: &generator) {
    case 0...3:
      try store.put(key, value)
      model[key] = value
    case 4, 5:
      let isThere = try store.delete(key)
      #expect(isThere == (model.removeValue(forKey: key) != nil))
    case 6:
      let keys = (0..<Int.random(in: 0..<20, using: &generator)).map { _ in Self.key(&generator) }
      try store.transaction { (transaction) in
        for (number, key) in keys.enumerated() {
          if number.isMultiple(of: 3) {
            try transaction.delete(key)
            model[key] = nil
          } else {
            try transaction.put(key, value)
            model[key] = value
          }
        }
      }
    default:
      guard let victim = model.keys.min(by: Self.precedes) else { return }
      try store.delete(victim)
      model[victim] = nil
    }
  }

  @Test(arguments: TestMedium.allCases)
  func
    `Scans show what a sorted dictionary shows, between puts, deletes, transactions, compactions`(
      medium: TestMedium
    ) throws
  {
    var generator = SeededGenerator(label: "order model on \(medium)")
    let scratch = try Scratch(medium)
    var options = StoreOptions.smallSegments
    options.segmentOptions.largest = 64 << 10
    var store = try Store.open(at: scratch.store, options: options)
    var model: [[UInt8]: [UInt8]] = [:]
    for _ in 0..<100 {
      for _ in 0..<Int.random(in: 0..<60, using: &generator) {
        try Self.change(store, &model, &generator)
      }
      switch Int.random(in: 0..<16, using: &generator) {
      case 0, 1: try store.compact(sealingAlways: true)
      case 2: try store.sync()
      case 3:
        try store.close()
        store = try Store.open(at: scratch.store, options: options)
      default: break
      }
      for _ in 0..<3 { try Self.check(store, Self.request(&generator), model) }
      try store.order.checkInvariants()
    }
    try Self.check(store, Request(), model)
    try store.sync()
    try Self.check(try Store.openReadOnly(at: scratch.store), Request(isAscending: false), model)
  }

  // Otherwise the tree would be built anew, or lead to where nothing is any more.
  @Test(arguments: TestMedium.allCases)
  func `A tree goes along with compactions and writes, and is built once`(
    medium: TestMedium
  ) throws {
    var generator = SeededGenerator(label: "relocation")
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    func write(_ count: Int) throws {
      for _ in 0..<count {
        let key = "key \(Int.random(in: 0..<2000, using: &generator))"
        try store.put(key, String(repeating: "v", count: 60))
        try store.delete("key \(Int.random(in: 0..<2000, using: &generator))")
      }
    }
    try write(3000)
    try store.withCursor { _ in }
    var moved = 0
    for round in 0..<12 {
      try write(400)
      if round.isMultiple(of: 3) { try store.withCursor { _ in } }
      let policy = CompactionPolicy.thorough(store.maintenance.compactor.options)
      while let step = try store.maintenance.step(policy), step.sourceCount > 0 {
        moved += step.copiedBytes
        try store.order.checkInvariants()
        try write(2)
      }
      try store.compact(sealingAlways: true)
      try store.order.checkInvariants()
    }
    try store.order.checkInvariants()
    #expect(store.order.buildCount.load(ordering: .relaxed) == 1)
    #expect(moved > 100_000)
    try Self.check(store, Request(), store.dictionary())
  }

  // On files what was written since the opening is in the stage, what was there before in the mapping.
  @Test(arguments: TestMedium.allCases)
  func `A tree catches up with what is not in the file yet`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    var options = StoreOptions.smallSegments
    options.segmentOptions.smallest = 1 << 20
    options.segmentOptions.largest = 1 << 20
    var model: [[UInt8]: [UInt8]] = [:]
    func put(_ number: Int, in store: Store) throws {
      let key = Array("key \(number)".utf8)
      try store.put(key, Array(repeating: 1, count: 1000))
      model[key] = Array(repeating: 1, count: 1000)
    }
    var store = try Store.open(at: scratch.store, options: options)
    for number in 0..<400 { try put(number, in: store) }
    try store.close()
    store = try Store.open(at: scratch.store, options: options)
    try Self.check(store, Request(), model)
    for number in 400..<500 {
      try put(number, in: store)
      try Self.check(store, Request(limit: 1, isAscending: false), model)
    }
    try Self.check(store, Request(), model)
    #expect(store.order.buildCount.load(ordering: .relaxed) == 1)
  }

  // One change copies its way to the root; several are merged.
  @Test(arguments: [20, 3000])
  func `A tree is right after each single change`(count: Int) throws {
    var generator = SeededGenerator(label: "single changes, \(count)")
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    var model: [[UInt8]: [UInt8]] = [:]
    func key() -> [UInt8] { Array("key/\(Int.random(in: 0..<2 * count, using: &generator))".utf8) }
    while model.count < count {
      let key = key()
      try store.put(key, key)
      model[key] = key
    }
    try Self.check(store, Request(), model)
    for round in 0..<300 {
      let key = key()
      if Bool.random(using: &generator) {
        let value = Array("value \(round)".utf8)
        try store.put(key, value)
        model[key] = value
      } else {
        try store.delete(key)
        model[key] = nil
      }
      try store.order.checkInvariants()
    }
    try Self.check(store, Request(), model)
    #expect(store.order.buildCount.load(ordering: .relaxed) == 1)
  }

  @Test func `A tree of many keys is right however it came about`() throws {
    var generator = SeededGenerator(label: "many keys")
    let scratch = try Scratch()
    var options = StoreOptions()
    options.compactsInBackground = false
    let store = try Store.open(at: scratch.store, options: options)
    var model: [[UInt8]: [UInt8]] = [:]
    func put(_ range: Range<Int>) throws {
      for number in range {
        let key = Array("user/\(number &* 2_654_435_761 & 0xffff_ffff)/\(number % 7)".utf8)
        try store.put(key, key)
        model[key] = key
      }
    }
    try put(0..<30_000)
    try Self.check(store, Request(), model)
    try put(30_000..<50_000)
    try Self.check(store, Request(isAscending: false), model)
    for key in model.keys.sorted(by: Self.precedes).shuffled(using: &generator).prefix(45_000) {
      try store.delete(key)
      model[key] = nil
    }
    try Self.check(store, Request(), model)
    try store.order.checkInvariants()
    let bytesPerKey = Double(store.order.byteCount) / Double(model.count)
    // Nodes that lost nearly all of their entries were joined.
    #expect(bytesPerKey < 18.5)
    try store.compact(sealingAlways: true)
    try store.order.checkInvariants()
    try Self.check(store, Request(), model)
    for key in model.keys { try store.delete(key) }
    try Self.check(store, Request(), [:])
  }
}
