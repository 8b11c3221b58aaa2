// Growable memory for buckets that never move: pages of 2 MiB by number, so that growth copies nothing,
// a reader's pointer stays good, and finding a bucket is one load that hits a cache.
//
// Invariant: a page's address is stored before any index in it is published.

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
  /// Buckets of a page, as a power of two.
  private static let pageBits = 15
  /// Buckets of a page, which is a huge page where the system has them.
  static let bucketsPerPage = 1 << pageBits
  private static let pageSize = bucketsPerPage * wordsPerBucket * 8
  /// Where there are four billion buckets, a word of the table has no more bits to tell them apart.
  private static let mostPages = 1 << (32 - pageBits)

  /// Addresses of the pages; memory that is there once it is used.
  private let pages: UnsafeMutablePointer<Bucket?>?
  private let publishedPageCount = Atomic<Int>(0)

  init() {
    let directory = unsafe LargeMemory.map(Self.directorySize, inHugePages: false)
    unsafe pages = directory?.bindMemory(to: Bucket?.self, capacity: Self.mostPages)
  }

  deinit {
    guard let pages = unsafe pages else { return }
    for page in 0..<pageCount {
      if let memory = unsafe pages[page] { _ = unsafe munmap(memory, Self.pageSize) }
    }
    _ = unsafe munmap(pages, Self.directorySize)
  }

  private static var directorySize: Int { unsafe mostPages * MemoryLayout<Bucket?>.stride }

  private var pageCount: Int { publishedPageCount.load(ordering: .acquiring) }

  /// The bucket at `index`, which was reserved.
  @inline(__always)
  func bucket(at index: Int) -> Bucket {
    // Wrapping arithmetic, for this stands before every lookup's first cache miss.
    let page = unsafe pages.unsafelyUnwrapped[index &>> Self.pageBits].unsafelyUnwrapped
    return unsafe page + (index & (Self.bucketsPerPage &- 1)) &* Self.wordsPerBucket
  }

  /// Makes indices below `count` usable; new buckets are zero.
  ///
  /// - Returns: false where memory can't be had.
  @inline(__always)
  func reserve(_ count: Int) -> Bool {
    count <= pageCount << Self.pageBits || grow(to: count)
  }

  @inline(never)
  private func grow(to count: Int) -> Bool {
    guard let pages = unsafe pages else { return false }
    while count > pageCount << Self.pageBits {
      let first = pageCount
      // As much as there is, so that calls are few; a table that never fills a page leaves it mostly
      // untouched.
      let added = max(1, min(first, Self.mostPages - first))
      guard first < Self.mostPages,
        let address = unsafe LargeMemory.map(
          added * Self.pageSize,
          inHugePages: count > Self.bucketsPerPage
        )
      else { return false }
      for page in 0..<added {
        // SAFETY: fresh zero pages are valid atomics of value 0.
        unsafe pages[first + page] = (address + page * Self.pageSize)
          .bindMemory(to: Atomic<UInt64>.self, capacity: Self.pageSize / 8)
      }
      publishedPageCount.store(first + added, ordering: .releasing)
    }
    return true
  }

  /// Has the kernel make the memory of a page that was reserved, as one huge page where it has such:
  /// zeroing one where it is first touched can take milliseconds.
  ///
  /// With the second page, the first one is put into a huge page too.
  func prefault(page: Int) {
    guard let pages = unsafe pages, let memory = unsafe pages[page] else { return }
    // SAFETY: the pages are mapped, and stay so as long as self.
    _ = unsafe madvise(memory, Self.pageSize, 23 /* POPULATE_WRITE */)
    guard page == 1, let first = unsafe pages[0] else { return }
    _ = unsafe madvise(first, Self.pageSize, 14 /* HUGEPAGE */)
    _ = unsafe madvise(first, Self.pageSize, 25 /* COLLAPSE, since Linux 6.1 */)
  }
}
