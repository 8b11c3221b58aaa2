// The same store through the functions of fenceline.h.

import CFenceline
import DamageLab
import FencelineC
import SystemPackage

/// The calls of C.
@safe
struct CStore: WriterStore {
  // SAFETY: the handle is good from the opening to the close, and nobody else has it.
  private let store: OpaquePointer

  init(at path: FilePath) throws {
    var store: OpaquePointer?
    try unsafe Self.check(fenceline_open(path.string, nil, &store))
    guard let store = unsafe store else { throw Finding(description: "no handle") }
    unsafe self.store = store
  }

  private static func check(_ result: CInt) throws {
    guard result < 0 else { return }
    throw Finding(description: unsafe String(cString: fenceline_last_error()))
  }

  func put(_ key: ByteString, _ value: ByteString, durable: Bool) throws {
    if durable { return try write([(key, value)], durable: true) }
    try unsafe Self.check(fenceline_put(store, key, key.count, value, value.count))
  }

  func delete(_ key: ByteString, durable: Bool) throws {
    if durable { return try write([(key, nil)], durable: true) }
    try unsafe Self.check(fenceline_delete(store, key, key.count))
  }

  func write(_ changes: [(key: ByteString, value: ByteString?)], durable: Bool) throws {
    var bytes: ByteString = []
    for (key, value) in changes { bytes += key + (value ?? []) }
    // An empty value is not NULL, which would delete.
    bytes.append(0)
    // SAFETY: the pointers lead into the buffer, which lives until the call has returned.
    try unsafe bytes.withUnsafeBytes { (buffer) in
      var place = buffer.baseAddress
      let operations = unsafe changes.map { (key, value) in
        let keyPlace = unsafe place
        let valuePlace = unsafe keyPlace.map { unsafe $0 + key.count }
        unsafe place = valuePlace.map { unsafe $0 + (value?.count ?? 0) }
        return unsafe fenceline_operation(
          key: keyPlace,
          key_length: key.count,
          value: value == nil ? nil : valuePlace,
          value_length: value?.count ?? 0
        )
      }
      try unsafe Self.check(fenceline_write(store, operations, operations.count, durable ? 1 : 0))
    }
  }

  /// What is not written together is not begun.
  func rollBack(_ changes: [(key: ByteString, value: ByteString?)]) {}

  /// There is one depth.
  func sync(deep: Bool) throws { try unsafe Self.check(fenceline_sync(store)) }

  func compact() throws { try unsafe Self.check(fenceline_compact(store)) }

  /// The library decides.
  func writeIndexImage() {}

  func get(_ key: ByteString) throws -> ByteString? {
    var value = ByteString(repeating: 0, count: Values.longest)
    var length = 0
    let result = unsafe fenceline_get(store, key, key.count, &value, value.count, &length)
    try Self.check(result)
    guard Int(result) != FENCELINE_NOT_FOUND else { return nil }
    return ByteString(value[..<length])
  }

  func sequence(of key: ByteString) -> UInt64? { nil }

  var keyCount: Int {
    get throws {
      var statistics = unsafe fenceline_store_statistics()
      unsafe statistics.size = MemoryLayout<fenceline_store_statistics>.size
      try unsafe Self.check(fenceline_statistics(store, &statistics))
      return unsafe Int(statistics.key_count)
    }
  }

  func close() throws { try unsafe Self.check(fenceline_close(store)) }
}
