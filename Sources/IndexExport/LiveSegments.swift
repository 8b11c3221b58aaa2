// Rows of the table "segments", and what the rows of "entries" that come and go change in them.
//
// Invariant: a segment has a row as long as it is part of the journal, or an entry's row names it: one
// that a compaction took while the entries were visited stays until the next update has repaired those.

internal import Fenceline

/// What is known of segments, and how many entries came and went in each.
struct LiveSegments {
  /// Entries, and the bytes of their records; less than nothing where more went.
  struct Change {
    var entries = 0
    var bytes = 0
  }

  private(set) var changes: [UInt32: Change] = [:]
  /// Every segment that was listed or met.
  private var known: [UInt32: SegmentInformation] = [:]
  /// Numbers of the segments that were listed last.
  private(set) var listed: Set<UInt32> = []

  /// Takes note of the segments that the journal has now.
  mutating func list(_ information: [SegmentInformation]) {
    listed = []
    for segment in information {
      known[segment.number] = segment
      listed.insert(segment.number)
    }
  }

  /// Whether nothing is known of an entry's segment.
  func isUnknown(_ location: EntryLocation) -> Bool { known[location.segment] == nil }

  /// Takes note of a segment that is not listed.
  mutating func note(_ segment: SegmentInformation?) {
    if let segment { known[segment.number] = segment }
  }

  /// Counts an entry whose row came.
  mutating func add(_ location: EntryLocation) {
    changes[location.segment, default: Change()].entries += 1
    changes[location.segment, default: Change()].bytes += location.recordLength
  }

  /// Counts an entry whose row went.
  mutating func remove(_ row: EntryChanger.Row) {
    changes[row.segment, default: Change()].entries -= 1
    changes[row.segment, default: Change()].bytes -= row.recordLength
  }

  /// Counts entries of one segment whose rows went together.
  mutating func remove(_ count: Int, from segment: UInt32, bytes: Int) {
    changes[segment, default: Change()].entries -= count
    changes[segment, default: Change()].bytes -= bytes
  }

  /// Writes the rows of all segments that are listed, or that entries name.
  func write(to database: borrowing SQLiteConnection) throws(SQLiteError) {
    let insert = try database.prepare(IndexSchema.insertSegment)
    let count = try database.prepare(IndexSchema.countSegment)
    for number in listed.union(changes.keys).sorted() {
      let change = changes[number] ?? Change()
      guard let segment = known[number] else {
        count.bind(Int64(number), at: 1)
        count.bind(Int64(change.entries), at: 2)
        count.bind(Int64(change.bytes), at: 3)
        try count.run()
        continue
      }
      insert.bind(Int64(segment.number), at: 1)
      try insert.bind(segment.fileName, at: 2)
      insert.bind(Int64(segment.capacityInBytes), at: 3)
      insert.bind(Int64(segment.allocatedBytes), at: 4)
      insert.bind(Int64(bitPattern: segment.incarnation), at: 5)
      insert.bind(Int64(bitPattern: segment.firstSequence), at: 6)
      insert.bind(Int64(bitPattern: segment.createdAt), at: 7)
      insert.bind(Int64(segment.covered.lowerBound), at: 8)
      insert.bind(Int64(segment.covered.upperBound), at: 9)
      insert.bind(Int64(change.entries), at: 10)
      insert.bind(Int64(change.bytes), at: 11)
      try insert.run()
    }
  }
}
