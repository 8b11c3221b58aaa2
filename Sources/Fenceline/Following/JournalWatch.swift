// What a follower looks at before each read: the word in which the next record begins, and the state in the
// mark of the newest segment. News changes one of them.
//
// Invariant: a place is noted before it is read, so what comes while it is read is news as well.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Two words of a journal that is still written, and what stood there.
///
/// Whoever asks holds a reader's ticket, which keeps the mapping.
@safe
struct JournalWatch: ~Copyable, Sendable {
  /// Address of the word that reading goes on with.
  private let place = Atomic<UInt>(0)
  private let seenWord = Atomic<UInt64>(0)
  /// Address of the state in the newest segment's mark.
  private let mark = Atomic<UInt>(0)
  private let seenMark = Atomic<UInt32>(0)

  /// Whether one of them has changed.
  ///
  /// - Complexity: four loads that are nearly always cached, and the two words.
  @inline(__always)
  var hasNews: Bool {
    Self.word(at: place.load(ordering: .acquiring)) != seenWord.load(ordering: .acquiring)
      || Self.state(at: mark.load(ordering: .acquiring)) != seenMark.load(ordering: .acquiring)
  }

  /// Whether the mark that was noted last says that a successor is there; it need not be whole.
  var isMarkedFollowed: Bool {
    seenMark.load(ordering: .relaxed) == CloseMark.State.followed.rawValue
  }

  /// Looks at a place from now on, as it is now.
  func note(at offset: Int, of segment: MappedSegment) {
    let noted = Self.address(of: segment) + Self.watched(offset, of: segment)
    seenWord.store(Self.word(at: noted), ordering: .releasing)
    seenMark.store(Self.state(at: Self.mark(of: segment)), ordering: .releasing)
    look(at: offset, of: segment)
  }

  /// Looks at a place from now on, and takes anything but an untouched end for news.
  func expectNothing(at offset: Int, of segment: MappedSegment) {
    seenWord.store(0, ordering: .releasing)
    seenMark.store(CloseMark.State.open.rawValue, ordering: .releasing)
    look(at: offset, of: segment)
  }

  /// The word at a place, 0 where the segment ends.
  static func word(at offset: Int, of segment: MappedSegment) -> UInt64 {
    hasWord(at: offset, of: segment) ? word(at: address(of: segment) + UInt(offset)) : 0
  }

  private func look(at offset: Int, of segment: MappedSegment) {
    place.store(
      Self.address(of: segment) + Self.watched(offset, of: segment),
      ordering: .releasing
    )
    mark.store(Self.mark(of: segment), ordering: .releasing)
  }

  /// A segment that is full to the last byte has only its mark to look at: its first word stays.
  private static func watched(_ offset: Int, of segment: MappedSegment) -> UInt {
    hasWord(at: offset, of: segment) ? UInt(offset) : 0
  }

  private static func hasWord(at offset: Int, of segment: MappedSegment) -> Bool {
    offset + MemoryLayout<UInt64>.size <= segment.file.length
  }

  private static func address(of segment: MappedSegment) -> UInt {
    unsafe UInt(bitPattern: segment.file.mappedBase)
  }

  private static func mark(of segment: MappedSegment) -> UInt {
    address(of: segment) + UInt(SegmentField.closeMark + CloseMarkField.state)
  }

  @inline(__always)
  private static func word(at address: UInt) -> UInt64 {
    // SAFETY: an aligned word of a mapping that the caller's ticket keeps.
    unsafe UnsafePointer<Atomic<UInt64>>(bitPattern: address).unsafelyUnwrapped.pointee
      .load(ordering: .acquiring)
  }

  @inline(__always)
  private static func state(at address: UInt) -> UInt32 {
    // SAFETY: as above.
    unsafe UnsafePointer<Atomic<UInt32>>(bitPattern: address).unsafelyUnwrapped.pointee
      .load(ordering: .acquiring)
  }
}
