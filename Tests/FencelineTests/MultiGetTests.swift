// Many reads at a time give what single ones give.

import Fenceline
import Foundation
import Testing

struct MultiGetTests {
  @Test(arguments: TestMedium.allCases)
  func `Several keys at a time have the values that they have one by one`(
    medium: TestMedium
  ) throws {
    var generator = SeededGenerator(label: "many keys")
    let scratch = try Scratch(medium)
    let store = try Store.open(at: scratch.store, options: .smallSegments)
    for number in 0..<500 {
      try store.put(Array("key \(number)".utf8), generator.bytes(number % 300))
    }
    for number in stride(from: 0, to: 500, by: 7) { try store.delete("key \(number)") }
    // Groups of every size around the one that is read at once, missing keys, the same key twice.
    for count in [0, 1, 2, 15, 16, 17, 31, 32, 33, 200] {
      let keys = (0..<count).map { _ in
        Array("key \(Int.random(in: 0..<600, using: &generator))".utf8)
      }
      let single = try keys.map { try store.get($0) }
      #expect(try store.get(keys) == single)
      var numbers: [Int] = []
      try store.withValues(forKeys: keys) { (number, _) in numbers.append(number) }
      #expect(numbers == Array(0..<count))
    }
    try store.sync()
    let readOnly = try Store.openReadOnly(at: scratch.store)
    #expect(try readOnly.get([Array("key 1".utf8), []]) == [store.get(Array("key 1".utf8)), nil])
    try store.close()
    #expect(throws: StoreError.closed) { try store.get([[1], [2]]) }
  }

  @Test func `Among several keys the first that can't be read is the error`() throws {
    let scratch = try Scratch()
    do {
      let store = try Store.open(at: scratch.store)
      for key in ["a", "b", "c"] { try store.put(key, "value of \(key)", durability: .durable) }
      try store.close()
    }
    try scratch.patch("00000001.segment") { (data) in
      guard let value = data.firstRange(of: Data("value of b".utf8)) else { return }
      data[value.lowerBound] ^= 1
    }
    let store = try Store.openReadOnly(at: scratch.store)
    var seen: [Int] = []
    let keys = ["a", "b", "c"].map { Array($0.utf8) }
    #expect(throws: StoreError.self) {
      try store.withValues(forKeys: keys) { (number, _) in seen.append(number) }
    }
    #expect(seen == [0])
  }
}
