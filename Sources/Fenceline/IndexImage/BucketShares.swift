// The buckets of a table in stretches that a cache holds, and changes sorted by them: what would be a cache
// miss for each change becomes one pass over the table.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// Neighbouring buckets, share by share.
struct BucketShares: Sendable {
  /// The first bucket of each share, and the number of all buckets behind the last one.
  let bounds: [Int]
  /// By the high bits of a bucket's number: a share that begins at or before the first such bucket.
  private let hints: [UInt32]
  private static let hintBits = 8

  /// Buckets of a share, more or less: half a megabyte.
  static let usualCount = 1 << 13

  /// - Parameter bounds: the first bucket of each share, from 0 on, and the number of all buckets.
  init(bounds: [Int]) {
    self.bounds = bounds
    var hints: [UInt32] = []
    let bucketCount = bounds[bounds.count - 1]
    hints.reserveCapacity(bucketCount >> Self.hintBits + 1)
    var share = 0
    for bucket in stride(from: 0, to: bucketCount, by: 1 << Self.hintBits) {
      while bounds[share + 1] <= bucket { share += 1 }
      hints.append(UInt32(truncatingIfNeeded: share))
    }
    self.hints = hints
  }

  /// Shares of equal size.
  init(bucketCount: Int) {
    let starts = Array(stride(from: 0, to: bucketCount, by: Self.usualCount))
    self.init(bounds: starts + [bucketCount])
  }

  var count: Int { bounds.count - 1 }
  var bucketCount: Int { bounds[bounds.count - 1] }

  /// The share that a bucket belongs to.
  @inline(__always)
  func share(of bucket: Int) -> Int {
    var share = Int(hints[bucket >> Self.hintBits])
    while bounds[share + 1] <= bucket { share += 1 }
    return share
  }
}

/// The changes of files, each file's share by share, and those of a share in their order.
@safe
final class SortedChanges: @unchecked Sendable {
  // SAFETY: complete and immutable once it is made.
  private let files: [File]
  /// Two words for each change, as `IndexChange.init(low:high:)` takes them.
  private let memory: LargeMemory

  /// What one file has.
  private struct File: Sendable {
    /// Where words may lead behind it.
    let limits: UnitLimits
    /// By share: the first of its changes in the memory, which end where those of the next share begin.
    let starts: [Int]
  }

  /// Nil where a file can't be read, or where there is no memory.
  ///
  /// - Parameters:
  ///   - files: what was changed.
  ///   - shares: of the table.
  ///   - firstUnits: where segments begin that are still there; words lead nowhere else. Nil: anywhere.
  init?(_ files: [ChangeFile], by shares: BucketShares, to firstUnits: [UInt32: UInt64]?) {
    var starts: [Int] = []
    var count = 0
    for file in files {
      starts.append(count)
      count += file.header.changeCount
    }
    guard let memory = LargeMemory(length: count * MemoryLayout<SIMD2<UInt64>>.stride) else {
      return nil
    }
    let firsts = starts
    let sorted = Parallel.map(files.count) { (number) in
      [Self.sort(files[number], by: shares, to: firstUnits, into: memory, from: firsts[number])]
    }
    self.files = sorted.joined().compactMap(\.self)
    self.memory = memory
    guard self.files.count == files.count else { return nil }
  }

  private static func changes(_ memory: LargeMemory) -> UnsafeMutablePointer<SIMD2<UInt64>> {
    unsafe memory.address.assumingMemoryBound(to: SIMD2<UInt64>.self)
  }

  private static func sort(
    _ file: ChangeFile,
    by shares: BucketShares,
    to firstUnits: [UInt32: UInt64]?,
    into memory: LargeMemory,
    from first: Int
  ) -> File? {
    let count = file.header.changeCount
    let inOrder = UnsafeMutablePointer<SIMD2<UInt64>>.allocate(capacity: count)
    let shareOf = UnsafeMutablePointer<UInt32>.allocate(capacity: count)
    let next = UnsafeMutablePointer<Int>.allocate(capacity: shares.count)
    defer {
      unsafe inOrder.deallocate()
      unsafe shareOf.deallocate()
      unsafe next.deallocate()
    }
    unsafe next.initialize(repeating: 0, count: shares.count)
    // How many there are of each; then every change goes to where those of its share begin.
    let isRead = file.forEachChange { (number, change) in
      let share = shares.share(of: HashIndex.home(change.hash, count: shares.bucketCount))
      let words = change.words
      unsafe inOrder[number] = SIMD2(words.low, words.high)
      unsafe shareOf[number] = UInt32(truncatingIfNeeded: share)
      unsafe next[share] += 1
    }
    guard isRead else { return nil }
    var starts = [first]
    starts.reserveCapacity(shares.count + 1)
    for share in 0..<shares.count {
      let end = unsafe starts[share] + next[share]
      unsafe next[share] = starts[share]
      starts.append(end)
    }
    let changes = unsafe Self.changes(memory)
    for number in 0..<count {
      let share = Int(unsafe shareOf[number])
      unsafe changes[next[share]] = inOrder[number]
      unsafe next[share] += 1
    }
    let limits = firstUnits.map { UnitLimits(of: file.segments, $0) } ?? .none
    return File(limits: limits, starts: starts)
  }

  /// Visits the changes of a share in order, with where words may lead behind them.
  @inline(__always)
  func forEachChange(ofShare share: Int, _ visit: (IndexChange, UnitLimits) -> Void) {
    let changes = unsafe Self.changes(memory)
    for file in files {
      for number in file.starts[share]..<file.starts[share + 1] {
        let words = unsafe changes[number]
        visit(IndexChange(low: words.x, high: words.y), file.limits)
      }
    }
  }
}

extension UnitLimits {
  /// Allows the records of segments that are still there.
  init(of segments: [IndexImageSegment], _ firstUnits: [UInt32: UInt64]) {
    self.init()
    for segment in segments {
      guard let firstUnit = firstUnits[segment.segmentID],
        firstUnit == segment.firstUnit || Mutant.adoptedForgotten.isActive
      else { continue }
      allow(from: segment.firstUnit, end: segment.end)
    }
  }
}
