// Which namespaces there are. The catalogue is records like any others, under a number of its own:
//
//   head                    the next number that will be given
//   head | name             the namespace's number
//   head | FF | number      the namespace's name (no name begins with FF: it is UTF-8)
//
// Invariants: a number is given once; one below the next that has no name was dropped. Both records of a
// namespace are written in one transaction, and deleted in one.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// The catalogue, as someone sees it.
struct NamespaceCatalogue {
  /// Bytes of the longest name.
  static let longestName = 255
  private static let head = StoredKey.head(StoredKey.catalogueNumber)

  /// The value of a stored key.
  let value: (_ stored: [UInt8]) throws(StoreError) -> [UInt8]?

  /// Where the next number stands.
  static let counterKey = head

  /// Where the number of a name stands.
  static func key(ofName name: String) -> [UInt8] { head + Array(name.utf8) }

  /// Where the name of a number stands.
  static func key(ofNumber number: UInt32) -> [UInt8] { head + [0xff] + bytes(of: number) }

  /// The name in a stored key of the catalogue; nil where it has none.
  static func name(in stored: RawSpan) -> String? {
    let name = Array(copying: stored).dropFirst(StoredKey.headLength)
    guard let first = name.first, first != 0xff else { return nil }
    return String(decoding: name, as: UTF8.self)
  }

  /// A number as a value of the catalogue.
  static func bytes(of number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { (shift: UInt32) in UInt8(truncatingIfNeeded: number >> shift) }
  }

  /// The number that a value of the catalogue stands for.
  static func number(in bytes: [UInt8]) -> UInt32? {
    bytes.count == 4 ? bytes.reduce(0) { $0 << 8 | UInt32($1) } : nil
  }

  /// The next number that will be given; 1 where there never was a namespace.
  func nextNumber() throws(StoreError) -> UInt32 {
    let counter = try value(Self.counterKey)
    return counter.flatMap { Self.number(in: $0) } ?? 1
  }

  /// The number of a namespace.
  func number(of name: String) throws(StoreError) -> UInt32? {
    let number = try value(Self.key(ofName: name))
    return number.flatMap { Self.number(in: $0) }
  }

  /// The name of a namespace; nil where it was dropped.
  func name(of number: UInt32) throws(StoreError) -> String? {
    let name = try value(Self.key(ofNumber: number))
    return name.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The names of all, in no order.
  ///
  /// - Complexity: O(n) for the numbers that were ever given.
  func names() throws(StoreError) -> [String] {
    var names: [String] = []
    for number in 1..<max(1, try nextNumber()) {
      if let name = try name(of: number) { names.append(name) }
    }
    return names
  }
}

extension Store {
  /// The catalogue as it is now.
  var catalogue: NamespaceCatalogue {
    NamespaceCatalogue { (stored) throws(StoreError) in
      try self.withRecord(forStoredKey: unsafe stored.span.bytes) { (record, bytes) in
        Array(copying: bytes.extracting(record.valueRange))
      }
    }
  }

  /// Refuses what is no name.
  private static func check(_ name: String) throws(StoreError) {
    guard (1...NamespaceCatalogue.longestName).contains(name.utf8.count) else {
      throw .invalidNamespaceName(length: name.utf8.count)
    }
  }

  /// The number of a namespace, and the next one that will be given, as numbers of four bytes.
  package func namespaceNumber(of name: String?) throws(StoreError) -> [UInt8]? {
    guard let name else { return try catalogue.value(NamespaceCatalogue.counterKey) }
    return try catalogue.value(NamespaceCatalogue.key(ofName: name))
  }

  /// Creates a namespace: keys of its own, beside those of all others.
  ///
  /// - Parameters:
  ///   - name: 1 to 255 bytes of UTF-8.
  ///   - durability: when to return.
  /// - Returns: the namespace, which is empty.
  /// - Throws: ``StoreError/namespaceExists(_:)``; ``StoreError/invalidNamespaceName(length:)``; and as
  ///   ``put(_:_:durability:)-(RawSpan,_,_)``.
  /// - Durability: as of a put. Whatever is put into it later is durable no earlier than it.
  @discardableResult
  public func createNamespace(
    _ name: String,
    durability: Durability = .buffered
  ) throws(StoreError) -> Namespace {
    try Self.check(name)
    return try create(name, durability, takingExisting: false)
  }

  /// A namespace that is there.
  ///
  /// - Parameters:
  ///   - name: of the namespace.
  ///   - creatingIfMissing: creates it, as ``createNamespace(_:durability:)`` does, where it is not.
  /// - Returns: the namespace, as long as it is not dropped.
  /// - Throws: ``StoreError/noNamespace(_:)``; as ``withValue(forKey:_:)``.
  /// - Complexity: as of two reads.
  public func namespace(
    _ name: String,
    creatingIfMissing: Bool = false
  ) throws(StoreError) -> Namespace {
    try Self.check(name)
    if let number = try catalogue.number(of: name) {
      return Namespace(name, number, of: self)
    }
    guard creatingIfMissing else { throw .noNamespace(name) }
    return try create(name, .buffered, takingExisting: true)
  }

  private func create(
    _ name: String,
    _ durability: Durability,
    takingExisting takesExisting: Bool
  ) throws(StoreError) -> Namespace {
    var number: UInt32 = 0
    try commit(durability: durability) { (transaction) throws(StoreError) in
      if let existing = try catalogue.number(of: name) {
        guard takesExisting else { throw .namespaceExists(name) }
        number = existing
        return
      }
      number = try catalogue.nextNumber()
      guard number < StoredKey.catalogueNumber else { throw .namespacesExhausted }
      let bytes = NamespaceCatalogue.bytes(of: number)
      transaction.putInCatalogue(
        NamespaceCatalogue.counterKey,
        NamespaceCatalogue.bytes(of: number + 1)
      )
      // The name last: who finds it finds the rest.
      transaction.putInCatalogue(NamespaceCatalogue.key(ofNumber: number), Array(name.utf8))
      transaction.putInCatalogue(NamespaceCatalogue.key(ofName: name), bytes)
    }
    return Namespace(name, number, of: self)
  }

  /// The names of all namespaces but the default one, which has none, in the order of their bytes.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  /// - Complexity: O(n) for the namespaces that were ever created.
  public func namespaces() throws(StoreError) -> [String] {
    try catalogue.names().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Drops a namespace with everything in it, all at once.
  ///
  /// From then on nothing of it can be read or written, by whatever was made for it before; one that is
  /// created under the same name is another one. Snapshots that were taken before show it still. Space
  /// is given back by and by in the background, or by ``compact(progress:)``.
  ///
  /// - Parameter name: of the namespace.
  /// - Throws: ``StoreError/noNamespace(_:)``, and as ``delete(_:durability:)-(RawSpan,_)``.
  /// - Durability: durable on return, always: whoever passes over changes of a namespace that is dropped
  ///   must not find it there again behind a crash.
  /// - Complexity: O(1).
  public func dropNamespace(_ name: String) throws(StoreError) {
    try Self.check(name)
    let durability = Mutant.dropUnsynced.isActive ? Durability.buffered : .durable
    try commit(durability: durability) { (transaction) throws(StoreError) in
      guard let number = try catalogue.number(of: name) else { throw .noNamespace(name) }
      transaction.deleteFromCatalogue(NamespaceCatalogue.key(ofName: name))
      transaction.deleteFromCatalogue(NamespaceCatalogue.key(ofNumber: number))
    }
    maintenance.namespaceSweep.noteDrop()
    maintenance.request()
  }
}
