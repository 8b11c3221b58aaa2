// How the model of a store, which is one dictionary, holds namespaces: behind a byte with which no key of a
// program begins stand the next number, the number of each namespace, and its keys.

internal import Fenceline

/// A key of the model.
enum ModelKey {
  /// A key of the default namespace.
  case plain
  /// The next number that a namespace will be given; its value, as of the next case, has four bytes.
  case nextNumber
  /// The number of a namespace.
  case number(of: String)
  /// A key of a namespace.
  case key([UInt8], in: String)

  private static let mark: UInt8 = 0xfe

  init(_ bytes: [UInt8]) {
    guard bytes.first == Self.mark else {
      self = .plain
      return
    }
    guard bytes.count > 1 else {
      self = .nextNumber
      return
    }
    let nameEnd = 2 + Int(bytes[1])
    let name = String(decoding: bytes[2..<nameEnd], as: UTF8.self)
    let rest = Array(bytes[nameEnd...])
    self = rest.isEmpty ? .number(of: name) : .key(Array(rest.dropFirst()), in: name)
  }

  static let ofNextNumber = [mark]

  static func ofNumber(of name: String) -> [UInt8] {
    [mark, UInt8(name.utf8.count)] + Array(name.utf8)
  }

  static func ofKey(_ key: [UInt8], in name: String) -> [UInt8] { ofNumber(of: name) + [0] + key }

  /// What a store has in its place.
  static func value(of bytes: [UInt8], in store: Store) throws(StoreError) -> [UInt8]? {
    switch ModelKey(bytes) {
    case .plain: return try store.get(bytes)
    case .nextNumber: return try store.namespaceNumber(of: nil)
    case .number(let name): return try store.namespaceNumber(of: name)
    case .key(let key, let name):
      guard try store.namespaceNumber(of: name) != nil else { return nil }
      return try store.namespace(name).get(key)
    }
  }

  /// Keys as the journal has them that stand for a key of the model.
  var storedCount: Int { if case .number = self { 2 } else { 1 } }
}
