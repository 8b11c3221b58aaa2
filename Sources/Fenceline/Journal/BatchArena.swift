// Memory for the keys and values of a batch: grown by doubling, given back as a whole.

internal import Glibc

/// Bytes that are only added to.
@safe
struct BatchArena: ~Copyable {
  // SAFETY: `count` of `capacity` bytes are initialised; every range is checked against the count.
  private var memory: UnsafeMutableRawPointer?
  private(set) var count = 0
  private var capacity = 0

  init() { unsafe memory = nil }

  deinit { unsafe memory?.deallocate() }

  /// Makes room for so many bytes more.
  ///
  /// - Returns: false where there is no memory for them.
  @inline(__always)
  mutating func makeRoom(for byteCount: Int) -> Bool {
    capacity &- count >= byteCount || grow(to: max(2 * capacity, count + byteCount))
  }

  @inline(never)
  private mutating func grow(to length: Int) -> Bool {
    guard Memory.isThere(length) else { return false }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 16)
    if let memory = unsafe memory { unsafe larger.copyMemory(from: memory, byteCount: count) }
    unsafe memory?.deallocate()
    unsafe (memory, capacity) = (larger, length)
    return true
  }

  /// Copies bytes; who can answer for missing memory has made room for them.
  ///
  /// - Returns: where they start.
  @inline(__always)
  mutating func append(_ bytes: RawSpan) -> Int {
    let start = count
    let hasRoom = makeRoom(for: bytes.byteCount)
    precondition(hasRoom, "no memory for a batch")
    guard bytes.byteCount > 0, let memory = unsafe memory else { return start }
    // SAFETY: the range was checked, and the span is read during the call only.
    unsafe bytes.withUnsafeBytes {
      unsafe _ = memcpy(memory + start, $0.baseAddress.unsafelyUnwrapped, $0.count)
    }
    count = start &+ bytes.byteCount
    return start
  }

  /// Where the byte at `start` stands until the next change.
  @inline(__always) @unsafe
  func address(of start: Int) -> UnsafeRawPointer? {
    unsafe memory.map { unsafe UnsafeRawPointer($0) + start }
  }
}
