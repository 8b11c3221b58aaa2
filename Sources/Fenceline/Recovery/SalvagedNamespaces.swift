// The namespaces of a damaged store. In the new store each of them is created again, and gets another number.
//
//   sound      one of its two records in the catalogue is whole, and nothing that was lost can have
//              superseded it: both are written in one transaction, and deleted in one
//   doubtful   it may have been dropped, or nothing is left of its name: its keys count as superseded
//   nobody's   keys whose namespace was surely dropped
//
// Invariant: who asks for a key gets the same answer every time, so nothing is saved under two names.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// Finds out whose a stored key is.
struct SalvagedNamespaces {
  /// Where a key belongs.
  struct Place {
    /// Name of its namespace; nil for the default one.
    let name: String?
    /// Bytes of the stored key before it.
    let headLength: Int
    /// The damage that leaves it unsure whether the namespace is there.
    let doubt: StoreError?
  }

  private struct Known {
    let name: String
    let doubt: StoreError?
  }

  private let damage: [StoreDamage]
  /// By number; nil for one that was dropped.
  private var known: [UInt32: Known?] = [:]

  /// Reads what is left of the catalogue.
  ///
  /// - Parameters:
  ///   - opening: of the damaged store.
  ///   - units: of all newest records.
  /// - Complexity: O(units).
  init(of opening: borrowing JournalOpening, _ units: [UInt64]) {
    damage = opening.damage
    for unit in units
    where opening.map.withUnverifiedKey(at: unit, { StoredKey.isOfCatalogue($0) }) {
      // One that can't be read says nothing.
      try? opening.map.withRecord(at: unit) { (record, bytes) throws(StoreError) in
        note(bytes.extracting(record.keyRange), bytes.extracting(record.valueRange), record)
      }
    }
  }

  private mutating func note(_ key: RawSpan, _ value: RawSpan, _ record: JournalRecord) {
    let number: UInt32
    let name: String
    if let named = NamespaceCatalogue.name(in: key) {
      guard let found = NamespaceCatalogue.number(in: Array(copying: value)) else { return }
      (number, name) = (found, named)
    } else {
      let digits = Array(copying: key).dropFirst(StoredKey.headLength + 1)
      guard let found = NamespaceCatalogue.number(in: Array(digits)) else { return }
      (number, name) = (found, String(decoding: value))
    }
    let doubt = damage.first {
      $0.concerns(keyCheck: record.keyCheck, sequence: record.sequence)
    }
    if let old = known[number] ?? nil, old.doubt == nil || doubt != nil { return }
    known[number] = Known(name: name, doubt: doubt?.error)
  }

  /// Names of the namespaces that are surely there.
  var soundNames: [String] { names { $0 == nil } }

  /// Names of those that may have been dropped, and names for those whose own are lost.
  var doubtfulNames: [String] { names { $0 != nil } }

  private func names(_ isWanted: (StoreError?) -> Bool) -> [String] {
    known.values.compactMap { $0 }.filter { isWanted($0.doubt) }.map(\.name).sorted()
  }

  /// Where a stored key belongs; nil where nobody can ask for it.
  mutating func place(of stored: RawSpan) -> Place? {
    if let headLength = KeySpace.standard.headLength(of: stored) {
      return Place(name: nil, headLength: headLength, doubt: nil)
    }
    guard let number = StoredKey.number(of: stored), number != StoredKey.catalogueNumber else {
      return nil
    }
    if known[number] == nil { known[number] = .some(unnamed(number)) }
    guard let space = known[number] ?? nil else { return nil }
    return Place(name: space.name, headLength: StoredKey.headLength, doubt: space.doubt)
  }

  /// What stands for a namespace of which the catalogue has nothing: nil where it was dropped.
  private func unnamed(_ number: UInt32) -> Known? {
    let key = NamespaceCatalogue.key(ofNumber: number)
    let check = Checksum.keyCheck(unsafe key.span.bytes)
    guard let doubt = damage.first(where: { $0.concerns(keyCheck: check, sequence: 0) }) else {
      return nil
    }
    let taken = Set(known.values.compactMap { $0?.name })
    var name = "lost-\(number)"
    while taken.contains(name) { name += "-" }
    return Known(name: name, doubt: doubt.error)
  }
}
