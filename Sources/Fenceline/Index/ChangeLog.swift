// What is changed in the table, noted in the order in which it is changed, so that an opening can do the
// same with an image of before. Off, until there is an image that it can be used with.
//
// Cost: 14 bytes and two stores a put, in memory that is written from front to back.

internal import JournalFormat
internal import Synchronization

/// Some of the changes, packed.
@safe
final class ChangeChunk: @unchecked Sendable {
  // SAFETY: written by who holds the write lock, then handed over whole.
  /// Changes that it has room for.
  static let capacity = 1 << 13
  let memory: UnsafeMutableRawPointer
  fileprivate(set) var count = 0

  /// Nil where there is no memory.
  init?() {
    // A change is stored as two words, the second of which is two bytes too long.
    let length = Self.capacity * IndexChange.packedSize + 2
    guard Memory.isThere(length) else { return nil }
    unsafe memory = .allocate(byteCount: length, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// Visits the changes in order.
  func forEachChange(_ visit: (IndexChange) -> Void) {
    for number in 0..<count {
      let change = unsafe memory + number * IndexChange.packedSize
      // SAFETY: two bytes behind the last change belong to the memory.
      let low = unsafe change.loadUnaligned(as: UInt64.self)
      let high = unsafe change.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      visit(IndexChange(low: UInt64(littleEndian: low), high: UInt64(littleEndian: high)))
    }
  }
}

/// The changes of one table since they were last taken; under the write lock.
@safe
final class ChangeLog: @unchecked Sendable {
  // SAFETY: used under the store's write lock.
  @unsafe
  private struct State {
    /// Where the next change goes; nil where none is noted.
    var next: UnsafeMutableRawPointer?
    var end: UnsafeMutableRawPointer?
    /// Changes that took a word away.
    var removals = 0
    var chunks: [ChangeChunk] = []
    /// To go on in: getting memory takes longer than filling it where others are getting some, too.
    var spares: [ChangeChunk] = []
  }

  /// Behind a pointer, so that a put meets no exclusivity check.
  private let state: UnsafeMutablePointer<State>
  /// Chunks that may wait to be taken: some 57 MB.
  static let mostChunks = 512
  private static let mostSpares = 2

  init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: State())
  }

  deinit {
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  /// Whether changes are noted.
  @inline(__always)
  var isOn: Bool { unsafe state.pointee.next != nil }

  /// Changes that wait to be taken.
  var count: Int {
    guard let next = unsafe state.pointee.next, let last = unsafe state.pointee.chunks.last
    else { return 0 }
    return unsafe (state.pointee.chunks.count - 1) * ChangeChunk.capacity
      + (next - last.memory) / IndexChange.packedSize
  }

  /// Notes that the word of a key with `hash` led to `old` and leads to `new`; 0 stands for no word.
  ///
  /// - Returns: whether that filled a chunk.
  @inline(__always) @discardableResult
  func note(_ hash: UInt64, from old: UInt64, to new: UInt64) -> Bool {
    guard let next = unsafe state.pointee.next else { return false }
    let words = IndexChange(hash: hash, old: old, new: new).words
    // SAFETY: a chunk has room for two bytes behind its last change.
    unsafe next.storeBytes(of: words.low.littleEndian, as: UInt64.self)
    unsafe next.storeBytes(of: words.high.littleEndian, toByteOffset: 8, as: UInt64.self)
    if new == 0 { unsafe state.pointee.removals += 1 }
    let behind = unsafe next + IndexChange.packedSize
    unsafe state.pointee.next = behind
    guard unsafe behind == state.pointee.end else { return false }
    goOnInNextChunk()
    return true
  }

  /// Begins to note changes.
  func start() {
    if !isOn { append(ChangeChunk()) }
  }

  /// Forgets what was noted, and notes no more.
  func stop() { unsafe state.pointee = State() }

  /// Changes that wait to be taken and that took a word away.
  var removalCount: Int { unsafe state.pointee.removals }

  /// Hands out what was noted since the last call, and goes on.
  ///
  /// - Parameter spares: chunks that are not needed any more, to go on in.
  /// - Returns: full chunks, but for the last one; none where nothing was noted.
  func take(goingOnIn spares: [ChangeChunk] = []) -> [ChangeChunk] {
    guard isOn, count > 0 else { return [] }
    let chunks = unsafe state.pointee.chunks
    if let next = unsafe state.pointee.next, let last = chunks.last {
      last.count = unsafe (next - last.memory) / IndexChange.packedSize
    }
    let all = unsafe state.pointee.spares + spares
    unsafe state.pointee = State()
    unsafe state.pointee.spares = Array(all.prefix(1 + Self.mostSpares))
    append(spareChunk())
    return chunks
  }

  @inline(never)
  private func goOnInNextChunk() {
    guard unsafe state.pointee.chunks.count < Self.mostChunks else { return stop() }
    unsafe state.pointee.chunks[state.pointee.chunks.count - 1].count = ChangeChunk.capacity
    append(spareChunk())
  }

  private func spareChunk() -> ChangeChunk? {
    unsafe state.pointee.spares.popLast() ?? ChangeChunk()
  }

  /// Goes on in a chunk; without one no more is noted, and the next image has to be a whole one.
  private func append(_ chunk: ChangeChunk?) {
    guard let chunk else { return stop() }
    chunk.count = 0
    unsafe state.pointee.chunks.append(chunk)
    unsafe state.pointee.next = chunk.memory
    unsafe state.pointee.end = chunk.memory + ChangeChunk.capacity * IndexChange.packedSize
  }
}
