// From a position of the index to bytes: one load from a small table, then the segment's view.
//
// A unit is 8 bytes of the journal. Segments take ranges of units in the order in which they are
// added, in whole granules; the table has one pointer per granule. The units of a segment that is gone
// are used again, but only when no reader is left that can know them.
//
// Invariant: superseded tables live as long as the map. A view, and the memory that it points to, goes
// earlier only through ReaderEpochs, when nothing in the index leads there any more.

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
  /// Nil where the segment is gone.
  let file: Unmanaged<SegmentFile>?
  let liveBytes: UnsafePointer<Atomic<Int>>
  let tombstoneBytes: UnsafePointer<Atomic<Int>>

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
  let usage: SegmentUsage

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
  private var granules = GranuleSpace(limit: SegmentMap.maximumGranules)
  private var ownedTables: [(Table, Int)] = unsafe []
  /// Addresses of all views.
  private var ownedViews: Set<UInt> = []
  private let segmentList = ForkSafeMutex<[MappedSegment]>([])
  /// A segment to which words are being led, and which is no history yet; under the write lock.
  var adopted: MappedSegment?
  /// End of the journal whose transactions are committed, as a `JournalPosition`.
  ///
  /// Stored by the writer before the index changes; 0 where nobody writes.
  let committedEnd = Atomic<UInt64>(0)
  /// End of the journal whose transactions are durable, as a `JournalPosition`; 0 where nobody writes.
  let durableEnd = Atomic<UInt64>(0)
  /// Sequence of the newest transaction before `committedEnd`, which is stored before it.
  let committedSequence = Atomic<UInt64>(0)
  /// Which state of the catalogue of namespaces the index shows: a number that only grows.
  let catalogueVersion = Atomic<UInt64>(0)
  /// Kept for readers that may still hold a view of them.
  private var superseded: [SegmentFile] = []
  private let released = ReleasedSegments()

  static let unitsPerGranuleShift: UInt64 = 15
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
    for view in ownedViews { Self.free(view) }
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

  /// Lets whoever reads the journal read as far as `end`.
  ///
  /// Under the write lock.
  ///
  /// - Parameters:
  ///   - end: of the journal whose transactions are committed.
  ///   - nextSequence: one more than the sequence of the last one.
  ///   - durable: they are durable as well.
  @inline(__always)
  func noteCommitted(_ end: JournalPosition, nextSequence: UInt64, durable: Bool = false) {
    // Without a branch: around one the compiler would count a reference.
    let known = durableEnd.load(ordering: .relaxed)
    durableEnd.store(durable ? end.rawValue : known, ordering: .releasing)
    committedEnd.store(end.rawValue, ordering: .releasing)
    committedSequence.store(nextSequence &- 1, ordering: .releasing)
  }

  /// Lets those who want only what is durable read as far as `end`.
  ///
  /// Under the write lock.
  @inline(__always)
  func noteDurable(_ end: JournalPosition) { durableEnd.store(end.rawValue, ordering: .releasing) }

  /// Raised behind every change of the catalogue of namespaces that the index shows.
  func noteCatalogueChange() { catalogueVersion.add(1, ordering: .acquiringAndReleasing) }

  /// Every segment in history order.
  var segments: [MappedSegment] { segmentList.withLock { $0 } }

  /// Adds a segment behind all others, read through its mapping.
  ///
  /// Under the write lock.
  ///
  /// - Parameters:
  ///   - file: its bytes.
  ///   - header: its header.
  ///   - unit: unit of its first byte; nil for any.
  /// - Returns: the segment.
  /// - Throws: ``StoreError/addressSpaceExhausted``, also where others have these units.
  func add(
    _ file: SegmentFile,
    _ header: SegmentHeader,
    at unit: UInt64? = nil
  ) throws(StoreError) -> MappedSegment {
    let segment = try map(file, header, at: unit)
    segmentList.withLock { $0.append(segment) }
    return segment
  }

  /// Gives a segment its positions, without a place in the history.
  ///
  /// Under the write lock.
  func map(
    _ file: SegmentFile,
    _ header: SegmentHeader,
    at unit: UInt64? = nil
  ) throws(StoreError) -> MappedSegment {
    let first = unit.map { Int($0 >> Self.unitsPerGranuleShift) }
    guard let taken = granules.take(Self.granuleCount(file), from: first) else {
      throw .addressSpaceExhausted
    }
    reserve(taken.upperBound)
    let segment = MappedSegment(
      file: file,
      header: header,
      binding: SegmentBinding(header),
      firstUnit: UInt64(taken.lowerBound) << Self.unitsPerGranuleShift,
      usage: SegmentUsage(
        compactedThrough: header.compaction?.through ?? 0,
        mayExpire: header.mayExpire
      )
    )
    unsafe publish(segment, base: file.mappedBase, from: 0)
    return segment
  }

  /// Puts a mapped segment into the place of others.
  ///
  /// Under the write lock.
  func replace(_ sources: [MappedSegment], with segment: MappedSegment) {
    adopted = nil
    segmentList.withLock { (list) in
      let ids = Set(sources.map(\.header.segmentID))
      guard let place = list.firstIndex(where: { ids.contains($0.header.segmentID) }) else {
        return
      }
      list.removeAll { ids.contains($0.header.segmentID) }
      list.insert(segment, at: place)
    }
  }

  /// Makes the given mapped segments the history.
  ///
  /// Under the write lock.
  func setSegments(_ segments: [MappedSegment]) { segmentList.withLock { $0 = segments } }

  /// Bits of every unit so far.
  ///
  /// Under the write lock.
  var unitBits: Int {
    UInt64.bitWidth - (UInt64(granules.end) << Self.unitsPerGranuleShift).leadingZeroBitCount
  }

  /// Granules that are or were in use.
  ///
  /// Under the write lock.
  var granuleCount: Int { granules.end }

  /// The granule that `unit` lies in.
  @inline(__always)
  static func granule(of unit: UInt64) -> Int {
    Int(truncatingIfNeeded: unit >> unitsPerGranuleShift)
  }

  /// Number of the segment that `unit` lies in.
  func segmentID(ofUnit unit: UInt64) -> UInt32 {
    unsafe view(ofUnit: unit).pointee.binding.segmentID
  }

  /// Takes back the positions of a segment that no reader can know any more.
  ///
  /// Under the write lock. Where there is no address space for zeros in its place, it is kept.
  func release(_ segment: MappedSegment) {
    guard let zeros = unsafe released.base(length: segment.file.length) else {
      superseded.append(segment.file)
      return
    }
    let view = unsafe makeView(of: segment, base: zeros, file: nil, usage: released.usage)
    let range = granules(of: segment)
    let entries = unsafe Table(bitPattern: table.load(ordering: .relaxed)).unsafelyUnwrapped
    for granule in range {
      let old = unsafe entries[granule].exchange(view, ordering: .acquiringAndReleasing)
      if ownedViews.remove(old) != nil { Self.free(old) }
    }
    ownedViews.insert(view)
    granules.giveBack(range)
  }

  private static func free(_ view: UInt) {
    unsafe UnsafeMutablePointer<SegmentView>(bitPattern: view)?.deallocate()
  }

  static func granuleCount(_ file: SegmentFile) -> Int {
    (file.length + granuleSize - 1) / granuleSize
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
    let view = unsafe makeView(
      of: segment,
      base: base,
      file: .passUnretained(segment.file),
      usage: segment.usage
    )
    ownedViews.insert(view)
    let entries = unsafe Table(bitPattern: table.load(ordering: .relaxed)).unsafelyUnwrapped
    for granule in granules(of: segment).dropFirst(offset / Self.granuleSize) {
      unsafe entries[granule].store(view, ordering: .releasing)
    }
  }

  private func granules(of segment: MappedSegment) -> Range<Int> {
    let first = Self.granule(of: segment.firstUnit)
    return first..<first + Self.granuleCount(segment.file)
  }

  private func makeView(
    of segment: MappedSegment,
    base: UnsafeRawPointer,
    file: Unmanaged<SegmentFile>?,
    usage: SegmentUsage
  ) -> UInt {
    let view = UnsafeMutablePointer<SegmentView>.allocate(capacity: 1)
    unsafe view.initialize(
      to: SegmentView(
        base: base,
        length: segment.file.length,
        firstUnit: segment.firstUnit,
        binding: segment.binding,
        file: file,
        liveBytes: usage.liveCounter,
        tombstoneBytes: usage.tombstoneCounter
      )
    )
    return UInt(bitPattern: view)
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
