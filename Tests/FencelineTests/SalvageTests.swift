// What is saved of a damaged store is what the store would still answer: never anything else.

import Fenceline
import Foundation
import SystemPackage
import Testing

struct SalvageTests {
  /// A store with a past, and what is known of it.
  private struct Sample {
    let scratch: Scratch
    /// What it holds.
    var current: [[UInt8]: [UInt8]] = [:]
    /// Every value that a key ever had.
    var history: [[UInt8]: Set<[UInt8]>] = [:]
    /// Where records stand: file, bytes and key.
    var records: [(file: String, range: Range<Int>, key: [UInt8])] = []
    var files: [String: Data] = [:]
  }

  /// Puts, deletes and transactions over several segments, some of them compacted, closed in order.
  private func makeSample(_ numbers: inout SeededGenerator) throws -> Sample {
    var sample = Sample(scratch: try Scratch())
    let store = try Store.open(at: sample.scratch.store, options: .smallSegments)
    func key(_ numbers: inout SeededGenerator) -> [UInt8] {
      Array("key \(Int.random(in: 0..<60, using: &numbers))".utf8)
    }
    for round in 0..<400 {
      var changes: [(key: [UInt8], value: [UInt8]?)] = []
      for _ in 0..<(round % 5 == 0 ? 4 : 1) {
        let value = numbers.bytes(.random(in: 0...300, using: &numbers))
        let isDelete = Int.random(in: 0..<5, using: &numbers) == 0
        changes.append((key(&numbers), isDelete ? nil : value))
      }
      try store.transaction {
        for (key, value) in changes {
          if let value { try $0.put(key, value) } else { try $0.delete(key) }
        }
      }
      for (key, value) in changes {
        sample.current[key] = value
        if let value { sample.history[key, default: []].insert(value) }
      }
      if round % 8 == 0 { try store.sync() }
      if round == 200 { try store.compact() }
    }
    let names = Dictionary(
      uniqueKeysWithValues: try store.segments().map { ($0.number, $0.fileName) }
    )
    for key in sample.history.keys {
      try store.forEachVersion(of: unsafe key.span.bytes) { (version, value) in
        let location = version.location
        // Without what fills it up to a multiple of 8.
        let range = location.offset..<location.valueOffset + (value?.byteCount ?? 0)
        sample.records.append((names[location.segment] ?? "", range, key))
        return .next
      }
    }
    try store.close()
    #expect(try Store.openReadOnly(at: sample.scratch.store).dictionary() == sample.current)
    sample.files = try sample.scratch.contents()
    return sample
  }

  /// Puts the sample's files, damaged by `body`, where the store was.
  private func damage(_ sample: Sample, _ body: (inout [String: Data]) -> Void) throws {
    var files = sample.files
    body(&files)
    let store = sample.scratch.store
    try FileManager.default.removeItem(atPath: store.string)
    try FileManager.default.createDirectory(
      atPath: store.string,
      withIntermediateDirectories: false
    )
    for (name, data) in files { try data.write(to: sample.scratch.url(name)) }
  }

  /// Saves, and holds what was saved against what is known.
  ///
  /// - Returns: the report and the keys that were not saved.
  @discardableResult
  private func checkSalvage(
    _ sample: Sample,
    _ comment: Comment
  ) throws -> (SalvageReport, Set<[UInt8]>) {
    let scratch = sample.scratch
    let before = try scratch.contents()
    let (plain, older) = (scratch.root.appending("plain"), scratch.root.appending("older"))
    defer {
      for path in [plain, older] { try? FileManager.default.removeItem(atPath: path.string) }
    }
    var told: Set<[UInt8]> = []
    let report = try Store.salvage(from: scratch.store, to: plain, lost: { told.insert($0.key) })
    let dry = try Store.salvage(from: scratch.store, to: nil)
    #expect(dry == report, comment)
    let saved = try Store.openReadOnly(at: plain).dictionary()
    try #require(try Store.verify(at: plain).isSound, comment)
    #expect(saved.count == report.keptCount, comment)
    for (key, value) in saved {
      let name = String(decoding: key, as: UTF8.self)
      try #require(sample.current[key] == value, "\(comment): \(name)")
    }
    let missing = Set(sample.current.keys.filter { saved[$0] == nil })
    let unnamed = report.unnamedCount ?? .max
    #expect(missing.subtracting(told).count <= unnamed, comment)
    #expect(report.isComplete ? missing.isEmpty : !report.verification.isSound, comment)

    let second = try Store.salvage(
      from: scratch.store,
      to: older,
      keepingOlderVersions: true
    )
    let more = try Store.openReadOnly(at: older).dictionary()
    #expect(more.count == second.keptCount + second.olderCount, comment)
    for (key, value) in more {
      try #require(sample.history[key]?.contains(value) == true, comment)
      if let certain = saved[key] { #expect(value == certain, comment) }
    }
    #expect(saved.keys.allSatisfy { more[$0] != nil }, comment)
    #expect(try scratch.contents() == before, comment)
    #expect(try names(in: scratch) == ["older", "plain", "store"])
    return (report, missing)
  }

  /// Everything beside the store, so that what was left over is seen.
  private func names(in scratch: Scratch) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.root.string).sorted()
  }

  @Test func `A flipped bit costs the key whose record it hit, and is named`() throws {
    var numbers = SeededGenerator(label: "salvage")
    let sample = try makeSample(&numbers)
    for _ in 0..<60 {
      let record = sample.records[.random(in: 0..<sample.records.count, using: &numbers)]
      let offset = Int.random(in: record.range, using: &numbers)
      let bit = UInt8.random(in: 0..<8, using: &numbers)
      try damage(sample) { $0[record.file]?[offset] ^= 1 << bit }
      let comment: Comment = "\(record.file) at \(offset)"
      let (report, missing) = try checkSalvage(sample, comment)
      #expect(missing.isSubset(of: [record.key]), comment)
      #expect(report.unnamedCount ?? 2 <= 1, comment)
      let isNamed = report.verification.places.contains {
        $0.file.lastComponent?.string == record.file && $0.kind == .corrupt
          && $0.offset <= offset && offset < $0.end ?? .max
      }
      #expect(isNamed, comment)
    }
  }

  @Test func `Whatever is damaged, nothing is saved that the store did not hold`() throws {
    var numbers = SeededGenerator(label: "salvage")
    let sample = try makeSample(&numbers)
    let segments = sample.files.keys.filter { $0.hasSuffix(".segment") }.sorted()
    for round in 0..<50 {
      var places: [String] = []
      try damage(sample) { (files) in
        for _ in 0..<Int.random(in: 1...3, using: &numbers) {
          let name = segments[.random(in: 0..<segments.count, using: &numbers)]
          guard let length = files[name]?.count, length > 4096 else { continue }
          let page = Int.random(in: 0..<length / 4096, using: &numbers) * 4096
          switch Int.random(in: 0..<6, using: &numbers) {
          case 0: files[name] = nil
          case 1: files[name]?.removeSubrange(page...)
          case 2, 3: files[name]?.resetBytes(in: page..<page + 4096)
          default: files[name]?[Int.random(in: 0..<length, using: &numbers)] ^= 0xff
          }
          places.append("\(name) \(page)")
        }
      }
      do {
        try checkSalvage(sample, "round \(round): \(places)")
      } catch StoreError.corrupt(_, _, .segmentHeader), StoreError.corrupt(_, _, .fileLength) {
        // No header is left that says what this is.
        continue
      }
    }
  }

  @Test func `A key that was deleted later is not lost with an older version`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("stays", "1", durability: .durable)
    try store.put("goes", "the value", durability: .durable)
    try store.delete("goes", durability: .durable)
    try store.close()
    try scratch.patch("00000001.segment") { (data) in
      if let range = data.range(of: Data("the value".utf8)) { data[range.lowerBound] ^= 1 }
    }
    var told: [SalvageLoss] = []
    let report = try Store.salvage(from: scratch.store, to: nil, lost: { told.append($0) })
    #expect(told.isEmpty && report.isComplete && report.keptCount == 1)
    #expect(report.verification.places.first?.records.first?.key == Array("goes".utf8))
  }

  @Test func `A key whose delete is damaged comes back only where that is wanted`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("goes", "the value", durability: .durable)
    try store.delete("goes", durability: .durable)
    try store.put("stays", "1", durability: .durable)
    var place = 0
    try store.forEachVersion(of: unsafe Array("goes".utf8).span.bytes) { (version, _) in
      if version.isDelete { place = version.location.offset }
      return .next
    }
    try store.close()
    try scratch.patch("00000001.segment") { $0[place] ^= 1 }
    let output = scratch.root.appending("new")
    let report = try Store.salvage(from: scratch.store, to: output)
    #expect(report.lostCount == 1 && report.keptCount == 1)
    #expect(try Store.openReadOnly(at: output).get("goes") == nil)
    #expect(report.verification.places.first?.records.first?.isDelete == true)
    let older = scratch.root.appending("older")
    let wanted = try Store.salvage(from: scratch.store, to: older, keepingOlderVersions: true)
    #expect(wanted.olderCount == 1)
    #expect(try Store.openReadOnly(at: older).get("goes") == "the value")
  }

  @Test func `An unfinished write is torn, no damage, and left out`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.put("first", "1", durability: .durable)
    try store.transaction {
      try $0.put("a", "2")
      try $0.put("b", "3 and what makes it longer")
    }
    let killed = Scratch.at(try scratch.copyOfFiles())
    try killed.patch("00000001.segment") { (data) in
      if let range = data.range(of: Data("3 and what".utf8)) { data[range.lowerBound] ^= 1 }
    }
    let places = try Store.verify(at: killed.store).places
    #expect(places.map(\.kind) == [.torn] && places.allSatisfy { $0.error == nil })
    let output = scratch.root.appending("new")
    let report = try Store.salvage(from: killed.store, to: output)
    #expect(report.isComplete && report.keptCount == 1)
    #expect(try Store.openReadOnly(at: output).dictionary().count == 1)
  }

  // MARK: Namespaces

  /// A closed store with namespaces, one of them dropped and one empty.
  private func makeNamespaces() throws -> Scratch {
    let scratch = try Scratch()
    var options = StoreOptions()
    options.compactsInBackground = false
    let store = try Store.open(at: scratch.store, options: options)
    try store.put("plain", "1")
    try store.put([0xff, 0x66, 0x6c, 0x6e, 9], [2])
    let spaces = try ["first", "dropped", "empty"].map { try store.createNamespace("space \($0)") }
    for number in 0..<3 {
      try spaces[0].put("key \(number)", "value \(number)")
      try spaces[1].put("key \(number)", "gone")
    }
    try spaces[0].put("lasts", "long", expiry: .after(.seconds(1000)))
    try spaces[0].put("has ended", "before", expiry: .after(.seconds(-1)))
    try store.dropNamespace("space dropped")
    try store.close()
    return scratch
  }

  private func expectSaved(_ store: Store, first name: String = "space first") throws {
    #expect(try store.dictionary().count == 2)
    #expect(try store.get("plain") == "1" && store.get([0xff, 0x66, 0x6c, 0x6e, 9]) == [2])
    #expect(try store.namespaces() == [name, "space empty"].sorted())
    let first = try store.namespace(name)
    #expect(try first.count == 4 && first.get("key 2") == "value 2")
    #expect(try first.expiry(of: "lasts") != nil && first.get("has ended") == nil)
  }

  @Test func `Namespaces are saved with their keys, dropped ones are not`() throws {
    let scratch = try makeNamespaces()
    let output = scratch.root.appending("new")
    let report = try Store.salvage(from: scratch.store, to: output)
    #expect(report.isComplete && report.keptCount == 6, "\(report)")
    try expectSaved(try Store.openReadOnly(at: output))
    #expect(try Store.verify(at: output).isSound)
  }

  /// Of the two records of a namespace one is enough.
  @Test(arguments: [0, 1])
  func `A namespace with half of its catalogue is sound`(half: Int) throws {
    let scratch = try makeNamespaces()
    try scratch.patch("00000001.segment") { (data) in
      var place = data.range(of: Data("space first".utf8))
      if half == 1, let first = place {
        place = data.range(of: Data("space first".utf8), in: first.upperBound..<data.endIndex)
      }
      // A record's key can't be told where it is damaged itself: the byte before is part of it too.
      if let place { data[place.upperBound - 1] ^= 1 }
    }
    #expect(try !Store.verify(at: scratch.store).isSound)
    let output = scratch.root.appending("new")
    let report = try Store.salvage(from: scratch.store, to: output)
    #expect(report.keptCount == 6 && report.lostCount == 0, "\(report)")
    #expect(report.doubtfulNamespaces.isEmpty)
    try expectSaved(try Store.openReadOnly(at: output))
  }

  @Test func `A namespace without a catalogue comes back only where that is wanted`() throws {
    let scratch = try makeNamespaces()
    try scratch.patch("00000001.segment") { (data) in
      var from = data.startIndex
      while let place = data.range(of: Data("space first".utf8), in: from..<data.endIndex) {
        data[place.lowerBound] ^= 1
        from = place.upperBound
      }
    }
    var told: [SalvageLoss] = []
    let output = scratch.root.appending("new")
    let report = try Store.salvage(from: scratch.store, to: output, lost: { told.append($0) })
    #expect(report.keptCount == 2 && report.lostCount == 4, "\(report)")
    #expect(report.doubtfulNamespaces.contains("lost-1") && !report.isComplete)
    #expect(Set(told.map(\.namespace)) == ["lost-1"])
    #expect(try Store.openReadOnly(at: output).namespaces() == ["space empty"])
    let older = scratch.root.appending("older")
    let wanted = try Store.salvage(from: scratch.store, to: older, keepingOlderVersions: true)
    #expect(wanted.keptCount == 2 && wanted.olderCount == 4)
    try expectSaved(try Store.openReadOnly(at: older), first: "lost-1")
  }

  /// Nothing whole is left of it, and the name that stands for it once came too late for the list.
  @Test func `A namespace that only damaged records tell of is doubtful too`() throws {
    let scratch = try Scratch()
    let store = try Store.open(at: scratch.store)
    try store.createNamespace("space").put("key", "only value")
    try store.put("stays", "1", durability: .durable)
    try store.close()
    try scratch.patch("00000001.segment") { (data) in
      for text in ["space", "only value"] {
        var from = data.startIndex
        while let place = data.range(of: Data(text.utf8), in: from..<data.endIndex) {
          data[place.lowerBound] ^= 1
          from = place.upperBound
        }
      }
    }
    var told: [SalvageLoss] = []
    let report = try Store.salvage(from: scratch.store, to: nil, lost: { told.append($0) })
    #expect(report.keptCount == 1 && !report.isComplete, "\(report)")
    let names = Set(told.compactMap(\.namespace))
    #expect(names == ["lost-1"], "\(told)")
    #expect(names.isSubset(of: report.doubtfulNamespaces), "\(report)")
  }

  @Test func `A new store takes nobody's place`() throws {
    let scratch = try Scratch()
    try Store.open(at: scratch.store).put("a", "1")
    let output = scratch.root.appending("new")
    try Data("precious".utf8).write(to: URL(filePath: output.string))
    #expect(throws: StoreError.system(operation: "mkdir", path: output, cause: .fileExists)) {
      try Store.salvage(from: scratch.store, to: output)
    }
    #expect(throws: StoreError.noStore(scratch.root)) {
      try Store.salvage(from: scratch.root, to: scratch.root.appending("other"))
    }
    #expect(try names(in: scratch) == ["new", "store"])
  }
}
