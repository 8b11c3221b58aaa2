// From a position of the index to bytes: one load from a small table, then the segment's view.
//
// A unit is 8 bytes of the journal. Segments take ranges of units in the order in which they are
// added, in whole granules; the table has one pointer per granule. Units are not reused while the
// store is open, so a position never changes its meaning.
//
// Invariant: views and superseded tables live as long as the map; only the memory that a view
// points to can go earlier (a stage), and then through ReaderEpochs.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// What a reader needs to know of the segment that a unit lies in.
@unsafe
struct SegmentView {
  /// Address of the segment's first byte.
  let base: UnsafeRawPointer
  let length: Int
  /// Unit of the segment's first byte.
  let firstUnit: UInt64
  let binding: SegmentBinding
  let file: Unmanaged<SegmentFile>

  @inline(__always)
  func offset(ofUnit unit: UInt64) -> Int { unsafe Int(unit &- firstUnit) << 3 }
}

/// One segment of an open store.
struct MappedSegment: Sendable {
  var file: SegmentFile
  let header: SegmentHeader
  let binding: SegmentBinding
  /// Unit of the segment's first byte.
  let firstUnit: UInt64

  /// The position of a record as the index holds it.
  @inline(__always)
  func unit(at offset: Int) -> UInt64 { firstUnit + UInt64(offset >> 3) }
}

/// All segments of an open store, by position.
@safe
final class SegmentMap: @unchecked Sendable {
  // SAFETY: `table` is published after what it points to; everything else changes under the write
  // lock only, and nothing that was published is freed before deinit.
  private typealias Table = UnsafeMutablePointer<Atomic<UInt>>

  private let table: Atomic<UInt>
  private var tableCapacity: Int
  private var usedGranules = 1
  private var ownedTables: [(Table, Int)] = unsafe []
  private var ownedViews: [UnsafeMutablePointer<SegmentView>] = unsafe []
  private let segmentList = Mutex<[MappedSegment]>([])
  /// Kept for readers that may still hold a view of them.
  private var superseded: [SegmentFile] = []

  private static let unitsPerGranuleShift: UInt64 = 15
  /// Bytes of a granule: one entry of the table.
  static let granuleSize = 8 << 15
  /// Positions have 40 bits.
  private static let maximumGranules = 1 << (40 - 15)

  init() {
    tableCapacity = 64
    let first = unsafe Self.makeTable(capacity: tableCapacity)
    table = Atomic(UInt(bitPattern: first))
    unsafe ownedTables.append((first, tableCapacity))
  }

  deinit {
    for index in unsafe ownedViews.indices { unsafe ownedViews[index].deallocate() }
    for index in unsafe ownedTables.indices {
      let (table, capacity) = unsafe ownedTables[index]
      unsafe table.deinitialize(count: capacity)
      unsafe table.deallocate()
    }
  }

  private static func makeTable(capacity: Int) -> Table {
    let table = Table.allocate(capacity: capacity)
    for index in 0..<capacity { unsafe (table + index).initialize(to: Atomic(0)) }
    return unsafe table
  }

  /// The view of the segment that holds `unit`, which came from the index.
  @inline(__always)
  func view(ofUnit unit: UInt64) -> UnsafePointer<SegmentView> {
    let granule = Int(truncatingIfNeeded: unit >> Self.unitsPerGranuleShift)
    let entries = unsafe Table(bitPattern: table.load(ordering: .acquiring)).unsafelyUnwrapped
    let view = unsafe entries[granule].load(ordering: .acquiring)
    return unsafe UnsafePointer<SegmentView>(bitPattern: view).unsafelyUnwrapped
  }

  /// Every segment in history order.
  var segments: [MappedSegment] { segmentList.withLock { $0 } }

  /// Adds a segment, read through its mapping.
  ///
  /// Under the write lock.
  func add(_ file: SegmentFile, _ header: SegmentHeader) throws(StoreError) -> MappedSegment {
    let granules = (file.length + Self.granuleSize - 1) / Self.granuleSize
    guard usedGranules + granules <= Self.maximumGranules else {
      throw .addressSpaceExhausted
    }
    reserve(usedGranules + granules)
    let segment = MappedSegment(
      file: file,
      header: header,
      binding: SegmentBinding(header),
      firstUnit: UInt64(usedGranules) << Self.unitsPerGranuleShift
    )
    usedGranules += granules
    segmentList.withLock { $0.append(segment) }
    unsafe publish(segment, base: file.mappedBase, from: 0)
    return segment
  }

  /// Reads the newest segment through another mapping of the same bytes.
  ///
  /// Under the write lock.
  func replaceNewest(with file: SegmentFile) -> MappedSegment {
    var (segment, old) = segmentList.withLock { (list) in
      let old = list[list.count - 1].file
      list[list.count - 1].file = file
      return (list[list.count - 1], old)
    }
    superseded.append(old)
    segment.file = file
    unsafe publish(segment, base: file.mappedBase, from: 0)
    return segment
  }

  /// Forgets the newest segment, in which nothing is.
  ///
  /// Under the write lock.
  func removeNewest() {
    if let removed = segmentList.withLock({ $0.popLast() }) { superseded.append(removed.file) }
  }

  /// Lets reads of a segment from `offset` on go to where its appends go.
  ///
  /// Under the write lock.
  func redirectToAppends(of segment: MappedSegment, from offset: Int) {
    let base = unsafe segment.file.writtenBase
    guard unsafe base != segment.file.mappedBase else { return }
    unsafe publish(segment, base: base, from: offset)
  }

  /// Lets reads of a segment go to its mapping again; the caller retires the stage.
  ///
  /// Under the write lock.
  func redirectToMapping(of segment: MappedSegment) {
    unsafe publish(segment, base: segment.file.mappedBase, from: 0)
  }

  private func publish(_ segment: MappedSegment, base: UnsafeRawPointer, from offset: Int) {
    let length = segment.file.length
    let view = UnsafeMutablePointer<SegmentView>.allocate(capacity: 1)
    unsafe view.initialize(
      to: SegmentView(
        base: base,
        length: length,
        firstUnit: segment.firstUnit,
        binding: segment.binding,
        file: .passUnretained(segment.file)
      )
    )
    unsafe ownedViews.append(view)
    let entries = unsafe Table(bitPattern: table.load(ordering: .relaxed)).unsafelyUnwrapped
    let first = Int(segment.firstUnit >> Self.unitsPerGranuleShift)
    let granules = (length + Self.granuleSize - 1) / Self.granuleSize
    for granule in first + offset / Self.granuleSize..<first + granules {
      unsafe entries[granule].store(UInt(bitPattern: view), ordering: .releasing)
    }
  }

  private func reserve(_ granules: Int) {
    guard granules > tableCapacity else { return }
    let capacity = max(granules, 2 * tableCapacity)
    let old = unsafe Table(bitPattern: table.load(ordering: .relaxed)).unsafelyUnwrapped
    let new = unsafe Self.makeTable(capacity: capacity)
    for index in 0..<tableCapacity {
      unsafe new[index].store(old[index].load(ordering: .relaxed), ordering: .relaxed)
    }
    unsafe ownedTables.append((new, capacity))
    tableCapacity = capacity
    table.store(UInt(bitPattern: new), ordering: .releasing)
  }
}
