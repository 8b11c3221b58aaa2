// One node of the ordered tree, in memory of exactly its size: it never changes once it can be read.
//
//   0    count (4) | skip (4) | level (4) | 0 (4)
//   16   prefix    the first 8 of the bytes that all keys of the node share, those behind them zero
//   24   words     8 bytes of each key, behind the first `skip` bytes, which all keys of the node share
//        units     where each key's record stands; in an inner node the first one below the child
//        children  addresses; in inner nodes only
//
// A word holds its bytes as a number that orders as they do; bytes that the key does not have are zero.
// So unequal words order their keys, and equal ones ask the records.

internal import CFlush

/// A node by its address.
///
/// Whoever follows one holds a ticket of the tree's epochs or the tree's lock.
@safe
struct OrderNode: Sendable, Equatable {
  // SAFETY: `address` is that of memory that `init` took for `count` entries, and which lives until
  // `free`; every index is checked against the count.
  let address: UInt

  /// The most entries of a node.
  static let capacity = 128
  private static let headerLength = 24

  /// A node whose entries are still to be set.
  ///
  /// - Parameters:
  ///   - level: levels below it.
  ///   - skip: bytes that all its keys share.
  ///   - start: the first eight bytes of one of its keys, as a number that orders as they do.
  ///   - count: of its entries.
  init(level: Int, skip: Int, start: UInt64, count: Int) {
    precondition(count <= Self.capacity, "a node has a bounded number of entries")
    let columns = level == 0 ? 2 : 3
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headerLength + 8 * columns * count,
      alignment: 16
    )
    unsafe memory.storeBytes(of: UInt32(count), as: UInt32.self)
    unsafe memory.storeBytes(of: UInt32(skip), toByteOffset: 4, as: UInt32.self)
    unsafe memory.storeBytes(of: UInt64(level), toByteOffset: 8, as: UInt64.self)
    unsafe memory.storeBytes(of: start & Self.mask(skip), toByteOffset: 16, as: UInt64.self)
    address = UInt(bitPattern: memory)
  }

  init(address: UInt) { self.address = address }

  /// Gives the node's memory back; not that of its children.
  func free() { unsafe memory.deallocate() }

  /// Bytes of memory that the node takes.
  var byteCount: Int { Self.headerLength + 8 * (level == 0 ? 2 : 3) * count }

  @inline(__always)
  private var memory: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }

  @inline(__always)
  private var entries: UnsafeMutablePointer<UInt64> {
    unsafe (memory + Self.headerLength).assumingMemoryBound(to: UInt64.self)
  }

  /// Number of entries.
  @inline(__always)
  var count: Int { unsafe Int(memory.load(as: UInt32.self)) }

  /// Bytes that all keys of the node share.
  @inline(__always)
  var skip: Int { unsafe Int(memory.load(fromByteOffset: 4, as: UInt32.self)) }

  /// Where a key stands to what all keys of the node share: before it, behind it, or sharing it too.
  ///
  /// - Parameter key: its first eight bytes as a number, of a key that is no shorter than `skip`.
  /// - Returns: -1, 1 or 0; nil where eight bytes do not tell.
  @inline(__always)
  func orderToPrefix(_ key: UInt64) -> Int? {
    let skip = skip
    let prefix = unsafe memory.load(fromByteOffset: 16, as: UInt64.self)
    let start = key & Self.mask(skip)
    if start != prefix { return start < prefix ? -1 : 1 }
    return skip <= 8 ? 0 : nil
  }

  /// What the first bytes of a key are in a number.
  private static func mask(_ count: Int) -> UInt64 {
    count >= 8 ? .max : ~(UInt64.max >> UInt64(8 * count))
  }

  /// Levels below the node: 0 for a leaf.
  @inline(__always)
  var level: Int { unsafe Int(memory.load(fromByteOffset: 8, as: UInt32.self)) }

  @inline(__always)
  func word(_ index: Int) -> UInt64 { unsafe entries[checked(index)] }

  @inline(__always)
  func unit(_ index: Int) -> UInt64 { unsafe entries[count + checked(index)] }

  /// Positions of a node, one behind the other in either direction.
  @safe
  struct Stretch {
    // SAFETY: `count` positions of a node lie from `first` on in steps of `step`, for as long as the node
    // is kept; every index is checked against the count.
    private let first: UnsafePointer<UInt64>?
    /// Number of positions.
    let count: Int
    private let step: Int

    /// No position.
    init() { unsafe (first, count, step) = (nil, 0, 0) }

    fileprivate init(_ first: UnsafePointer<UInt64>, count: Int, step: Int) {
      unsafe (self.first, self.count, self.step) = (first, count, step)
    }

    @inline(__always)
    subscript(number: Int) -> UInt64 {
      precondition(number >= 0 && number < count, "a position of the stretch")
      return unsafe first.unsafelyUnwrapped[number &* step]
    }
  }

  /// Positions from an entry on.
  ///
  /// - Parameters:
  ///   - index: the entry.
  ///   - step: 1 for those behind it, -1 for those before it.
  ///   - most: how many are wanted.
  /// - Returns: so many, or those as far as the node goes.
  func stretch(from index: Int, _ step: Int, most: Int) -> Stretch {
    let first = unsafe entries + (count + checked(index))
    return unsafe Stretch(first, count: min(most, step > 0 ? count - index : index + 1), step: step)
  }

  @inline(__always)
  func child(_ index: Int) -> OrderNode {
    precondition(level > 0, "a leaf has no children")
    return unsafe OrderNode(address: UInt(entries[2 * count + checked(index)]))
  }

  /// Fills an entry of a node that nobody else knows yet.
  @inline(__always)
  func set(_ index: Int, word: UInt64, unit: UInt64, child: OrderNode?) {
    unsafe entries[checked(index)] = word
    unsafe entries[count + index] = unit
    if let child { unsafe entries[2 * count + index] = UInt64(child.address) }
  }

  /// A copy in which one entry, or none, takes the place of some.
  ///
  /// - Parameters:
  ///   - range: of the entries that it does not have.
  ///   - entry: what it has there; what all keys share is what those of this node do.
  /// - Returns: a node that nobody else knows yet.
  func replacing(
    _ range: Range<Int>,
    with entry: (word: UInt64, unit: UInt64, child: OrderNode?)?
  ) -> OrderNode {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "entries of the node")
    let added = entry == nil ? 0 : 1
    let length = count - range.count + added
    let start = unsafe memory.load(fromByteOffset: 16, as: UInt64.self)
    let copy = OrderNode(level: level, skip: skip, start: start, count: length)
    for column in 0..<(level == 0 ? 2 : 3) {
      let source = unsafe entries + column * count
      let target = unsafe copy.entries + column * length
      unsafe target.update(from: source, count: range.lowerBound)
      unsafe (target + range.lowerBound + added)
        .update(from: source + range.upperBound, count: count - range.upperBound)
    }
    if let entry {
      copy.set(range.lowerBound, word: entry.word, unit: entry.unit, child: entry.child)
    }
    return copy
  }

  @inline(__always)
  private func checked(_ index: Int) -> Int {
    precondition(index >= 0 && index < count, "an entry of the node")
    return index
  }

  /// Entries from `start` on whose word is `word`, or the empty range where they would stand.
  ///
  /// - Complexity: O(log count), in one column of the node.
  func range(of word: UInt64, from start: Int) -> Range<Int> {
    precondition(start >= 0 && start <= count, "an entry of the node, or the end")
    var low = start
    var rest = count - start
    // Without branches: which way it goes can't be guessed, and the words are on their way together.
    while rest > 0 {
      let half = (rest + 1) / 2
      low &+= unsafe entries[low &+ half &- 1] < word ? half : 0
      rest &-= half
    }
    var end = low
    while end < count, unsafe entries[end] == word { end += 1 }
    return low..<end
  }

  /// Starts to load what a search reads: the header, the words, and most positions.
  func prefetch() {
    for line in 0..<3 * Self.capacity / 16 {
      unsafe fl_prefetch(UnsafeRawPointer(memory) + 64 * line)
    }
  }

  /// Starts to load the header, and the first positions if there are `count` entries.
  func prefetchUnits(count: Int) {
    unsafe fl_prefetch(memory)
    let units = unsafe memory + Self.headerLength + 8 * count
    for line in 0..<4 { unsafe fl_prefetch(units + 64 * line) }
  }
}
