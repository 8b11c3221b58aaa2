// An index that is brought up to date says what a whole export would say, and costs what has changed.

import Fenceline
import Foundation
import IndexExport
import SystemPackage
import Testing

@Suite("Updating an index")
struct UpdateTests {
  /// `FENCELINE_SEED` repeats a run.
  private static let seed =
    ProcessInfo.processInfo.environment["FENCELINE_SEED"].flatMap { UInt64($0) }
    ?? .random(in: 0...UInt64.max)

  /// What a random history has met.
  private struct Tally {
    var updates = 0
    var moves = 0
    var rewrites = 0

    mutating func note(_ update: IndexUpdate) {
      if update.extent == .changes { updates += 1 } else { rewrites += 1 }
      if update.movedRecordCount > 0 { moves += 1 }
    }
  }

  // MARK: Content

  @Test("behind any history the tables are those of a whole export", arguments: [false, true])
  func history(retains: Bool) throws {
    print("FENCELINE_SEED=\(Self.seed)")
    var numbers = SeededNumbers(seed: Self.seed)
    var tally = Tally()
    let scratch = try Scratch()
    let retained = retains ? 200_000 : 0
    var store: Store? = try scratch.openStore(retaining: retained)
    var reader = try Store.openReadOnly(at: scratch.store)
    for round in 0..<60 {
      for _ in 0..<Int.random(in: 0...25, using: &numbers) {
        try store.map { try writeSomething(to: $0, &numbers) }
      }
      switch Int.random(in: 0..<8, using: &numbers) {
      case 0: try store?.compact(sealingAlways: true)
      case 1, 2: try store?.compact { (_) in false }
      case 3:
        // In order, or as behind the end of the process.
        if Bool.random(using: &numbers) { try store?.close() }
        store = nil
        store = try scratch.openStoreAgain(retaining: retained)
      case 4: reader = try Store.openReadOnly(at: scratch.store)
      default: break
      }
      try (Bool.random(using: &numbers) ? store : reader).map {
        tally.note(try IndexExport.update($0, at: scratch.index))
        try expectAsWhole(scratch, $0, "seed \(Self.seed), round \(round)")
      }
    }
    #expect(tally.updates > 10 && tally.moves > 0 && tally.rewrites > 0, "\(tally)")
    #expect(try scratch.names == ["index.sqlite", "whole.sqlite"])
  }

  @Test("one who follows keeps the tables so, with the file in its place")
  func following() throws {
    print("FENCELINE_SEED=\(Self.seed)")
    var numbers = SeededNumbers(seed: Self.seed)
    var tally = Tally()
    let scratch = try Scratch()
    let store = try scratch.openStore()
    try IndexExport.write(store, to: scratch.index)
    let file = try FileManager.default.attributesOfItem(atPath: scratch.index.string)
    var follower = try IndexFollower(store, at: scratch.index)
    for round in 0..<60 {
      for _ in 0..<Int.random(in: 0...25, using: &numbers) {
        try writeSomething(to: store, &numbers)
      }
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0: try store.compact(sealingAlways: true)
      case 1, 2: try store.compact { (_) in false }
      default: break
      }
      if let update = try follower.step() {
        tally.note(update)
        try expectAsWhole(scratch, store, "seed \(Self.seed), round \(round)")
      }
      #expect(try follower.step() == nil)
    }
    #expect(tally.updates > 10 && tally.moves > 0 && tally.rewrites > 0, "\(tally)")
    try follower.close()
    #expect(try scratch.names == ["index.sqlite", "whole.sqlite"])
    let sameFile = try FileManager.default.attributesOfItem(atPath: scratch.index.string)
    #expect(file[.systemFileNumber] as? Int == sameFile[.systemFileNumber] as? Int)
  }

  @Test(
    "what has ended since goes, and what a dropped namespace had, but not what its successor has"
  )
  func groups() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    let first = try store.createNamespace("a\0b")
    let other = try store.createNamespace("a")
    for number in 0..<50 {
      try first.put("key \(number)", "old")
      try other.put("key \(number)", "stays")
    }
    let end = Expiry.after(.milliseconds(600))
    try store.put("ends", "soon", expiry: end)
    try IndexExport.write(store, to: scratch.index)
    func rows(_ condition: String) throws -> [[String]] {
      try query(
        scratch.index,
        "SELECT count(*), coalesce(sum(expires), 0) FROM entries WHERE \(condition)"
      )
    }
    #expect(try rows("key_text = 'ends'") == [["1", "\(end.millisecondsSince1970)"]])
    #expect(try rows("namespace = char(97, 0, 98)") == [["50", "0"]])
    try store.dropNamespace("a\0b")
    try store.createNamespace("a\0b").put("key 3", "new")
    usleep(700_000)
    let update = try IndexExport.update(store, at: scratch.index)
    #expect(update.extent == .changes && update.entryCount == 51, "\(update)")
    #expect(try rows("namespace = char(97, 0, 98)") == [["1", "0"]])
    #expect(try rows("key_text = 'ends'") == [["0", "0"]])
    #expect(
      try query(scratch.index, "SELECT namespace, entries FROM namespace_usage") == [
        ["a", "50"], ["a", "1"],
      ]
    )
    try expectAsWhole(scratch, store, "groups")
  }

  @Test("an update ends, and is right, where a namespace is dropped whenever it looks")
  func drops() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    for number in 0..<20 {
      let namespace = try store.createNamespace("space \(number)")
      try namespace.put("early", "")
      try namespace.put("goes", "")
    }
    try IndexExport.write(store, to: scratch.index)
    // Each makes work for one more report of progress behind the moment that is being read.
    func putMany() throws {
      for number in 0..<5000 { try store.put("key \(number)", "") }
    }
    try putMany()
    var dropped: [String] = []
    let update = try IndexExport.update(store, at: scratch.index) { (_) in
      let name = "space \(dropped.count)"
      let isEnough = dropped.count > 15
      dropped.append(name)
      #expect(throws: Never.self) {
        try store.dropNamespace(name)
        try putMany()
        // Told behind the keys, when the next report has dropped the namespace that it is about.
        let next = try store.namespace("space \(dropped.count)")
        try next.put("late", "")
        try next.delete("goes")
      }
      return isEnough ? .stop : .next
    }
    #expect(update.extent == .changes && dropped.count == 3, "\(update), \(dropped)")
    let rows = try query(
      scratch.index,
      """
      SELECT key_text FROM entries WHERE namespace = 'space 2' ORDER BY key;
      SELECT count(*) FROM namespaces;
      SELECT count(*) - (SELECT sum(live_entries) FROM segments) FROM entries
      """
    )
    #expect(rows == [["early"], ["late"], ["18"], ["0"]])
    try IndexExport.update(store, at: scratch.index)
    try expectAsWhole(scratch, store, "dropped")
  }

  // MARK: Cost

  @Test("an update touches what changed and what moved, and no other row")
  func cost() throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    for number in 0..<20_000 { try store.put("key \(number)", "value \(number)") }
    #expect(try IndexExport.update(store, at: scratch.index).extent == .everything(.noIndex))
    let nothing = try IndexExport.update(store, at: scratch.index)
    #expect(nothing.extent == .changes && nothing.entryCount == 20_000)
    #expect(nothing.changedKeyCount + nothing.movedRecordCount + nothing.writtenRowCount == 0)

    for number in 0..<10 { try store.put("key \(number * 7)", "another") }
    try store.transaction {
      try $0.delete("key 5")
      try $0.put("new", "")
    }
    let few = try IndexExport.update(store, at: scratch.index)
    #expect(few.transactionCount == 11 && few.changedKeyCount == 12 && few.writtenRowCount == 12)
    #expect(few.movedRecordCount == 0 && few.entryCount == 20_000)

    // Enough dead records in the oldest segments that a compaction takes those and no others.
    for number in 0..<1500 { try store.put("key \(number)", "once more") }
    try IndexExport.update(store, at: scratch.index)
    let before = Set(try store.segments().map(\.number))
    try store.compact { (_) in false }
    var moved = 0
    try store.forEach { (_, _, location) in
      if !before.contains(location.segment) { moved += 1 }
      return .next
    }
    #expect(moved > 100 && moved < 10_000)
    let repair = try IndexExport.update(store, at: scratch.index)
    #expect(repair.extent == .changes && repair.changedKeyCount == 0)
    #expect(repair.movedRecordCount == moved && repair.writtenRowCount == moved)
    try expectAsWhole(scratch, store, "cost")
  }

  // MARK: Others

  @Test("beside a writer that compacts nothing is lost, and readers see whole transactions")
  func besideAWriter() async throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    for number in 0..<2000 { try store.put("steady \(number)", "value \(number)") }
    try IndexExport.write(store, to: scratch.index)
    let isDone = Flag()
    let steps = Counter()
    try await withThrowingTaskGroup(of: Void.self) { (group) in
      group.addTask {
        defer { isDone.set() }
        var follower = try IndexFollower(store, at: scratch.index)
        for _ in 0..<40 {
          _ = try follower.step()
          steps.increment()
          let seen = try query(
            scratch.index,
            """
            SELECT count(DISTINCT sequence), count(*) % 2 FROM entries WHERE key_text LIKE 'pair%';
            SELECT count(*) - (SELECT value FROM store WHERE name = 'key_count') FROM entries;
            SELECT count(*) - (SELECT sum(live_entries) FROM segments) FROM entries
            """
          )
          let first = seen[0]
          #expect((first == ["1", "0"] || first == ["0", "0"]) && seen[1...] == [["0"], ["0"]])
        }
        try follower.close()
      }
      group.addTask {
        var numbers = SeededNumbers(seed: Self.seed)
        var written = 0
        while !isDone.isSet {
          // Not faster than the index can be brought up to date: each step would take longer than the last.
          guard written < 300 * (steps.count + 1) else {
            try await Task.sleep(for: .milliseconds(1))
            continue
          }
          written += 1
          try writeSomething(to: store, &numbers)
          try store.transaction {
            try $0.put("pair/a", "")
            try $0.put("pair/b", "")
          }
        }
      }
      group.addTask {
        while !isDone.isSet {
          try store.compact()
          try await Task.sleep(for: .milliseconds(3))
        }
      }
      try await group.waitForAll()
    }
    try IndexExport.update(store, at: scratch.index)
    try expectAsWhole(scratch, store, "beside a writer")
  }
}
