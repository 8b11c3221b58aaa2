// One change of the table of keys, and how files hold it: positions as distances from those of the change
// before, because whoever writes to a journal, or compacts it, goes from front to back.

/// Parts of an encoded change, in their order.
package enum IndexChangeField {
  /// A byte: bits 0-2 bytes of `old`, bit 3 `old` is a distance; bits 4-6 and 7 the same for `new`.
  package static let form = 0
  /// `UInt32`: low bits of the hash of the word's key.
  package static let hash = 1
  /// 0 to 5 bytes: the unit to which the word led, 0 where there was none; or its distance
  /// d from the last one that was not 0, as 2d, or -2d - 1 where that is negative.
  package static let old = 5
  // Behind it 0 to 5 bytes: the unit to which it leads, 0 where it is gone; or the same distance for `new`.
  /// Bytes of most of them, or less.
  package static let usualBytes = 10
  /// Bytes of the longest.
  package static let mostBytes = 15
  /// Zero bytes behind the last one, so that fields may be read as eight bytes.
  package static let tail = 24
}

/// One change of the table: the word of a key with `hash` led to `old` and leads to `new`.
package struct IndexChange: Sendable, Equatable {
  /// The low 32 bits count.
  package var hash: UInt64
  /// 0 for none.
  package var old: UInt64
  /// 0 for none.
  package var new: UInt64

  @inlinable
  package init(hash: UInt64, old: UInt64, new: UInt64) {
    (self.hash, self.old, self.new) = (hash, old, new)
  }

  /// Bytes of a change in memory.
  package static var packedSize: Int { 14 }

  /// The change as two words, the second of which has two zero bytes above.
  @inlinable @inline(__always)
  package var words: (low: UInt64, high: UInt64) {
    (hash & 0xffff_ffff | old << 32, old >> 32 | new << 8)
  }

  /// What `words` gave; of `high` the low 6 bytes count.
  @inlinable @inline(__always)
  package init(low: UInt64, high: UInt64) {
    hash = low & 0xffff_ffff
    old = low >> 32 | (high & 0xff) << 32
    new = high >> 8 & 0xff_ffff_ffff
  }
}

/// Encodes and decodes changes, one after the other.
package struct IndexChangeCoder {
  @usableFromInline var old: UInt64 = 0
  @usableFromInline var new: UInt64 = 0

  @inlinable
  package init() {}

  /// Writes a change.
  ///
  /// - Parameters:
  ///   - change: the next one.
  ///   - bytes: zero from `offset` on, with ``IndexChangeField/tail`` bytes of room behind the change.
  ///   - offset: where it goes.
  /// - Returns: its bytes.
  @inlinable
  package mutating func encode(
    _ change: IndexChange,
    into bytes: inout MutableRawSpan,
    at offset: Int
  ) -> Int {
    let (old, oldForm) = Self.field(change.old, from: self.old)
    let (new, newForm) = Self.field(change.new, from: self.new)
    if change.old != 0 { self.old = change.old }
    if change.new != 0 { self.new = change.new }
    bytes.storeLittleEndian(oldForm | newForm << 4, at: offset + IndexChangeField.form)
    bytes.storeLittleEndian(
      UInt32(truncatingIfNeeded: change.hash),
      at: offset + IndexChangeField.hash
    )
    let newOffset = offset + IndexChangeField.old + Int(oldForm & 7)
    bytes.storeLittleEndian(old, at: offset + IndexChangeField.old)
    bytes.storeLittleEndian(new, at: newOffset)
    return newOffset + Int(newForm & 7) - offset
  }

  /// Reads the change at `offset`, behind which there are ``IndexChangeField/tail`` bytes.
  ///
  /// - Returns: the change and its bytes; whatever stands there.
  @inlinable @inline(__always)
  package mutating func decode(_ bytes: RawSpan, at offset: Int) -> (IndexChange, length: Int) {
    let form = UInt64(bytes.littleEndian(at: offset + IndexChangeField.form, as: UInt8.self))
    let hash = bytes.littleEndian(at: offset + IndexChangeField.hash, as: UInt32.self)
    let newOffset = offset + IndexChangeField.old + Self.count(form)
    let oldField = bytes.littleEndian(at: offset + IndexChangeField.old, as: UInt64.self)
    let newField = bytes.littleEndian(at: newOffset, as: UInt64.self)
    let old = Self.unit(oldField, form, from: self.old)
    let new = Self.unit(newField, form >> 4, from: self.new)
    if old != 0 { self.old = old }
    if new != 0 { self.new = new }
    let change = IndexChange(hash: UInt64(hash), old: old, new: new)
    return (change, newOffset + Self.count(form >> 4) - offset)
  }

  /// The shorter one of a unit and its distance, and its form.
  @inlinable
  static func field(_ unit: UInt64, from before: UInt64) -> (UInt64, form: UInt8) {
    let distance = Int64(bitPattern: unit &- before)
    let zigzag = UInt64(bitPattern: distance << 1 ^ distance >> 63)
    let (plain, short) = (length(unit), length(zigzag))
    return plain <= short
      ? (unit, UInt8(truncatingIfNeeded: plain)) : (zigzag, UInt8(truncatingIfNeeded: short) | 8)
  }

  /// Bytes that a number takes.
  @inlinable
  static func length(_ number: UInt64) -> Int { (71 - number.leadingZeroBitCount) / 8 }

  /// Bytes of a field of a form; whatever that is, no more than there are.
  @inlinable @inline(__always)
  static func count(_ form: UInt64) -> Int { min(Int(form & 7), 5) }

  /// The unit that a field of a form stands for.
  @inlinable @inline(__always)
  static func unit(_ field: UInt64, _ form: UInt64, from before: UInt64) -> UInt64 {
    let number = field & ~(.max &<< UInt64(8 &* count(form)))
    let distance = number >> 1 ^ (0 &- (number & 1))
    return (form & 8 == 0 ? number : before &+ distance) & 0xff_ffff_ffff
  }
}
