import Fenceline
import PersistentMemory
import Testing

/// The changes of a store, as its writer and its readers see them come.
@Suite struct ChangesTests {
  @Test("Every transaction comes once, whole and in order, and every token goes on behind it")
  func order() throws {
    try withStore { (store) in
      let first = store.firstChangeToken
      try store.put("a", "1")
      try store.transaction { (transaction) in
        try transaction.put("b", "2")
        try transaction.put("a", "3")
        // Changes nothing, so it is no change.
        try transaction.delete("none")
      }
      try store.delete("a", durability: .durable)
      let all = try collect(store.changeFeed(after: first))
      #expect(all.map(\.sequence) == [1, 2, 3])
      #expect(all[0].changes == [change("a", "1")])
      #expect(Set(all[1].changes) == [change("b", "2"), change("a", "3")])
      #expect(all[2].changes == [change("a", nil)])
      for (number, transaction) in all.enumerated() {
        let text = transaction.token.description
        let token = try #require(ChangeToken(text))
        let rest = try collect(store.changeFeed(after: token))
        #expect(rest == Array(all[(number + 1)...]))
      }
      #expect(try collect(store.changeFeed(after: store.changeToken)).isEmpty)
    }
  }

  @Test("Only what is durable comes, unless less is asked for")
  func durability() throws {
    try withStore { (store) in
      var feed = store.changeFeed(after: store.firstChangeToken)
      var early = store.changeFeed(after: store.firstChangeToken, durability: .buffered)
      try store.put("a", "1")
      #expect(try feed.next() == nil)
      #expect(try early.next()?.changes == [change("a", "1")])
      try store.sync()
      #expect(try feed.next()?.changes == [change("a", "1")])
      try store.put("b", "2", durability: .durable)
      #expect(try feed.next()?.changes == [change("b", "2")])
      #expect(try early.next()?.changes == [change("b", "2")])
      #expect(try feed.next() == nil)
    }
  }

  @Test(
    "Many segments, long values and large transactions come whole, to a writer and to a reader",
    arguments: TestMedium.allCases
  )
  func many(medium: TestMedium) throws {
    do {
      let scratch = try Scratch(medium)
      let directory = scratch.store
      let store = try Store.open(at: directory, options: .smallSegments)
      var expected: [[KeyChange]] = []
      for number in 0..<600 {
        if number.isMultiple(of: 50) {
          var changes: [KeyChange] = []
          try store.transaction { (transaction) in
            for part in 0..<40 {
              let value = String(repeating: "\(part)", count: 200)
              try transaction.put("t\(part)", value)
              changes.append(change("t\(part)", value))
            }
          }
          expected.append(changes)
        } else {
          let value = String(repeating: "v", count: number * 17 % 3_000)
          try store.put("k\(number % 70)", value)
          expected.append([change("k\(number % 70)", value)])
        }
      }
      try store.sync()
      #expect(try store.segments().count > 2)
      #expect(
        try collect(store.changeFeed(after: store.firstChangeToken)).map(\.changes) == expected
      )
      let reader = try Store.openReadOnly(at: directory)
      var feed = reader.changeFeed(after: reader.firstChangeToken)
      #expect(try collect(&feed).map(\.changes) == expected)
      try store.put("late", "1", durability: .durable)
      #expect(try feed.next()?.changes == [change("late", "1")])
      try store.close()
      let reopened = try Store.open(at: directory, options: .smallSegments)
      try reopened.put("later", "2", durability: .durable)
      #expect(try feed.next()?.changes == [change("later", "2")])
      try reopened.close()
    }
  }

  @Test("What a compaction has taken is missed, and a snapshot leads on")
  func compaction() throws {
    try withStore { (store) in
      for number in 0..<3_000 {
        try store.put("k\(number % 10)", String(repeating: "x", count: 400))
      }
      try store.sync()
      let old = try #require(try collect(store.changeFeed(after: store.firstChangeToken)).first)
      try store.compact()
      #expect(throws: StoreError.changesAreGone(after: old.token)) {
        var feed = store.changeFeed(after: old.token)
        _ = try feed.next()
      }
      #expect(throws: StoreError.changesAreGone(after: store.firstChangeToken)) {
        var feed = store.changeFeed(after: store.firstChangeToken)
        _ = try feed.next()
      }
      let snapshot = try store.snapshot()
      #expect(try snapshot.count == 10)
      var feed = store.changeFeed(after: snapshot.changeToken)
      try store.put("new", "1", durability: .durable)
      #expect(try feed.next()?.changes == [change("new", "1")])
      // A feed that is there already goes on, whatever happens to what it has read.
      for number in 0..<3_000 {
        try store.put("k\(number % 10)", String(repeating: "y", count: 400))
      }
      try store.sync()
      var count = 0
      while try feed.next() != nil { count += 1 }
      #expect(count == 3_000)
      try store.compact()
      try store.put("newer", "2", durability: .durable)
      #expect(try feed.next()?.changes == [change("newer", "2")])
    }
  }

  @Test("A token of another store, or of a transaction that never was, is refused")
  func unknown() throws {
    try withStore { (store) in
      try store.put("a", "1", durability: .durable)
      let token = try store.changeToken
      try withStore { (other) in
        try other.put("a", "1", durability: .durable)
        #expect(throws: StoreError.unknownToken(token)) {
          var feed = other.changeFeed(after: token)
          _ = try feed.next()
        }
      }
      let parts = token.description.split(separator: "-")
      for (incarnation, sequence) in [("1", "7"), ("9", "1")] {
        let text = "\(parts[0])-\(parts[1])-\(incarnation)-\(sequence)"
        let never = try #require(ChangeToken(text))
        #expect(throws: StoreError.unknownToken(never)) {
          var feed = store.changeFeed(after: never)
          _ = try feed.next()
        }
      }
      for text in ["", "1-2-3", "1-2-3-4-5", "x-1-1-1", "01-1-1-1", "1-1-1--1"] {
        #expect(ChangeToken(text) == nil)
      }
    }
  }

  @Test(
    "Whoever waits is woken by what is durable, by a close and by being cancelled",
    .timeLimit(.minutes(2))
  )
  func waiting() async throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    let changes = store.changes(after: try store.changeToken)
    let all = Task {
      var sequences: [UInt64] = []
      for try await transaction in changes { sequences.append(transaction.sequence) }
      return sequences
    }
    let cancelled = Task {
      var count = 0
      for try await _ in changes { count += 1 }
      return count
    }
    let reader = try Store.openReadOnly(at: scratch.store)
    let elsewhere = Task {
      var sequences: [UInt64] = []
      for try await transaction in reader.changes(after: reader.firstChangeToken) {
        sequences.append(transaction.sequence)
        if sequences.count == 50 { break }
      }
      return sequences
    }
    for number in 0..<50 {
      try store.put("k\(number)", "v")
      if number.isMultiple(of: 5) { try await Task.sleep(for: .milliseconds(2)) }
      try store.sync()
      if number == 25 { cancelled.cancel() }
    }
    #expect(try await elsewhere.value == Array(1...50))
    #expect(try await cancelled.value <= 50)
    try store.put("last", "v")
    try store.close()
    #expect(try await all.value == Array(1...51))
  }
}

private func withStore(_ body: (Store) throws -> Void) throws {
  let scratch = try Scratch()
  try body(try Store.open(at: scratch.store, options: .smallSegments))
}

private func change(_ key: String, _ value: String?) -> KeyChange {
  KeyChange(key: Array(key.utf8), value: value.map { Array($0.utf8) })
}

/// Everything that is there by now.
private func collect(_ feed: ChangeFeed) throws -> [ChangedTransaction] {
  var feed = feed
  return try collect(&feed)
}

private func collect(_ feed: inout ChangeFeed) throws -> [ChangedTransaction] {
  var all: [ChangedTransaction] = []
  while let next = try feed.next() { all.append(next) }
  return all
}
