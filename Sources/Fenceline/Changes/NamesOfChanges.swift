// What records of the journal say, in terms of namespaces and their keys.
//
// Invariant: numbers are never used again, so the catalogue of today has the right name of a number, or
// none, for then its namespace was dropped.

internal import JournalFormat
internal import PersistentMemory

/// Turns records into changes.
struct NamesOfChanges {
  private let catalogue: NamespaceCatalogue
  /// Of the numbers that were met; nil for one that was dropped.
  private var names: [UInt32: String?] = [:]
  /// A change was left out because its namespace was dropped.
  private(set) var hasHidden = false

  init(of store: Store) { catalogue = store.catalogue }

  /// Copies what a record says; nil where that is nobody's business.
  mutating func change(
    _ record: JournalRecord,
    _ bytes: RawSpan
  ) throws(StoreError) -> KeyChange? {
    let stored = bytes.extracting(record.keyRange)
    let value = record.isPut ? Array(copying: bytes.extracting(record.valueRange)) : nil
    let expiry = record.expiry(in: bytes)
    guard StoredKey.isReserved(stored) else {
      return KeyChange(key: Array(copying: stored), value: value, expiry: expiry)
    }
    guard let number = StoredKey.number(of: stored) else { return nil }
    if number == StoredKey.catalogueNumber {
      guard !record.isPut, let name = NamespaceCatalogue.name(in: stored) else { return nil }
      return KeyChange(dropOf: name)
    }
    let key = Array(copying: stored.extracting(droppingFirst: StoredKey.headLength))
    guard number > 0 else { return KeyChange(key: key, value: value, expiry: expiry) }
    guard let name = try name(of: number) else {
      hasHidden = true
      return nil
    }
    return KeyChange(key: key, value: value, expiry: expiry, in: name)
  }

  private mutating func name(of number: UInt32) throws(StoreError) -> String? {
    if let known = names[number] { return known }
    let name = try catalogue.name(of: number)
    names[number] = name
    return name
  }
}
