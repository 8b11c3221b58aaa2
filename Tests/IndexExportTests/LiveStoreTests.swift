// An export beside a thread that writes all the while.

import Fenceline
import Foundation
import IndexExport
import SystemPackage
import Testing

@Suite("Export of a live store")
struct LiveStoreTests {
  @Test("every index is whole, and what nobody touches is in each")
  func besideAWriter() async throws {
    let scratch = try Scratch()
    let store = try scratch.openStore()
    let steady = Dictionary(
      uniqueKeysWithValues: (0..<3000).map { (Array("steady/\($0)".utf8), Array("\($0)".utf8)) }
    )
    for (key, value) in steady { try store.put(key, value) }
    let flag = Flag()
    try await withThrowingTaskGroup(of: Void.self) { (group) in
      group.addTask {
        defer { flag.set() }
        for _ in 0..<5 {
          let count = try IndexExport.write(store, to: scratch.index)
          // The records that the index names are in the files once they are synced.
          try store.sync()
          let entries = try readEntries(scratch.index, of: scratch.store)
          #expect(entries.count == count)
          let found = entries.filter { steady[$0.key] == $0.record.value }
          #expect(found.count == steady.count)
          #expect(Set(entries.map(\.key)).count == entries.count)
        }
      }
      group.addTask {
        // Overwrites, removals and new keys; the same few, so that a visit meets a key removed and
        // put again, and enough, so that the table grows meanwhile.
        var number = 0
        while !flag.isSet {
          try store.put("moving/\(number % 50)", "\(number)")
          if number % 3 == 0 { try store.delete("moving/\(number / 2 % 50)") }
          if number % 2 == 0, number < 100_000 { try store.put("new/\(number)", "") }
          try store.transaction {
            try $0.put("pair/a", "\(number)")
            try $0.put("pair/b", "\(number)")
          }
          number += 1
        }
      }
      try await group.waitForAll()
    }
  }
}
