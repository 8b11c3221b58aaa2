import Fenceline
import Testing

/// Keys of every kind of look, in the default namespace and in others, go in and come out in every way
/// that there is, and are compared with dictionaries.
///
/// The default namespace stores keys that begin with four certain bytes in another form. Whoever forgets to
/// translate one on its way shows a key with eight bytes more, or one of another namespace.
@Suite struct NamespaceModelTests {
  /// What the heads of stored keys begin with.
  static let prefix: [UInt8] = [0xff, 0x66, 0x6c, 0x6e]

  /// Keys that look like stored ones, beside ordinary ones.
  static let keys: [[UInt8]] = {
    let heads: [[UInt8]] = [
      prefix, prefix + [0], prefix + [0, 0, 0, 0], prefix + [0, 0, 0, 0] + prefix,
      prefix + [0, 0, 0, 1], prefix + [0, 0, 0, 1, 0x61], prefix + [0, 0, 0, 2, 0x61],
      prefix + [0xff], prefix + [0xff, 0xff, 0xff, 0xff], prefix + [0xff, 0xff, 0xff, 0xff, 0x61],
      prefix + [0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1], prefix + prefix,
    ]
    let neighbours: [[UInt8]] = [
      [], [0], [0x61], [0x61, 0x62], [0xfe, 0xff], [0xff], [0xff, 0x66], [0xff, 0x66, 0x6c],
      [0xff, 0x66, 0x6c, 0x6d, 0xff], [0xff, 0x66, 0x6c, 0x6f], [0xff, 0x66, 0x6d], [0xff, 0xff],
      Array(repeating: 0xff, count: 12),
    ]
    return heads + neighbours
  }()

  typealias Model = [[UInt8]: [UInt8]]

  @Test("Every way in and out gives what dictionaries hold", arguments: [false, true])
  func everyWay(staysOpen: Bool) throws {
    let scratch = try Scratch()
    var generator = SeededGenerator(label: "namespaces")
    var options = StoreOptions.smallSegments
    options.retainedJournalBytes = 1 << 30
    var store = try Store.open(at: scratch.store, options: options)
    let reader = try Store.openReadOnly(at: scratch.store)
    let names: [String?] = [nil, "a", "b"]
    var models: [String?: Model] = [nil: [:], "a": [:], "b": [:]]
    for name in ["a", "b"] { try store.createNamespace(name) }
    for round in 0..<12 {
      for _ in 0..<40 {
        let name = names.randomElement(using: &generator) ?? nil
        try change(store, name, &models, &generator)
      }
      if round % 3 == 2, !staysOpen {
        if round % 2 == 0 { try store.compact() }
        try store.close()
        store = try Store.open(at: scratch.store, options: options)
      }
      for name in names {
        let model = try #require(models[name])
        try check(store, name, model)
        try check(reader, name, model)
      }
      #expect(try store.namespaces() == ["a", "b"])
    }
    try store.sync()
    try checkFeed(store, models)
    try checkFeed(reader, models)
    let past = try Store.openReadOnly(
      at: scratch.store,
      asOf: store.statistics().newestSequence
    )
    for name in names { try check(past, name, try #require(models[name])) }
    let all = models.values.reduce(0) { $0 + $1.count }
    #expect(try store.statistics().keyCount == all)
    #expect(try store.statistics().namespaceCount == 2)
  }

  // MARK: Writing

  private func change(
    _ store: Store,
    _ name: String?,
    _ models: inout [String?: Model],
    _ generator: inout SeededGenerator
  ) throws {
    let key = try #require(Self.keys.randomElement(using: &generator))
    let value = generator.bytes(Int.random(in: 0...40, using: &generator))
    let namespace = try name.map { try store.namespace($0) }
    let old = models[name]?[key]
    switch Int.random(in: 0..<8, using: &generator) {
    case 0, 1:
      if let namespace { try namespace.put(key, value) } else { try store.put(key, value) }
      models[name]?[key] = value
    case 2:
      let wasThere = try namespace?.delete(key) ?? store.delete(key)
      #expect(wasThere == (old != nil))
      models[name]?[key] = nil
    case 3:
      let isSwapped =
        try namespace?.compareAndSwap(key, expected: old, new: value)
        ?? store.compareAndSwap(key, expected: old, new: value)
      #expect(isSwapped)
      models[name]?[key] = value
    case 4:
      let isSwapped =
        try namespace?.compareAndSwap(key, expected: value + [1], new: nil)
        ?? store.compareAndSwap(key, expected: value + [1], new: nil)
      #expect(!isSwapped)
    case 5, 6:
      // One transaction in all of them.
      let others = try ["a", "b"].map { try store.namespace($0) }
      try store.transaction { (transaction) in
        #expect(try transaction.get(key, in: namespace) == old)
        try transaction.put(key, value)
        for other in others { try transaction.put(key, value, in: other) }
        #expect(try transaction.get(key, in: namespace) == value)
        #expect(try transaction.delete(key, in: namespace))
        #expect(try transaction.get(key, in: namespace) == nil)
      }
      for other in models.keys { models[other]?[key] = other == name ? nil : value }
    default:
      try store.optimisticTransaction { (transaction) in
        #expect(try transaction.get(key, in: namespace) == old)
        try transaction.put(key, value, in: namespace)
        #expect(try transaction.get(key, in: namespace) == value)
      }
      models[name]?[key] = value
    }
  }

  // MARK: Reading

  /// The calls of a store, of a snapshot or of a namespace in one of them.
  private struct Calls {
    let get: ([UInt8]) throws -> [UInt8]?
    let getMany: ([[UInt8]]) throws -> [[UInt8]?]
    let contains: ([UInt8]) throws -> Bool
    let entries: ([UInt8], [UInt8]?, [UInt8], IterationOrder, Int) throws -> [[UInt8]]
    let cursor: ((inout Cursor) throws -> Void) throws -> Void
    let count: () throws -> Int
  }

  private func calls(_ store: Store, _ name: String?) throws -> [Calls] {
    let snapshot = try store.snapshot()
    guard let name else {
      return [
        Calls {
          try store.get($0)
        } getMany: {
          try store.get($0)
        } contains: { (key) in
          try store.contains(key)
        } entries: { (start, end, prefix, order, limit) in
          var keys: [[UInt8]] = []
          try store.forEach(from: start, to: end, prefix: prefix, order: order, limit: limit) {
            (key, _, _) in
            keys.append(key.array)
            return .next
          }
          return keys
        } cursor: {
          try store.withCursor($0)
        } count: {
          try store.count
        },
        Calls {
          try snapshot.get($0)
        } getMany: { (keys) in
          try keys.map { try snapshot.get($0) }
        } contains: {
          try snapshot.contains($0)
        } entries: { (start, end, prefix, order, limit) in
          var keys: [[UInt8]] = []
          try snapshot.forEach(from: start, to: end, prefix: prefix, order: order, limit: limit) {
            (key, _, _) in
            keys.append(key.array)
            return .next
          }
          return keys
        } cursor: {
          try snapshot.withCursor($0)
        } count: {
          try snapshot.count
        },
      ]
    }
    return try [store.namespace(name), snapshot.namespace(name)].map { (namespace) in
      Calls {
        try namespace.get($0)
      } getMany: {
        try namespace.get($0)
      } contains: { (key) in
        try namespace.contains(key)
      } entries: { (start, end, prefix, order, limit) in
        var keys: [[UInt8]] = []
        try namespace.forEach(from: start, to: end, prefix: prefix, order: order, limit: limit) {
          (key, _, _) in
          keys.append(key.array)
          return .next
        }
        return keys
      } cursor: {
        try namespace.withCursor($0)
      } count: {
        try namespace.count
      }
    }
  }

  private func check(_ store: Store, _ name: String?, _ model: Model) throws {
    let sorted = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
    for calls in try calls(store, name) {
      for key in Self.keys {
        #expect(try calls.get(key) == model[key])
        #expect(try calls.contains(key) == (model[key] != nil))
      }
      #expect(try calls.getMany(Self.keys) == Self.keys.map { model[$0] })
      #expect(try calls.count() == model.count)
      #expect(try Set(calls.entries([], nil, [], .unordered, .max)) == Set(sorted))
      for bound in Self.keys {
        let from = sorted.filter { !$0.lexicographicallyPrecedes(bound) }
        let to = sorted.filter { $0.lexicographicallyPrecedes(bound) }
        let prefixed = sorted.filter { $0.starts(with: bound) }
        #expect(try calls.entries(bound, nil, [], .ascending, .max) == from)
        #expect(try calls.entries([], bound, [], .descending, .max) == to.reversed())
        #expect(try calls.entries([], nil, bound, .ascending, .max) == prefixed)
        #expect(
          try calls.entries([], nil, bound, .descending, 2) == Array(prefixed.reversed().prefix(2))
        )
      }
      try calls.cursor { (cursor) in try walk(&cursor, sorted, model) }
    }
    for key in Self.keys {
      var newest: [UInt8]?
      func visit(_: KeyVersion, _ value: RawSpan?) -> IterationStep {
        if let value { newest = value.array }
        return .stop
      }
      if let name {
        try store.namespace(name).forEachVersion(of: unsafe key.span.bytes, visit)
      } else {
        try store.forEachVersion(of: unsafe key.span.bytes, visit)
      }
      #expect(newest == model[key])
    }
  }

  private func walk(_ cursor: inout Cursor, _ sorted: [[UInt8]], _ model: Model) throws {
    var forwards: [[UInt8]] = []
    while try cursor.next() { forwards.append(cursor.key ?? []) }
    #expect(forwards == sorted)
    // The ends hold, however often one tries to leave.
    expect(try cursor.next(), cursor.key, nil)
    var backwards: [[UInt8]] = []
    while try cursor.previous() {
      let (key, value) = (cursor.key ?? [], cursor.value)
      #expect(value == model[key])
      backwards.append(key)
    }
    #expect(backwards == sorted.reversed())
    expect(try cursor.previous(), cursor.key, nil)
    expect(try cursor.next(), cursor.key, sorted.first)
    expect(try cursor.seekToLast(), cursor.key, sorted.last)
    for key in Self.keys {
      let behind = sorted.first { !$0.lexicographicallyPrecedes(key) }
      expect(try cursor.seek(to: key), cursor.key, behind)
      let before = sorted.last { $0.lexicographicallyPrecedes(key) }
      expect(try cursor.seek(before: key), cursor.key, before)
    }
    expect(try cursor.seekToFirst(), cursor.key, sorted.first)
  }

  private func expect(_ isThere: Bool, _ key: [UInt8]?, _ expected: [UInt8]?) {
    #expect(isThere == (expected != nil))
    #expect(key == expected)
  }

  private func checkFeed(_ store: Store, _ models: [String?: Model]) throws {
    var told: [String?: Model] = [nil: [:], "a": [:], "b": [:]]
    var feed = store.changeFeed(after: store.firstChangeToken)
    while let transaction = try feed.next() {
      for change in transaction.changes {
        #expect(!change.isDrop)
        told[change.namespace]?[change.key] = change.value
      }
    }
    #expect(told == models)
  }
}
