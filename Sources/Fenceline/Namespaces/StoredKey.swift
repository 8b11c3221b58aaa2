// How the keys of all namespaces stand in one journal, one index and one order:
//
//   default namespace   key             as it is, unless it begins with P:
//                       P | 0 | key     then behind the head of a namespace that nobody can have
//   namespace n         P | n | key     n from 1 on
//   catalogue           P | FFFFFFFF    and what NamespaceCatalogue says
//
// P is four bytes, the first of which is in no UTF-8 text; a number has four, the highest first.
//
// Invariants: no two keys of any namespaces are stored alike. Within each namespace stored keys have the
// order of the keys: those of the default one that begin with P stand behind what is below P and before
// what is above everything that begins with P, as they did. So a range of keys is a range of stored keys,
// with one gap in it where the default namespace goes round the others. A stored key that begins with P
// and has no whole head belongs to nobody.

internal import JournalFormat

/// The parts of stored keys.
enum StoredKey {
  /// What stored keys with a head begin with.
  private static let prefix: [UInt8] = [0xff, 0x66, 0x6c, 0x6e]
  private static let prefixWord: UInt32 = 0x6e6c_66ff

  /// Bytes of a head.
  static let headLength = 8
  /// The number under which the catalogue stands.
  static let catalogueNumber = UInt32.max
  /// The first stored key behind all that have a head.
  static let behindHeads: [UInt8] = [0xff, 0x66, 0x6c, 0x6f]

  /// What stands before the keys of a namespace.
  static func head(_ number: UInt32) -> [UInt8] {
    var head = prefix
    for shift in [24, 16, 8, 0] { head.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
    return head
  }

  /// Whether a key begins with what heads begin with.
  @inline(__always)
  static func isReserved(_ key: RawSpan) -> Bool {
    guard key.byteCount >= 4 else { return false }
    // SAFETY: there are four bytes; any are a valid number.
    let word = unsafe key.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
    return UInt32(littleEndian: word) == prefixWord
  }

  /// The number in the head of a stored key, if it has one.
  @inline(__always)
  static func number(of stored: RawSpan) -> UInt32? {
    guard isReserved(stored), stored.byteCount >= headLength else { return nil }
    return stored.littleEndian(at: 4, as: UInt32.self).byteSwapped
  }

  /// Whether a stored key is part of the catalogue.
  @inline(__always)
  static func isOfCatalogue(_ stored: RawSpan) -> Bool { number(of: stored) == catalogueNumber }
}

/// The keys of one namespace, and how they are stored.
struct KeySpace: Sendable, Equatable {
  /// 0 is the default namespace.
  let number: UInt32

  /// The default namespace.
  static let standard = KeySpace(number: 0)

  /// Bytes of the longest key of a namespace, and of the longest one that begins as heads do.
  static let longestBehindHead = RecordLimit.keyLength - StoredKey.headLength

  /// Whether a key is stored without a head.
  @inline(__always)
  private func storesPlainly(_ key: RawSpan) -> Bool {
    number == 0 && !StoredKey.isReserved(key)
  }

  /// How a key is stored; nil for as it is.
  func storedForm(of key: RawSpan) -> [UInt8]? {
    storesPlainly(key) ? nil : StoredKey.head(number) + Array(copying: key)
  }

  /// Hands out how a key is stored.
  func withStoredForm<R>(
    of key: RawSpan,
    _ body: (RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard let stored = storedForm(of: key) else { return try body(key) }
    return try body(unsafe stored.span.bytes)
  }

  /// Refuses what can't be stored.
  func checkLengths(of key: RawSpan, value: Int) throws(StoreError) {
    let limit = storesPlainly(key) ? Store.maximumKeyLength : Self.longestBehindHead
    guard key.byteCount <= limit else {
      throw .keyTooLong(length: key.byteCount, limit: limit)
    }
    guard value <= Store.maximumValueLength else { throw .valueTooLong(length: value) }
  }

  /// Bytes before the key in a stored key; nil where it is none of these.
  @inline(__always)
  func headLength(of stored: RawSpan) -> Int? {
    guard StoredKey.isReserved(stored) else { return number == 0 ? 0 : nil }
    return StoredKey.number(of: stored) == number ? StoredKey.headLength : nil
  }
}
