// What ordered access costs: a store with keys in no order, its first scan, scans beside writes.
//
//   order-cost STORE [KEYS]     a new store; a million keys of 16 bytes with values of 100 without KEYS

internal import Fenceline
internal import Glibc
internal import SystemPackage

/// Nanoseconds that `body` took.
func nanoseconds(_ body: () throws -> Void) rethrows -> Int {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  let (seconds, attoseconds) = start.duration(to: clock.now).components
  return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
}

/// One line: what, and its cost for each of `count`.
func report(_ what: String, _ time: Int, per count: Int) {
  let tenths = time * 10 / max(1, count)
  print("\(what): \(time / 1000) us, \(tenths / 10).\(tenths % 10) ns each of \(count)")
}

/// A key of 16 bytes; numbers that follow each other are far apart.
func key(_ number: Int) -> [UInt8] {
  let digits = String(
    (UInt64(number) &* 0x9e37_79b9_7f4a_7c15) % 1_000_000_000_000
  )
  return Array("key/".utf8) + Array(repeating: UInt8(ascii: "0"), count: 12 - digits.utf8.count)
    + Array(digits.utf8)
}

/// Visits up to `limit` entries and reports what one took.
func scan(
  _ what: String,
  _ store: Store,
  from start: [UInt8] = [],
  order: IterationOrder,
  limit: Int = .max
) throws {
  var count = 0
  var bytes = 0
  let time = try nanoseconds {
    try store.forEach(from: start, order: order, limit: limit) { (key, value, _) in
      count += 1
      bytes += key.byteCount + value.byteCount
      return .next
    }
  }
  report(what, time, per: count)
}

/// Everything, on a new store of `count` keys.
func measure(_ path: FilePath, keys count: Int) throws {
  var options = StoreOptions()
  options.compactsInBackground = false
  let store = try Store.open(at: path, options: options)
  let value = [UInt8](repeating: UInt8(ascii: "v"), count: 100)
  let put = try nanoseconds { for number in 0..<count { try store.put(key(number), value) } }
  report("put", put, per: count)
  let get = try nanoseconds { for number in 0..<count { _ = try store.contains(key(number)) } }
  report("get before the first scan", get, per: count)
  try scan("without order", store, order: .unordered)
  report("build", try nanoseconds { try store.withCursor { _ in } }, per: count)
  report("memory (in thousandths of a byte)", store.orderByteCount * 1000, per: count)
  for _ in 0..<2 {
    try scan("ascending", store, order: .ascending)
    try scan("descending", store, order: .descending)
  }
  let seeks = count / 10
  let seek = try nanoseconds {
    for number in 0..<seeks { try scanTen(store, from: key(number)) }
  }
  report("10 entries from a key", seek, per: seeks)
  let again = try nanoseconds { for number in 0..<count { _ = try store.contains(key(number)) } }
  report("get behind the first scan", again, per: count)
  var next = count
  for batch in [1, 10, 100, 1000, 10_000, 100_000] {
    for number in next..<next + batch { try store.put(key(number), value) }
    next += batch
    report("catch up, new keys", try nanoseconds { try store.withCursor { _ in } }, per: batch)
  }
  for batch in [1, 1000, 100_000] {
    for number in 0..<batch { try store.put(key(number), value) }
    report("catch up, old keys", try nanoseconds { try store.withCursor { _ in } }, per: batch)
  }
  let rounds = 10_000
  let mixed = try nanoseconds {
    for number in next..<next + rounds {
      try store.put(key(number), value)
      try scanTen(store, from: key(number))
    }
  }
  report("a put, then 10 entries from its key", mixed, per: rounds)
  try store.close()
}

/// Visits ten entries.
func scanTen(_ store: Store, from start: [UInt8]) throws {
  try store.forEach(from: start, order: .ascending, limit: 10) { (_, _, _) in .next }
}

let arguments = CommandLine.arguments
let keyCount = arguments.count > 2 ? Int(arguments[2]) : 1_000_000
guard (2...3).contains(arguments.count), let keyCount, keyCount > 0 else {
  print("usage: order-cost STORE [KEYS]")
  exit(64)
}
do { try measure(FilePath(arguments[1]), keys: keyCount) } catch {
  print("order-cost: \(error)")
  exit(74)
}
