// A store as a writer uses it: by the Swift calls or by those of C.

import DamageLab
import Fenceline
import SystemPackage

/// An open store, and the ways to write to it that both languages have.
protocol WriterStore {
  func put(_ key: ByteString, _ value: ByteString, durable: Bool) throws
  func delete(_ key: ByteString, durable: Bool) throws
  /// Nil values delete.
  func write(_ changes: [(key: ByteString, value: ByteString?)], durable: Bool) throws
  /// Makes the changes and takes them back, where the language has that.
  func rollBack(_ changes: [(key: ByteString, value: ByteString?)]) throws
  func sync(deep: Bool) throws
  func compact() throws
  func writeIndexImage() throws
  func get(_ key: ByteString) throws -> ByteString?
  /// Of a key's newest record, where the language tells.
  func sequence(of key: ByteString) throws -> UInt64?
  var keyCount: Int { get throws }
  func close() throws
}

/// The Swift calls.
struct SwiftStore: WriterStore {
  private let store: Store

  private struct RollBack: Error {}

  init(at path: FilePath, options: StoreOptions) throws {
    store = try Store.open(at: path, options: options)
  }

  func put(_ key: ByteString, _ value: ByteString, durable: Bool) throws {
    try store.put(key, value, durability: durable ? .durable : .buffered)
  }

  func delete(_ key: ByteString, durable: Bool) throws {
    try store.delete(key, durability: durable ? .durable : .buffered)
  }

  func write(_ changes: [(key: ByteString, value: ByteString?)], durable: Bool) throws {
    try store.transaction(durability: durable ? .durable : .buffered) { (transaction) in
      try Self.make(changes, in: &transaction)
    }
  }

  func rollBack(_ changes: [(key: ByteString, value: ByteString?)]) throws {
    do {
      try store.transaction { (transaction) in
        try Self.make(changes, in: &transaction)
        throw RollBack()
      }
    } catch is RollBack {}
  }

  private static func make(
    _ changes: [(key: ByteString, value: ByteString?)],
    in transaction: inout Transaction
  ) throws {
    for (key, value) in changes {
      if let value { try transaction.put(key, value) } else { try transaction.delete(key) }
    }
  }

  func sync(deep: Bool) throws { try store.sync(deep ? .medium : .persistenceDomain) }

  func compact() throws { try store.compact() }

  func writeIndexImage() throws { try store.writeIndexImage() }

  func get(_ key: ByteString) throws -> ByteString? { try store.get(key) }

  func sequence(of key: ByteString) throws -> UInt64? {
    var sequence: UInt64?
    try store.forEach(from: key, order: .ascending, limit: 1) { (found, _, location) in
      if Files.areEqual(found, key) { sequence = location.sequence }
      return .stop
    }
    return sequence
  }

  var keyCount: Int { get throws { try store.count } }

  func close() throws { try store.close() }
}
