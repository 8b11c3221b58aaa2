// Read-only handles that use an image, beside a writer.

import Fenceline
import Foundation
import PersistentMemory
import Synchronization
import SystemPackage
import Testing

@testable import Fenceline

struct IndexImageFollowingTests {
  private static func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

  @Test(arguments: TestMedium.allCases)
  func `A reader with an image stays right whatever the writer does`(medium: TestMedium) throws {
    var generator = SeededGenerator(label: "following beside an image")
    let scratch = try Scratch(medium)
    var model: [[UInt8]: [UInt8]] = [:]
    var store = try Store.open(at: scratch.store, options: .imagedSegments)
    var readers: [Store] = []
    let absent = (0..<100).map(Self.key)
    for step in 0..<1500 {
      let key = Self.key(Int.random(in: 0..<90, using: &generator))
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<55:
        let length = Int.random(in: 0..<200, using: &generator)
        model[key] = Array("\(step)".utf8) + [UInt8](repeating: 7, count: length)
        try store.put(key, model[key] ?? [])
      case 55..<85:
        try store.delete(key)
        model[key] = nil
      case 85..<89: try store.writeIndexImage()
      case 89..<91: try store.compact(sealingAlways: true)
      case 91..<93:
        try store.close()
        store = try Store.open(at: scratch.store, options: .imagedSegments)
      case 93..<95:
        try store.sync()
        store.directory.unlock()
        store = try Store.open(at: scratch.store, options: .imagedSegments)
      default:
        try store.sync()
        if readers.count > 3 { readers.removeFirst() }
        readers.append(try Store.openReadOnly(at: scratch.store))
      }
      guard step.isMultiple(of: 9) else { continue }
      try store.sync()
      for (number, reader) in readers.enumerated() {
        #expect(try reader.count == model.count, "step \(step), reader \(number)")
        show(reader, model, absent: absent, "step \(step), reader \(number)")
        guard step.isMultiple(of: 99) else { continue }
        #expect(try reader.dictionary() == model)
        show(reader, model, absent: absent, "step \(step), reader \(number), taken over")
      }
    }
  }

  /// Some threads get, others want all keys at once, and the writer goes on.
  @Test func `While an image is taken over no key is missed and none comes back`() throws {
    let scratch = try Scratch()
    let keys = 3000
    var store = try Store.open(at: scratch.store, options: .imagedSegments)
    for number in 0..<2 * keys { try store.put(Self.key(number), Array("0".utf8)) }
    try store.writeIndexImage()
    // Behind the image every second key goes, so that the table leads to deletes.
    for number in keys..<2 * keys { try store.delete(Self.key(number)) }
    try store.close()
    store = try Store.open(at: scratch.store, options: .imagedSegments)
    let failures = Mutex<[String]>([])
    for round in 1..<12 {
      let reader = try Store.openReadOnly(at: scratch.store)
      #expect(reader.index.image != nil)
      let isDone = Atomic<Bool>(false)
      let group = ThreadGroup()
      for thread in 0..<2 {
        group.run {
          var newest = [Int](repeating: 0, count: keys)
          var number = thread
          while !isDone.load(ordering: .relaxed) {
            number = (number + 7) % keys
            let bytes = (try? reader.get(Self.key(number))) ?? []
            let value = Int(String(decoding: bytes, as: UTF8.self)) ?? -1
            let gone = try? reader.get(Self.key(keys + number))
            if value < newest[number] || gone != nil {
              failures.withLock { $0.append("\(number): \(value) after \(newest[number])") }
              return
            }
            newest[number] = value
          }
        }
      }
      let scans = ThreadGroup()
      for (number, order) in [IterationOrder.unordered, .ascending, .unordered].enumerated() {
        scans.run {
          // One comes at the moment when the image is no longer used.
          while number == 2, reader.index.usesImage {}
          for _ in 0..<3 {
            var count = 0
            var isRight = true
            try? reader.forEach(order: order) { (_, value, _) in
              count += 1
              if value.byteCount == 0 { isRight = false }
              return .next
            }
            if count != keys || !isRight {
              failures.withLock { $0.append("\(count) keys \(order)") }
            }
          }
        }
      }
      for number in stride(from: 0, to: keys, by: 5) {
        try store.put(Self.key(number), Array("\(round)".utf8))
      }
      scans.wait()
      isDone.store(true, ordering: .relaxed)
      group.wait()
      try store.writeIndexImage()
      // For the next round.
      for number in keys..<2 * keys { try store.put(Self.key(number), Array("0".utf8)) }
      try store.writeIndexImage()
      for number in keys..<2 * keys { try store.delete(Self.key(number)) }
    }
    #expect(failures.withLock { $0.prefix(5) } == [])
  }
}
