import Fenceline
import SystemPackage
import Testing

@Test func `A put can be read back`() throws {
  let path = FilePath("/tmp/fl-smoke-\(UInt64.random(in: 0 ... .max))")
  do {
    let store = try Store.open(at: path)
    try store.put("a", "1")
    #expect(try store.get("a") == "1")
    for i in 0..<100_000 { try store.put("key\(i % 20000)", "value \(i)") }
    #expect(try store.get("key19999") == "value 99999")
    #expect(try store.delete("a"))
    #expect(try store.count == 20000)
    try store.sync()
    print(try store.statistics())
  }
  do {
    let store = try Store.open(at: path)
    #expect(try store.count == 20000)
    try store.transaction(durability: .durable) {
      try $0.put("x", "y")
      try $0.put("z", "y")
      try $0.delete("key5")
    }
    try store.put("big", String(repeating: "q", count: 3_000_000))
    try store.close()
  }
  let store = try Store.openReadOnly(at: path)
  #expect(try store.count == 20002)
  #expect(try store.get("big")?.utf8.count == 3_000_000)
  print(try store.statistics())
  print(try Store.verify(at: path))
}
