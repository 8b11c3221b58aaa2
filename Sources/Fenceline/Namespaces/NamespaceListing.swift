// Which namespaces there were at one moment, for who handles keys of all of them at once, such as an export.

internal import JournalFormat
internal import PersistentMemory

/// A key of any namespace.
package struct NamespacedKey: Sendable, Hashable {
  /// Name of the namespace; nil for the default one.
  package let namespace: String?
  package let key: [UInt8]
}

/// The namespaces of a snapshot beside the default one.
package struct NamespaceListing: Sendable {
  /// One of them.
  package struct Entry: Sendable, Hashable {
    package let name: String
    /// Sequence of the transaction that created it: everything in it has a higher one, or the same.
    package let sequence: UInt64
    let number: UInt32

    var space: KeySpace { KeySpace(number: number) }
  }

  /// All of them, in the order of their numbers.
  package let entries: [Entry]
  private let numbers: [UInt32: Int]

  /// Reads the catalogue of a moment, with a function that hands out the record of a stored key.
  fileprivate init(
    _ catalogue: NamespaceCatalogue,
    _ record: ([UInt8], (JournalRecord, RawSpan) -> Entry) throws(StoreError) -> Entry?
  ) throws(StoreError) {
    var entries: [Entry] = []
    for number in 1..<max(1, try catalogue.nextNumber()) {
      let entry = try record(NamespaceCatalogue.key(ofNumber: number)) { (record, bytes) in
        let name = String(decoding: bytes.extracting(record.valueRange))
        return Entry(name: name, sequence: record.sequence, number: number)
      }
      if let entry { entries.append(entry) }
    }
    self.entries = entries
    numbers = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.number, $0) })
  }

  /// Hands out the key in a stored key, and the name of its namespace; nil where nobody has it.
  func withKey<R>(in stored: RawSpan, _ body: (String?, RawSpan) -> R) -> R? {
    if let length = KeySpace.standard.headLength(of: stored) {
      return body(nil, stored.extracting(droppingFirst: length))
    }
    guard let number = StoredKey.number(of: stored), let index = numbers[number] else { return nil }
    return body(entries[index].name, stored.extracting(droppingFirst: StoredKey.headLength))
  }

  /// How the keys of a namespace are stored; nil where there is none.
  func space(of namespace: String?) -> KeySpace? {
    guard let namespace else { return .standard }
    return entries.first { $0.name == namespace }?.space
  }
}

extension Snapshot {
  /// The namespaces that there were.
  ///
  /// - Throws: as ``withValue(forKey:_:)``.
  /// - Complexity: O(n) for the numbers that were ever given.
  package func listNamespaces() throws(StoreError) -> NamespaceListing {
    try NamespaceListing(catalogue) { (stored, body) throws(StoreError) in
      try store.checkOpen()
      let key = unsafe stored.span.bytes
      return try withRecord(forKey: key, hash: store.hash(key)) { (record, bytes, _) in
        body(record, bytes)
      }
    }
  }
}

extension Store {
  /// The namespaces that there are; see ``Snapshot/listNamespaces()``.
  package func listNamespaces() throws(StoreError) -> NamespaceListing {
    try NamespaceListing(catalogue) { (stored, body) throws(StoreError) in
      try withRecord(forStoredKey: unsafe stored.span.bytes, body)
    }
  }

  /// Those of some namespaces that have been dropped.
  package func namespacesDropped(
    of listing: NamespaceListing
  ) throws(StoreError) -> [NamespaceListing.Entry] {
    try catchUp()
    var dropped: [NamespaceListing.Entry] = []
    for entry in listing.entries where try catalogue.name(of: entry.number) != entry.name {
      dropped.append(entry)
    }
    return dropped
  }
}
