// Index images: whatever stands in the file, an opening gives the same as one that reads the journal.

import PersistentMemory
import SystemPackage
import Testing

@testable import Fenceline

struct IndexImageTests {
  @Test(arguments: TestMedium.allCases)
  func `An opening beside an image reads only what came behind it`(medium: TestMedium) throws {
    let scratch = try Scratch(medium)
    var model: [[UInt8]: [UInt8]] = [:]
    do {
      let store = try Store.open(at: scratch.store, options: .imagedSegments)
      for number in 0..<20_000 {
        let key = Array("key \(number)".utf8)
        model[key] = Array("value \(number)".utf8)
        try store.put(key, model[key] ?? [])
      }
      try store.writeIndexImage()
      try store.put("behind", "1")
      model[Array("behind".utf8)] = Array("1".utf8)
      try store.delete(Array("key 7".utf8))
      model[Array("key 7".utf8)] = nil
      try store.close()
    }
    let reader = try Store.openReadOnly(at: scratch.store)
    #expect(reader.index.image != nil)
    #expect(reader.recovery.recordCount < 100)
    #expect(try reader.get("behind") == "1")
    #expect(try reader.get("key 7") == nil)
    #expect(try reader.get("key 8") == "value 8")
    #expect(try reader.count == model.count)
    #expect(reader.index.image != nil)
    #expect(try reader.dictionary() == model)
    #expect(reader.index.image == nil)
    #expect(try reader.count == model.count)
    #expect(try reader.get("key 7") == nil)
    let writer = try Store.open(at: scratch.store, options: .imagedSegments)
    #expect(writer.recovery.recordCount < 1000)
    #expect(try writer.dictionary() == model)
    #expect(try writer.count == model.count)
  }
}
