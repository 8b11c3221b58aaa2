// Values that end by themselves.

import Foundation
import JournalFormat
import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

extension StoreOptions {
  /// Small segments, and a clock that stands at a thousand seconds until the test moves it.
  fileprivate static var standingClock: StoreOptions {
    var options = smallSegments
    options.segmentOptions.clock.fixedTime = 1000 * 1_000_000_000
    return options
  }
}

extension Expiry {
  fileprivate static func second(_ second: UInt64) -> Expiry {
    Expiry(millisecondsSince1970: second * 1000)
  }
}

struct ExpiryTests {
  @Test(arguments: TestMedium.allCases)
  func `A value ends in every way in which it can be read`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .standingClock)
    try store.put("a", "lasts")
    try store.put("b", "ends", expiry: .second(1010), durability: .durable)
    try store.put("c", "lasts", durability: .durable)
    #expect(try store.get("b") == "ends")
    #expect(try store.expiry(of: "b") == .second(1010))
    #expect(try store.expiry(of: "a") == nil)
    #expect(try store.dictionary().count == 3)
    let before = try store.snapshot()
    store.clock.advance(to: 1_009_999)
    #expect(try store.contains("b"))
    store.clock.advance(to: 1_010_000)
    let after = try store.snapshot()
    let reader = try Store.openReadOnly(at: scratch.store, options: .standingClock)
    // Another process has its own clock.
    #expect(try reader.get("b") == "ends")
    reader.clock.advance(to: 1_010_000)
    for handle in [store, reader] {
      #expect(try handle.get("b") == nil)
      #expect(try !handle.contains("b"))
      #expect(try handle.expiry(of: "b") == nil)
      #expect(try handle.get([Array("a".utf8), Array("b".utf8)])[1] == nil)
      for order in [IterationOrder.unordered, .ascending, .descending] {
        var keys: [String] = []
        try handle.forEach(order: order) { (key, _, _) in
          keys.append(String(decoding: key.array, as: UTF8.self))
          return .next
        }
        #expect(keys.sorted() == ["a", "c"])
      }
      try handle.withCursor { (cursor) throws in
        #expect(try cursor.seek(to: "b"))
        #expect(cursor.key == Array("c".utf8))
        #expect(try cursor.previous())
        #expect(cursor.key == Array("a".utf8))
      }
    }
    #expect(try before.get("b") == "ends")
    #expect(try before.count == 3)
    #expect(try after.get("b") == nil)
    #expect(try after.count == 2)
    try store.transaction { (transaction) throws in
      #expect(try transaction.get("b") == nil)
      try transaction.put("d", "over already", expiry: .second(1))
      #expect(try transaction.get("d") == nil)
    }
    #expect(try store.get("d") == nil)
    #expect(try store.delete("b") == false)
    #expect(try store.compareAndSwap(Array("b".utf8), expected: nil, new: [1]))
    #expect(try store.get(Array("b".utf8)) == [1])
    #expect(try store.expiry(of: "b") == nil)
  }

  @Test(arguments: [true, false])
  func `What expires does so in the next handle too, whatever its clock says`(
    closes: Bool
  ) throws {
    let scratch = try Scratch()
    var path = scratch.store
    do {
      let store = try Store.open(at: path, options: .standingClock)
      try store.put("soon", "1", expiry: .second(900), durability: .durable)
      try store.put("later", "2", expiry: .second(1100), durability: .durable)
      #expect(try store.get("soon") == nil)
      if closes { try store.close() } else { path = try scratch.copyOfFiles() }
    }
    var options = StoreOptions.standingClock
    // Set back: to a moment at which "soon" would still have been there.
    options.segmentOptions.clock.fixedTime = 800 * 1_000_000_000
    for isReading in [true, false] {
      let store =
        try isReading
        ? Store.openReadOnly(at: path, options: options) : Store.open(at: path, options: options)
      #expect(try store.get("soon") == nil)
      #expect(try store.get("later") == "2")
      store.clock.advance(to: 1_100_000)
      #expect(try store.get("later") == nil)
    }
    #expect(try Store.verify(at: path).isSound)
  }

  @Test func `A compaction removes what has expired and lets the rest expire`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .standingClock)
    let token = store.firstChangeToken
    for number in 0..<600 {
      let expiry = Expiry.second(number < 400 ? 1010 : 1020)
      try store.put("key \(number)", String(repeating: "v", count: 100), expiry: expiry)
    }
    try store.put("lasts", "1")
    let allocated = try store.statistics().allocatedBytes
    store.clock.advance(to: 1_010_000)
    #expect(try store.count == 601)
    try store.compact(sealingAlways: true)
    #expect(try store.count == 201)
    let left = try store.statistics().allocatedBytes
    #expect(left < allocated * 3 / 5, "\(left) of \(allocated)")
    #expect(try store.expiry(of: "key 500") == .second(1020))
    try store.close()
    let again = try Store.open(at: scratch.store, options: .standingClock)
    again.clock.advance(to: 1_020_000)
    #expect(try again.dictionary().count == 1)
    try again.compact(sealingAlways: true)
    #expect(try again.count == 1)
    // Feeds are told of deletes.
    var feed = again.changeFeed(after: try again.changeToken)
    #expect(throws: StoreError.changesAreGone(after: token)) {
      var whole = again.changeFeed(after: token)
      while try whole.next() != nil {}
    }
    try again.put("x", "1", expiry: .second(1030))
    again.clock.advance(to: 1_030_000)
    try again.compact()
    #expect(try feed.next()?.changes.first?.expiry == .second(1030))
    let removal = KeyChange(key: Array("x".utf8), value: nil)
    #expect(try feed.next()?.changes == [removal])
  }

  /// Deletes of what had ended, once they had found no room, were never tried again.
  @Test func `What could not be removed on a full medium goes as soon as there is room`() throws {
    let scratch = try Scratch()
    let directory = try FailingDirectory(scratch.store)
    let store = try Store(writingIn: directory, options: .standingClock)
    let value = String(repeating: "v", count: 100)
    for number in 0..<1000 { try store.put("old \(number)", value, expiry: .second(1010)) }
    try store.sync()
    directory.limitSegments()
    var kept = 0
    #expect(throws: StoreError.self) {
      while true {
        try store.put("new \(kept)", value)
        kept += 1
      }
    }
    // Fewer than are removed together otherwise fit into what is kept for deletes.
    let removed = try store.removeExpired(at: 1_010_000)
    #expect((1..<500).contains(removed))
    _ = try store.removeExpired(at: 1_010_000)
    #expect(try store.count == 1000 + kept - removed)
    #expect(try store.get("old 999") == nil)
    directory.endLimit()
    #expect(try store.removeExpired(at: 1_010_000) == 1000 - removed)
    #expect(try store.count == kept)
  }

  /// Readers of the past don't know what time it was then.
  @Test func `The past shows what has ended since, and when`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .standingClock)
    try store.put("key", "1", expiry: .second(1010))
    try store.put("key", "2", durability: .durable)
    store.clock.advance(to: 1_010_000)
    #expect(try store.get("key") == "2")
    let past = try Store.openReadOnly(at: scratch.store, asOf: 1, options: .standingClock)
    past.clock.advance(to: 1_010_000)
    #expect(try past.get("key") == "1")
    var expiries: [Expiry?] = []
    let key = Array("key".utf8)
    try store.forEachVersion(of: unsafe key.span.bytes) { (version, _) in
      expiries.append(version.expiry)
      return .next
    }
    #expect(expiries == [nil, .second(1010)])
  }

  /// Nobody has to look for what expires where nothing does.
  @Test func `Only segments behind the first value that expires say so`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store, options: .standingClock)
    for number in 0..<300 {
      try store.put("key \(number % 100)", String(repeating: "v", count: 100))
    }
    #expect(store.map.segments.count > 1)
    #expect(!store.map.segments.contains { $0.header.mayExpire })
    #expect(store.maintenance.expirySweep.nextDue == nil)
    let count = store.map.segments.count
    try store.put("expires", "", expiry: .second(1010))
    #expect(store.map.segments.count == count + 1)
    #expect(store.map.segments.last?.header.mayExpire == true)
    #expect(store.maintenance.expirySweep.nextDue == .second(1010))
    try store.put("expires too", "", expiry: .second(1020))
    #expect(store.map.segments.count == count + 1)
    store.clock.advance(to: 1_020_000)
    try store.compact(sealingAlways: true)
    #expect(try store.count == 100)
    // What was copied does not expire, so the copies' segments do not say so.
    let compacted = store.map.segments.filter { $0.header.compaction != nil }
    #expect(!compacted.isEmpty && !compacted.contains { $0.header.mayExpire })
  }

  @Test func `The store's own thread removes what has expired`() throws {
    let scratch = try Scratch()
    var options = StoreOptions.smallSegments
    options.compactsInBackground = true
    let store = try Store.open(at: scratch.store, options: options)
    for number in 0..<300 {
      try store.put(
        "key \(number)",
        String(repeating: "v", count: 100),
        expiry: .after(.milliseconds(50))
      )
    }
    let deadline = ContinuousClock.now + .seconds(30)
    while try store.count > 0, .now < deadline { usleep(20_000) }
    #expect(try store.count == 0, "\(String(describing: store.maintenance.expirySweep.nextDue))")
  }

  @Test(arguments: [Int64.min, -1, 0, 1, .max])
  func `Any duration gives a moment`(seconds: Int64) {
    let now = Clock.wallMilliseconds()
    let moment = Expiry.after(.seconds(seconds)).millisecondsSince1970
    switch seconds {
    case 0, 1: #expect((now + UInt64(seconds) * 1000...now + 60_000).contains(moment))
    case .max: #expect(moment > now * 1000)
    default: #expect(moment < now)
    }
  }

  /// Against a dictionary: random puts, deletes, batches, time, compactions, images and reopenings.
  @Test func `A store and a dictionary agree on what has expired`() throws {
    var generator = SeededGenerator(label: "expiry")
    let scratch = try Scratch()
    var options = StoreOptions.standingClock
    options.segmentOptions.smallestImagedJournal = 16 << 10
    var now: UInt64 = 1_000_000
    var model: [String: (value: String, expiry: UInt64)] = [:]
    for round in 0..<60 {
      let store = try Store.open(at: scratch.store, options: options)
      store.clock.advance(to: now)
      for step in 0..<50 {
        let key = "key \(Int.random(in: 0..<80, using: &generator))"
        let value = String(repeating: "v", count: Int.random(in: 0..<200, using: &generator))
        let end = now + UInt64.random(in: 0..<3000, using: &generator)
        let expiry = Expiry(millisecondsSince1970: end)
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<40:
          try store.put(key, value, expiry: expiry)
          model[key] = (value, end)
        case 40..<65:
          try store.put(key, value)
          model[key] = (value, .max)
        case 65..<75:
          let wasThere = model[key].map { $0.expiry > now } ?? false
          #expect(try store.delete(key) == wasThere, "round \(round), step \(step)")
          model[key] = nil
        case 75..<85:
          try store.transaction { (transaction) throws in
            try transaction.put(key, value, expiry: expiry)
            try transaction.put("\(key)'", value)
          }
          model[key] = (value, end)
          model["\(key)'"] = (value, .max)
        case 85..<96:
          now += UInt64.random(in: 0..<500, using: &generator)
          store.clock.advance(to: now)
        case 96..<98: try store.compact(sealingAlways: true)
        default: try store.writeIndexImage()
        }
        let shown = model[key].flatMap { $0.expiry > now ? $0.value : nil }
        #expect(try store.get(key) == shown, "round \(round), step \(step)")
      }
      try store.sync()
      let shown = model.filter { $0.value.expiry > now }
      let reader = try Store.openReadOnly(at: scratch.store, options: options)
      for handle in [store, reader] {
        handle.clock.advance(to: now)
        let found = try handle.dictionary()
        #expect(found.count == shown.count, "round \(round)")
        for (key, entry) in shown { #expect(found[Array(key.utf8)] == Array(entry.value.utf8)) }
      }
      if round.isMultiple(of: 2) { try store.close() }
    }
  }
}
