// How large the next segment is: a share of what the store holds, so that what is allocated and not yet
// used stays small beside it; or as large as one transaction needs; and smaller where the medium has no
// room for that.

internal import JournalFormat
internal import PersistentMemory

/// Creates segments of the right size.
struct SegmentSizing {
  let options: SegmentOptions
  /// Bytes of records that count.
  let liveBytes: Int
  /// Bytes above which a segment grows only for what it needs: somebody waits while it is made.
  var mostBytes = Int.max

  private static let pageSize = 4096

  /// Creates a segment with room for `length` bytes of records, ready for appends but for its page faults,
  /// and for `extra` more where the medium has them.
  ///
  /// - Throws: ``StoreError/full(_:)`` where not even the smallest that would do has room; nothing
  ///   is left behind then.
  func create(
    _ name: String,
    roomFor length: Int,
    preferring extra: Int,
    in directory: any StoreDirectory
  ) throws(StoreError) -> SegmentFile {
    let needed = SegmentField.journalStart + length
    let smallest = Self.pages(Self.withReserve(needed))
    let preferred = Self.pages(Self.withReserve(needed + extra))
    var capacity = max(preferred, Self.pages(usualLength))
    while true {
      do throws(MediumError) {
        return try Self.createForAppending(name, length: capacity, in: directory)
      } catch {
        guard error.isFull, capacity > smallest else { throw StoreError(error) }
        capacity = max(smallest, Self.pages(capacity / 2))
      }
    }
  }

  /// Creates a segment of `length` bytes to append to, whose pages may still have to be made.
  ///
  /// - Throws: what the medium says; nothing is left behind then.
  static func createForAppending(
    _ name: String,
    length: Int,
    in directory: any StoreDirectory
  ) throws(MediumError) -> SegmentFile {
    let file = try directory.createSegment(named: name, length: length)
    do throws(MediumError) {
      try file.beginAppending(at: SegmentField.journalStart, sharing: 0..<0)
      return file
    } catch {
      try? directory.removeSegment(named: name + FileSystemDirectory.unpublishedSuffix)
      throw error
    }
  }

  /// A sixteenth of the store, and a quarter as long as that is little.
  var usualLength: Int {
    let share = max(liveBytes / 16, min(liveBytes / 4, options.largest / 16))
    return min(options.largest, mostBytes, max(options.smallest, share))
  }

  /// Bytes of the medium that are kept for the compaction of a full one.
  static func compactionReserve(_ options: SegmentOptions, _ liveBytes: Int) -> Int {
    pages(SegmentSizing(options: options, liveBytes: liveBytes).usualLength / 4)
  }

  /// Bytes of a segment that only deletes may use, so that a full store can be emptied: 8 to 64
  /// durable deletes of short keys.
  static func deleteReserve(capacity: Int) -> Int { min(4096, capacity / 16) }

  /// Bytes of a segment that has `length` bytes beside its reserve.
  private static func withReserve(_ length: Int) -> Int { length + min(4096, length / 15 + 16) }

  private static func pages(_ length: Int) -> Int {
    (length + pageSize - 1) / pageSize * pageSize
  }
}
