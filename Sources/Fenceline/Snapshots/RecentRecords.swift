// What the journal has of transactions that are committed and perhaps not in the index yet: while their
// writer goes from key to key, a snapshot that shows them looks here.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// The newest records of a few keys.
struct RecentRecords: Sendable {
  /// By the hash of their keys, in journal order.
  private var units: [UInt64: [UInt64]] = [:]

  /// None.
  init() {}

  /// What the index may lack of the state at a sequence that is committed.
  ///
  /// The caller holds a reader's ticket.
  ///
  /// - Throws: what is wrong with a record that can't be read.
  init(of store: Store, upTo sequence: UInt64) throws(StoreError) {
    try Self.visit(of: store) { (unit, record, key) in
      if record.sequence <= sequence { units[store.hash(key), default: []].append(unit) }
    }
  }

  /// The newest record of a key, a delete perhaps; nil where there is none here.
  func unit(of key: RawSpan, hash: UInt64, in map: SegmentMap) -> UInt64? {
    guard !units.isEmpty else { return nil }
    return units[hash]?.last { map.surelyHasKey(key, at: $0) }
  }

  /// Visits the puts and deletes of transactions that are committed, and perhaps not in the index yet.
  ///
  /// - Parameters:
  ///   - store: of which.
  ///   - body: gets each record and its key.
  /// - Throws: what is wrong with a record that can't be read.
  static func visit(
    of store: Store,
    _ body: (UInt64, JournalRecord, RawSpan) -> Void
  ) throws(StoreError) {
    let map = store.map
    while true {
      let end = map.committedEnd.load(ordering: .acquiring)
      // Nil where everything was applied and compacted meanwhile.
      guard let stretches = map.stretches(from: store.writer.appliedEnd, to: end) else { continue }
      for stretch in stretches {
        for change in try map.changes(in: stretch) {
          try map.withRecord(at: change.unit) { (record, bytes) in
            body(change.unit, record, bytes.extracting(record.keyRange))
          }
        }
      }
      return
    }
  }
}
