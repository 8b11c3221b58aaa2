// What an export needs beside keys and values: where entries stand, in which segments, and which of them
// a compaction has moved.
//
// Invariant: everything here is read under the snapshot's ticket, so what was listed or handed out once
// stays readable as long as the snapshot, whatever a compaction does meanwhile.

internal import JournalFormat
internal import PersistentMemory

/// Where an entry stands, and in this process.
package struct EntryPlace: Sendable {
  package let location: EntryLocation
  package let valueLength: Int
  /// Position in the address space over all segments.
  let unit: UInt64
}

/// Segments, as they were listed.
package struct SegmentListing: Sendable {
  /// What can be told of each, oldest first.
  package let information: [SegmentInformation]
  fileprivate let segments: [MappedSegment]
}

extension Snapshot {
  /// By when what has ended is not shown, in milliseconds since 1970.
  package var moment: UInt64 { present.milliseconds }

  /// Visits the entries of the default namespace, then those of the others, each in the order of their keys.
  ///
  /// - Parameters:
  ///   - namespaces: of the snapshot.
  ///   - body: gets the name of each key's namespace, the key, and where its version stands.
  /// - Throws: as ``forEach(from:to:prefix:order:limit:_:)``.
  package func forEachPlace(
    in namespaces: NamespaceListing,
    _ body: (String?, RawSpan, EntryPlace) -> IterationStep
  ) throws(StoreError) {
    var step = IterationStep.next
    func visit(_ name: String?) throws(StoreError) {
      try forEachPlace(of: name, namespaces) { (key, place) in
        step = body(name, key, place)
        return step
      }
    }
    try visit(nil)
    for entry in namespaces.entries where step == .next { try visit(entry.name) }
  }

  /// Visits the entries of one namespace in the order of their keys.
  ///
  /// - Parameters:
  ///   - namespace: its name; nil for the default one.
  ///   - namespaces: of the snapshot.
  ///   - body: gets each key, and where its version stands.
  /// - Throws: as ``forEach(from:to:prefix:order:limit:_:)``.
  package func forEachPlace(
    of namespace: String?,
    _ namespaces: NamespaceListing,
    _ body: (RawSpan, EntryPlace) -> IterationStep
  ) throws(StoreError) {
    guard let space = namespaces.space(of: namespace) else { return }
    try forEachRecord(in: KeyRange(in: space), .ascending, .max) { (key, record, _, unit) in
      body(key, store.map.place(of: record, unit: unit))
    }
  }

  /// Finds and verifies the version of a key; nil where there was none.
  package func place(
    of key: RawSpan,
    in namespace: String?,
    _ namespaces: NamespaceListing
  ) throws(StoreError) -> EntryPlace? {
    try store.checkOpen()
    guard let space = namespaces.space(of: namespace) else { return nil }
    return try space.withStoredForm(of: key) { (stored) throws(StoreError) in
      try withRecord(forKey: stored, hash: store.hash(stored)) { (record, _, unit) in
        store.map.place(of: record, unit: unit)
      }
    }
  }

  /// Keys of transactions that the snapshot shows, and a feed perhaps not yet.
  ///
  /// Whoever reads a feed behind this call finds every other transaction that the snapshot shows.
  ///
  /// - Throws: what is wrong with a record that can't be read.
  package func recentKeys(
    in namespaces: NamespaceListing
  ) throws(StoreError) -> [NamespacedKey] {
    var keys: [NamespacedKey] = []
    try RecentRecords.visit(of: store) { (_, record, stored) in
      guard record.sequence <= sequence else { return }
      let key = namespaces.withKey(in: stored) {
        NamespacedKey(namespace: $0, key: Array(copying: $1))
      }
      if let key { keys.append(key) }
    }
    return keys
  }

  // MARK: Segments

  /// Whether transactions behind the snapshot's will be told by a feed of its store.
  package var isFollowed: Bool { !store.isReadOnly || store.follower != nil }

  /// The segments of the store now.
  package func listSegments() throws(StoreError) -> SegmentListing {
    try store.checkOpen()
    let segments = store.map.segments
    var information: [SegmentInformation] = []
    for segment in segments { information.append(try SegmentInformation(of: segment)) }
    return SegmentListing(information: information, segments: segments)
  }

  /// The segment that an entry of the snapshot stands in, also where it has left the journal since, or
  /// takes its place there in a moment.
  package func segment(of place: EntryPlace) -> SegmentInformation? {
    let number = place.location.segment
    let known = store.map.segments.first { $0.header.segmentID == number }
    if let known { return try? SegmentInformation(of: known) }
    // Only a compacted one, or one that was compacted: both are read through their whole mapping.
    return unsafe store.map.withSegment(of: place.unit) { (view, _, bytes) in
      guard let header = SegmentHeader(decoding: bytes), header.segmentID == number else {
        return nil
      }
      let allocated = unsafe try? view.pointee.file?.takeUnretainedValue().allocatedBytes()
      return SegmentInformation(
        header,
        capacityInBytes: bytes.byteCount,
        allocatedBytes: allocated ?? bytes.byteCount
      )
    }
  }

  /// Visits the puts of a compacted segment that were newest when it was made.
  ///
  /// - Parameters:
  ///   - number: of the segment.
  ///   - listing: has it.
  ///   - namespaces: of the snapshot.
  ///   - body: gets the name of each key's namespace, the key, and where it stands there.
  /// - Throws: what is wrong with the first record that can't be read.
  /// - Complexity: O(segment): every record is verified.
  package func forEachMovedPlace(
    in number: UInt32,
    of listing: SegmentListing,
    _ namespaces: NamespaceListing,
    _ body: (String?, RawSpan, EntryPlace) -> IterationStep
  ) throws(StoreError) {
    let map = store.map
    guard let segment = listing.segments.first(where: { $0.header.segmentID == number }),
      let end = segment.header.compaction?.end
    else { return }
    let stretch = JournalStretch(segment: segment, range: SegmentField.journalStart..<end)
    try map.forEachHeader(in: stretch) { (unit, header) throws(StoreError) in
      guard header.kind == .put, !header.flags.contains(.superseded) else { return .next }
      return try map.withRecord(at: unit) { (record, bytes) in
        namespaces.withKey(in: bytes.extracting(record.keyRange)) { (namespace, key) in
          body(namespace, key, map.place(of: record, unit: unit))
        } ?? .next
      }
    }
  }
}

extension SegmentMap {
  fileprivate func place(of record: JournalRecord, unit: UInt64) -> EntryPlace {
    EntryPlace(
      location: location(of: record, unit: unit),
      valueLength: record.valueRange.count,
      unit: unit
    )
  }
}

extension SegmentInformation {
  init(of segment: MappedSegment) throws(StoreError) {
    let file = segment.file
    let allocated = try translatingErrors { () throws(MediumError) in try file.allocatedBytes() }
    self.init(segment.header, capacityInBytes: file.length, allocatedBytes: allocated)
  }

  fileprivate init(_ header: SegmentHeader, capacityInBytes: Int, allocatedBytes: Int) {
    self.init(
      number: header.segmentID,
      fileName: SegmentName.name(of: header.segmentID),
      capacityInBytes: capacityInBytes,
      allocatedBytes: allocatedBytes,
      incarnation: header.incarnation,
      firstSequence: header.firstSequence,
      createdAt: header.createdAt,
      covered: header.covered
    )
  }
}
