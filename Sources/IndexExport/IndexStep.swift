// Brings the tables from the moment that they show to the present, in a transaction of the database that
// the caller begins and ends.
//
//   a, b     two moments of the store, a before b, and between them a list of the segments
//   feed     every key that a transaction up to b changed is looked up at b
//   groups   what has ended by b goes, and what was written to a namespace before the one of that name at b
//            was created: the feed tells no deletes behind a drop
//   moved    entries whose segment is not listed any more stand in a compacted segment of the list that
//            covers it: all of that is read, and rows that have the copied record's sequence are led there
//
// Why no row is left behind: a listed segment took its sources' place before b. What superseded a record
// before it was copied is therefore told up to b; what did not, was copied. The list is read under a's
// ticket, so that it stays readable, whatever is compacted meanwhile.
//
// A feed does not tell what was written to a namespace that is dropped by the time it is read. Where one of b
// was dropped meanwhile, a later b is taken, a few times; somebody may drop one namespace after the other, so
// what b shows of those that are dropped by then is read from b itself.
//
// Invariant: afterwards the rows are those of a whole export at b; no row names a segment that is neither
// listed nor in the table.

internal import Fenceline
internal import SystemPackage

/// One step of an update.
struct IndexStep {
  let store: Store
  let path: FilePath
  private(set) var update = IndexUpdate()
  private var segments = LiveSegments()

  /// Moments that are taken for the sake of one behind which nothing was dropped.
  private static let mostRounds = 3

  init(_ store: Store, _ path: FilePath) { (self.store, self.path) = (store, path) }

  /// Changes the tables.
  ///
  /// - Parameters:
  ///   - database: in a transaction.
  ///   - state: of the database.
  ///   - reader: stands behind the state's token.
  ///   - progress: gets the number of keys; can end it.
  /// - Returns: the place that the tables show now; nil where the store does not lead there from the
  ///   state's.
  /// - Throws: what went wrong; the tables are to be taken back.
  mutating func run(
    in database: borrowing SQLiteConnection,
    from state: IndexState,
    _ reader: inout FeedReader,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> ChangeToken? {
    guard let token = state.token else { return nil }
    var entries = try translating { () throws(SQLiteError) in try EntryChanger(to: database) }
    var moments: Moments
    var dropped: [NamespaceListing.Entry]
    var rounds = 0
    repeat {
      guard let next = try takeMoments(), next.later.isFollowed,
        token.sequence <= next.later.sequence
      else { return nil }
      moments = next
      segments.list(moments.listing.information)
      try applyChanges(upTo: moments, &reader, &entries, progress)
      dropped = try namespacesDropped(of: moments.namespaces)
      rounds += 1
    } while !dropped.isEmpty && rounds < Self.mostRounds
    for namespace in dropped {
      try rewrite(namespace.name, moments, in: database, &entries, progress)
    }
    try removeGroups(moments, from: database, &entries)
    guard try repairMoved(from: state, moments, &entries, progress) else { return nil }
    let moment = moments.later
    update.entryCount = state.entryCount + entries.addedCount
    update.writtenRowCount = entries.changedCount
    try IndexExport.writeFacts(
      of: store,
      at: moment.changeToken,
      count: update.entryCount,
      to: database,
      path,
      &segments
    )
    try removeSegments(of: state, from: database)
    return moment.changeToken
  }

  /// Two moments, the segments between them, and the namespaces of the second one.
  private struct Moments {
    let earlier: Snapshot
    let listing: SegmentListing
    let later: Snapshot
    let namespaces: NamespaceListing
  }

  /// Takes moments; nil where the kernel allows of none.
  private func takeMoments() throws(IndexExportError) -> Moments? {
    try IndexExport.reading { () throws(StoreError) in
      guard let earlier = try IndexExport.moment(of: store) else { return nil }
      let listing = try earlier.listSegments()
      let later = try store.snapshot()
      return Moments(
        earlier: earlier,
        listing: listing,
        later: later,
        namespaces: try later.listNamespaces()
      )
    }
  }

  private func namespacesDropped(
    of namespaces: NamespaceListing
  ) throws(IndexExportError) -> [NamespaceListing.Entry] {
    try IndexExport.reading { () throws(StoreError) in
      try store.namespacesDropped(of: namespaces)
    }
  }

  // MARK: Entries

  private mutating func applyChanges(
    upTo moments: Moments,
    _ reader: inout FeedReader,
    _ entries: inout EntryChanger,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) {
    let recent = try IndexExport.reading { () throws(StoreError) in
      try moments.later.recentKeys(in: moments.namespaces)
    }
    for key in recent { try look(at: key.key, in: key.namespace, moments, &entries) }
    while let next = try nextTransaction(upTo: moments.later.sequence, &reader) {
      update.transactionCount += 1
      for change in next.changes where !change.isDrop {
        update.changedKeyCount += 1
        try look(at: change.key, in: change.namespace, moments, &entries)
        try report(update.changedKeyCount, to: progress)
      }
    }
  }

  private func nextTransaction(
    upTo sequence: UInt64,
    _ reader: inout FeedReader
  ) throws(IndexExportError) -> ChangedTransaction? {
    do throws(StoreError) { return try reader.next(upTo: sequence) } catch { throw .store(error) }
  }

  /// Makes the row of a key say what the store said at a moment.
  private mutating func look(
    at key: [UInt8],
    in namespace: String?,
    _ moments: Moments,
    _ entries: inout EntryChanger
  ) throws(IndexExportError) {
    // SAFETY: a byte has no padding that reading its raw memory could show.
    let key = unsafe key.span.bytes
    let place: EntryPlace?
    do throws(StoreError) {
      place = try moments.later.place(of: key, in: namespace, moments.namespaces)
    } catch {
      throw .store(error)
    }
    if let place { note(place, moments) }
    do throws(SQLiteError) {
      let old = try entries.row(of: key, in: namespace)
      if let place {
        try entries.set(key, in: namespace, to: place, replacing: old, counting: &segments)
      } else if let old {
        try entries.remove(key, in: namespace, old, counting: &segments)
      }
    } catch {
      throw IndexExportError(error, path: path)
    }
  }

  /// Makes the rows of a namespace say what the later moment shows of it, whatever they said.
  private mutating func rewrite(
    _ namespace: String,
    _ moments: Moments,
    in database: borrowing SQLiteConnection,
    _ entries: inout EntryChanger,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) {
    do throws(SQLiteError) {
      let all = EntryGroup.dropped(namespace: namespace, before: .max)
      try entries.remove(all, from: database, counting: &segments)
    } catch {
      throw IndexExportError(error, path: path)
    }
    var count = 0
    var failure: IndexExportError?
    try IndexExport.reading { () throws(StoreError) in
      try moments.later.forEachPlace(of: namespace, moments.namespaces) { (key, place) in
        note(place, moments)
        count += 1
        do throws(IndexExportError) {
          try translating { () throws(SQLiteError) in
            try entries.set(key, in: namespace, to: place, replacing: nil, counting: &segments)
          }
          try report(count, to: progress)
          return .next
        } catch {
          failure = error
          return .stop
        }
      }
    }
    if let failure { throw failure }
  }

  /// Learns what the segment of an entry is, where no list has told.
  private mutating func note(_ place: EntryPlace, _ moments: Moments) {
    guard segments.isUnknown(place.location) else { return }
    segments.note(moments.later.segment(of: place))
  }

  /// Removes what has ended, and what stood in namespaces that were dropped; names the namespaces that there are.
  private mutating func removeGroups(
    _ moments: Moments,
    from database: borrowing SQLiteConnection,
    _ entries: inout EntryChanger
  ) throws(IndexExportError) {
    do throws(SQLiteError) {
      try entries.remove(.ended(moments.later.moment), from: database, counting: &segments)
      var missing = Dictionary(
        uniqueKeysWithValues: moments.namespaces.entries.map { ($0.name, $0) }
      )
      let named = try database.prepare(IndexSchema.selectNamespaces)
      var gone: [String] = []
      while try named.step() {
        let name = named.text(0)
        if let known = missing[name], known.sequence == UInt64(bitPattern: named.number(1)) {
          missing[name] = nil
        } else {
          gone.append(name)
        }
      }
      let delete = try database.prepare(IndexSchema.deleteNamespace)
      for name in gone {
        let group = EntryGroup.dropped(
          namespace: name,
          before: missing[name]?.sequence ?? .max
        )
        try entries.remove(group, from: database, counting: &segments)
        try delete.bind(name, at: 1)
        try delete.run()
      }
      let insert = try database.prepare(IndexSchema.insertNamespace)
      for namespace in missing.values { try insert.run(namespace) }
    } catch {
      throw IndexExportError(error, path: path)
    }
  }

  /// Leads the rows of entries that a compaction has moved to where those stand now.
  ///
  /// - Returns: false where rows name a segment that this handle does not know, nor what became of it:
  ///   whoever wrote them had seen more of the store's compactions.
  private mutating func repairMoved(
    from state: IndexState,
    _ moments: Moments,
    _ entries: inout EntryChanger,
    _ progress: (Int) -> IterationStep
  ) throws(IndexExportError) -> Bool {
    let listing = moments.listing
    let gone = Set(state.segments.keys.filter { !segments.listed.contains($0) })
    var copies: Set<UInt32> = []
    for (number, segment) in state.segments
    where gone.contains(number) && liveEntries(in: number, state) > 0 {
      let copy = listing.information.first {
        $0.number > number && $0.covered.contains(segment.coversFrom)
      }
      guard let copy else { return false }
      copies.insert(copy.number)
    }
    for number in copies.sorted() {
      var failure: IndexExportError?
      try IndexExport.reading { () throws(StoreError) in
        try moments.earlier.forEachMovedPlace(in: number, of: listing, moments.namespaces) {
          (namespace, key, place) in
          do throws(IndexExportError) {
            try lead(key, in: namespace, to: place, from: gone, &entries)
            try report(update.movedRecordCount, to: progress)
            return .next
          } catch {
            failure = error
            return .stop
          }
        }
      }
      if let failure { throw failure }
    }
    for number in gone where liveEntries(in: number, state) != 0 {
      let finding = "entries name segment \(number), which is gone"
      throw .damagedIndex(path, finding: finding)
    }
    return true
  }

  private mutating func lead(
    _ key: RawSpan,
    in namespace: String?,
    to place: EntryPlace,
    from gone: Set<UInt32>,
    _ entries: inout EntryChanger
  ) throws(IndexExportError) {
    update.movedRecordCount += 1
    do throws(SQLiteError) {
      if let row = try entries.row(of: key, in: namespace), gone.contains(row.segment),
        row.sequence == place.location.sequence
      {
        try entries.set(key, in: namespace, to: place, replacing: row, counting: &segments)
      }
    } catch {
      throw IndexExportError(error, path: path)
    }
  }

  // MARK: Segments

  /// Rows that name a segment now.
  private func liveEntries(in number: UInt32, _ state: IndexState) -> Int {
    (state.segments[number]?.liveEntries ?? 0) + (segments.changes[number]?.entries ?? 0)
  }

  /// Removes the rows of segments that have left the journal, and that no entry names.
  private func removeSegments(
    of state: IndexState,
    from database: borrowing SQLiteConnection
  ) throws(IndexExportError) {
    let numbers = Set(state.segments.keys).union(segments.changes.keys)
    if let wrong = numbers.first(where: { liveEntries(in: $0, state) < 0 }) {
      throw .damagedIndex(path, finding: "segment \(wrong) counts too few entries")
    }
    try translating { () throws(SQLiteError) in
      let delete = try database.prepare(IndexSchema.deleteSegment)
      for number in numbers
      where !segments.listed.contains(number) && liveEntries(in: number, state) == 0 {
        delete.bind(Int64(number), at: 1)
        try delete.run()
      }
    }
  }

  // MARK: Helpers

  private func report(
    _ count: Int,
    to progress: (Int) -> IterationStep
  ) throws(IndexExportError) {
    guard count.isMultiple(of: IndexExport.progressInterval) else { return }
    if progress(count) == .stop { throw .stopped(path) }
  }

  private func translating<R: ~Copyable>(
    _ body: () throws(SQLiteError) -> R
  ) throws(IndexExportError) -> R {
    try IndexExport.translating(path, body)
  }
}
