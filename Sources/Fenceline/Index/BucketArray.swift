// Growable memory for buckets that never move: an array of chunks, each as large as all before it
// together, so that growth copies nothing and a reader's pointer stays good.
//
// Invariant: a chunk's address is stored before any index in it is published.

internal import Glibc
internal import Synchronization

/// One line of eight 64-bit words.
typealias Bucket = UnsafeMutablePointer<Atomic<UInt64>>

/// Buckets by index.
///
/// Appending is for one writer; reading is for anyone who got the index from a published place.
@safe
struct BucketArray: ~Copyable {
  static let wordsPerBucket = 8
  /// Buckets in the first chunk, as a power of two.
  private let baseBits: Int
  private let chunks: UnsafeMutablePointer<Bucket?>
  private let publishedChunkCount = Atomic<Int>(0)
  private static let maximumChunks = 40
  /// Bytes of a chunk that is worth a mapping of its own.
  private static let smallestMapping = 64 << 10

  init(baseBits: Int) {
    self.baseBits = baseBits
    unsafe chunks = .allocate(capacity: Self.maximumChunks)
    unsafe chunks.initialize(repeating: nil, count: Self.maximumChunks)
  }

  deinit {
    for chunk in 0..<chunkCount {
      guard let memory = unsafe chunks[chunk] else { continue }
      let length = bytes(inChunk: chunk)
      if length < Self.smallestMapping {
        unsafe free(memory)
      } else {
        unsafe _ = munmap(memory, length)
      }
    }
    unsafe chunks.deallocate()
  }

  private var chunkCount: Int { publishedChunkCount.load(ordering: .acquiring) }

  private func bytes(inChunk chunk: Int) -> Int {
    (1 << (chunk == 0 ? baseBits : baseBits + chunk - 1)) * Self.wordsPerBucket * 8
  }

  /// Buckets that fit without another chunk.
  private var capacity: Int { chunkCount == 0 ? 0 : 1 << (baseBits + chunkCount - 1) }

  /// The bucket at `index`, which was reserved.
  @inline(__always)
  func bucket(at index: Int) -> Bucket {
    // Chunk 0 holds [0, base); chunk c holds [base << (c - 1), base << c). Wrapping arithmetic, for this
    // stands before every lookup's first cache miss, and the index was reserved.
    let high = index &>> baseBits
    let chunk = Int.bitWidth &- high.leadingZeroBitCount
    let start = high == 0 ? 0 : 1 &<< (baseBits &+ chunk &- 1)
    return unsafe chunks[chunk].unsafelyUnwrapped + (index &- start) &* Self.wordsPerBucket
  }

  /// Makes indices below `count` usable; new buckets are zero.
  ///
  /// - Returns: false where memory can't be had.
  @inline(__always)
  func reserve(_ count: Int) -> Bool { count <= capacity || grow(to: count) }

  @inline(never)
  private func grow(to count: Int) -> Bool {
    while count > capacity {
      guard chunkCount < Self.maximumChunks else { return false }
      let length = bytes(inChunk: chunkCount)
      guard let address = unsafe Self.zeros(length) else { return false }
      // SAFETY: fresh zero pages are valid atomics of value 0.
      unsafe chunks[chunkCount] = address.bindMemory(to: Atomic<UInt64>.self, capacity: length / 8)
      publishedChunkCount.add(1, ordering: .releasing)
    }
    return true
  }

  /// Buckets of a huge page.
  static var bucketsPerPage: Int { LargeMemory.hugePageSize / (wordsPerBucket * 8) }

  /// Has the kernel make the memory of buckets that were reserved: zeroing a huge page where it is first
  /// touched can take milliseconds.
  func prefault(_ range: Range<Int>) {
    let length = range.count * Self.wordsPerBucket * 8
    let populateForWriting: Int32 = 23
    // SAFETY: the buckets are mapped, in one chunk, and stay so as long as self.
    _ = unsafe madvise(bucket(at: range.lowerBound), length, populateForWriting)
  }

  /// Zero bytes, line-aligned.
  private static func zeros(_ length: Int) -> UnsafeMutableRawPointer? {
    if length < smallestMapping {
      // Swift's own allocation would end the process where there is no memory.
      guard let memory = unsafe aligned_alloc(wordsPerBucket * 8, length) else { return nil }
      unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: length)
      return unsafe memory
    }
    return unsafe LargeMemory.map(length)
  }
}
