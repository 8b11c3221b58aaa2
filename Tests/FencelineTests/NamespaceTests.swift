import Fenceline
import PersistentMemory
import Synchronization
import Testing

/// Namespaces come, go and stay gone.
@Suite struct NamespaceTests {
  @Test("A namespace is created once, found by name, and listed")
  func catalogue() throws {
    try withStore { (store) in
      #expect(try store.namespaces().isEmpty)
      #expect(throws: StoreError.noNamespace("a")) { try store.namespace("a") }
      try store.createNamespace("b")
      try store.createNamespace("ä")
      try store.namespace("a", creatingIfMissing: true).put("k", "1")
      #expect(try store.namespace("a", creatingIfMissing: true).get("k") == "1")
      #expect(throws: StoreError.namespaceExists("b")) { try store.createNamespace("b") }
      #expect(try store.namespaces() == ["a", "b", "ä"])
      #expect(try store.statistics().namespaceCount == 3)
      #expect(throws: StoreError.invalidNamespaceName(length: 0)) { try store.createNamespace("") }
      let long = String(repeating: "n", count: 256)
      #expect(throws: StoreError.invalidNamespaceName(length: 256)) {
        try store.createNamespace(long)
      }
      try store.createNamespace(String(long.dropLast()))
    }
  }

  @Test("Keys of a namespace, and those that look like stored ones, have eight bytes less")
  func lengths() throws {
    try withStore { (store) in
      let namespace = try store.createNamespace("a")
      let limit = Namespace.maximumKeyLength
      #expect(limit == Store.maximumKeyLength - 8)
      let longest = Array(repeating: UInt8(1), count: limit)
      try namespace.put(longest, [1])
      #expect(try namespace.get(longest) == [1])
      let refusal = StoreError.keyTooLong(length: limit + 1, limit: limit)
      #expect(throws: refusal) { try namespace.put(longest + [1], []) }
      #expect(throws: refusal) { try namespace.delete(longest + [1]) }
      #expect(throws: refusal) {
        try store.transaction { try $0.put(longest + [1], [], in: namespace) }
      }
      #expect(try namespace.get(longest + [1]) == nil)
      let prefix = NamespaceModelTests.prefix
      let escaped = prefix + Array(repeating: UInt8(1), count: limit - 4)
      try store.put(escaped, [2])
      #expect(try store.get(escaped) == [2])
      #expect(throws: refusal) { try store.put(escaped + [1], []) }
      try store.put(longest + Array(repeating: 1, count: 8), [3])
      #expect(try store.count == 2)
    }
  }

  @Test("A dropped namespace is gone in every way, and one of the same name is another one")
  func drop() throws {
    try withStore { (store) in
      let old = try store.createNamespace("a")
      try old.put("k", "1")
      try store.put("k", "default")
      let snapshot = try store.snapshot()
      try store.dropNamespace("a")
      #expect(throws: StoreError.noNamespace("a")) { try store.dropNamespace("a") }
      try expectGone(old)
      #expect(try store.namespaces().isEmpty)
      let new = try store.createNamespace("a")
      try expectGone(old)
      #expect(try new.get("k") == nil)
      #expect(try new.count == 0)
      try new.put("k", "2")
      try store.compact()
      #expect(try new.get("k") == "2")
      #expect(try store.get("k") == "default")
      // A snapshot of before shows what there was.
      #expect(try snapshot.namespace("a").get("k") == "1")
      #expect(throws: StoreError.readOnly) { try snapshot.namespace("a").put("k", "3") }
      #expect(try store.statistics().keyCount == 2)
    }
  }

  private func expectGone(_ namespace: Namespace) throws {
    let gone = StoreError.noNamespace(namespace.name)
    let store = namespace.store
    #expect(throws: gone) { try namespace.get("k") }
    #expect(throws: gone) { try namespace.contains("none") }
    #expect(throws: gone) { try namespace.put("k", "x") }
    #expect(throws: gone) { try namespace.delete("k") }
    #expect(throws: gone) { try namespace.compareAndSwap([1], expected: nil, new: [1]) }
    #expect(throws: gone) { try namespace.count }
    #expect(throws: gone) { try namespace.withCursor { _ = try $0.next() } }
    for order in [IterationOrder.unordered, .ascending, .descending] {
      #expect(throws: gone) { try namespace.forEach(order: order) { _, _, _ in .next } }
    }
    #expect(throws: gone) {
      let key = Array("k".utf8)
      try namespace.forEachVersion(of: unsafe key.span.bytes) { _, _ in .next }
    }
    #expect(throws: gone) { try store.transaction { try $0.put("k", "x", in: namespace) } }
    #expect(throws: gone) { try store.transaction { _ = try $0.get("k", in: namespace) } }
    #expect(throws: gone) {
      try store.optimisticTransaction { try $0.put("k", "x", in: namespace) }
    }
  }

  @Test("Space of a dropped namespace is given back, also behind an opening")
  func space() throws {
    let scratch = try Scratch()
    let value = Array(repeating: UInt8(7), count: 500)
    do {
      let store = try Store.open(at: scratch.store, options: .smallSegments)
      let namespace = try store.createNamespace("large")
      for number in 0..<1000 { try namespace.put(Array("\(number)".utf8), value) }
      try store.put("kept", "1")
      try store.dropNamespace("large")
      // A crash: nothing was deleted behind the drop so far.
    }
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    #expect(try store.statistics().keyCount == 1001)
    let before = try store.statistics().space.totalBytes
    try store.compact()
    #expect(try store.statistics().keyCount == 1)
    #expect(try store.statistics().space.totalBytes < before / 4)
    #expect(try store.get("kept") == "1")
    #expect(try store.count == 1)
  }

  @Test("The store's own thread gives the space back")
  func background() throws {
    let scratch = try Scratch()
    var options = StoreOptions.smallSegments
    options.compactsInBackground = true
    let store = try Store.open(at: scratch.store, options: options)
    let namespace = try store.createNamespace("large")
    for number in 0..<500 { try namespace.put(Array("\(number)".utf8), [1]) }
    try store.put("kept", "1")
    try store.dropNamespace("large")
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(20)
    while try store.statistics().keyCount > 1, clock.now < deadline {}
    #expect(try store.statistics().keyCount == 1)
    #expect(try store.get("kept") == "1")
  }

  @Test("A feed tells a drop, leaves out what was dropped, and hides what is deleted behind it")
  func feed() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let reader = try Store.openReadOnly(at: scratch.store)
    let first = store.firstChangeToken
    let doomed = try store.createNamespace("doomed")
    let kept = try store.createNamespace("kept")
    try doomed.put("k", "1")
    try store.transaction { (transaction) in
      try transaction.put("k", "2", in: doomed)
      try transaction.put("k", "2", in: kept)
      try transaction.put("k", "2")
    }
    try store.sync()
    var early = store.changeFeed(after: first)
    #expect(try early.next()?.changes == [change("k", "1", in: "doomed")])
    let middle = early.token
    try store.dropNamespace("doomed")
    let both = Set([change("k", "2", in: "kept"), change("k", "2", in: nil)])
    for store in [store, reader] {
      for token in [first, middle] {
        var feed = store.changeFeed(after: token)
        #expect(try feed.next().map { Set($0.changes) } == both)
        #expect(try feed.next()?.changes == [KeyChange(dropOf: "doomed")])
        #expect(try feed.next() == nil)
      }
    }
    // The deletes behind the drop are nobody's business, and the token goes on over them.
    var feed = store.changeFeed(after: try store.changeToken)
    let before = feed.token
    var options = CompactionSteps()
    try store.compact { _ in options.next() }
    try store.put("last", "3")
    try store.sync()
    #expect(try feed.next()?.changes == [change("last", "3", in: nil)])
    #expect(feed.token.sequence > before.sequence + 1)
    var rest = reader.changeFeed(after: before)
    #expect(try rest.next()?.changes == [change("last", "3", in: nil)])
  }

  /// Stops a compaction at once: what was deleted stays in the journal.
  private struct CompactionSteps {
    mutating func next() -> Bool { false }
  }

  private func change(_ key: String, _ value: String?, in name: String?) -> KeyChange {
    KeyChange(key: Array(key.utf8), value: value.map { Array($0.utf8) }, in: name)
  }

  @Test("A reader in step with a writer never takes a dropped namespace for an empty one")
  func reader() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    let reader = try Store.openReadOnly(at: scratch.store)
    for round in 0..<20 {
      let namespace = try store.createNamespace("a")
      for number in 0..<50 { try namespace.put("\(number)", "\(round)") }
      let seen = try reader.namespace("a")
      #expect(try seen.get("7") == "\(round)")
      #expect(try seen.count == 50)
      try store.dropNamespace("a")
      #expect(throws: StoreError.noNamespace("a")) { try seen.get("7") }
      try store.compact()
      #expect(throws: StoreError.noNamespace("a")) { try seen.get("7") }
      #expect(throws: StoreError.noNamespace("a")) { try seen.count }
    }
    #expect(try reader.count == 0)
    #expect(try store.statistics().keyCount == 0)
  }

  /// A put that had looked before the drop and wrote behind it would be told to be there, and would stand
  /// in the way of the number's end for ever.
  @Test("No put slips in behind a drop, and no read takes what was deleted behind it for missing")
  func races() throws {
    let scratch = try Scratch()
    var options = StoreOptions.smallSegments
    options.compactsInBackground = true
    let store = try Store.open(at: scratch.store, options: options)
    for round in 0..<30 {
      let namespace = try store.createNamespace("a")
      for number in 0..<40 { try namespace.put("\(number)", "\(round)") }
      let group = ThreadGroup()
      let missing = Atomic<Int>(0)
      for thread in 0..<3 {
        group.run {
          // More than anybody can do before the drop: who gets there was let through.
          for number in 0..<200_000 {
            do throws(StoreError) {
              if thread == 0 {
                try namespace.put("put\(number)", "x")
              } else if try namespace.get("\(number % 40)") == nil {
                missing.add(1, ordering: .relaxed)
              }
            } catch {
              #expect(error == .noNamespace("a"))
              return
            }
          }
          Issue.record("a drop was not noticed")
        }
      }
      try store.dropNamespace("a")
      group.wait()
      #expect(missing.load(ordering: .relaxed) == 0)
    }
    try store.compact()
    #expect(try store.statistics().keyCount == 0)
  }

  @Test("An optimistic transaction conflicts in a namespace, and names the key as it is there")
  func conflict() throws {
    try withStore { (store) in
      let namespace = try store.createNamespace("a")
      try namespace.put("k", "1")
      #expect(throws: StoreError.conflict(key: Array("k".utf8))) {
        try store.optimisticTransaction(attempts: 1) { (transaction) in
          _ = try transaction.get("k", in: namespace)
          try namespace.put("k", "2")
          try transaction.put("other", "3")
        }
      }
      #expect(throws: StoreError.noNamespace("a")) {
        try store.optimisticTransaction(attempts: 1) { (transaction) in
          _ = try transaction.get("k", in: namespace)
          try store.dropNamespace("a")
          try transaction.put("other", "3")
        }
      }
      #expect(try store.count == 0)
    }
  }

  @Test("Beside an index image namespaces are what they were")
  func indexImages() throws {
    let scratch = try Scratch()
    var options = StoreOptions.smallSegments
    options.segmentOptions.smallestImagedJournal = 0
    for round in 0..<3 {
      let store = try Store.open(at: scratch.store, options: options)
      let namespace = try store.namespace("a", creatingIfMissing: true)
      for number in 0..<300 { try namespace.put("\(number)", "\(round)") }
      try store.put("k", "\(round)")
      try store.close()
      let reader = try Store.openReadOnly(at: scratch.store)
      #expect(try reader.namespace("a").get("7") == "\(round)")
      #expect(try reader.namespace("a").count == 300)
      #expect(try reader.count == 1)
    }
  }

  private func withStore(_ body: (Store) throws -> Void) throws {
    let scratch = try Scratch()
    try body(try Store.open(at: scratch.store, options: .smallSegments))
  }
}
