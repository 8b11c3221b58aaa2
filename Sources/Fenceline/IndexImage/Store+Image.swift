// Reads of a handle that looks keys up in an image, and images as the store writes them.

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

extension Store {
  /// Name of the index image's file.
  package static let indexImageName = IndexImage.fileName

  /// Name of a file of changes behind it, by number.
  package static func indexChangesName(of number: UInt32) -> String { ChangeFile.name(of: number) }

  /// Finds and verifies the newest record of `key` while an image is in use.
  ///
  /// The caller holds a reader's ticket.
  @inline(never)
  func withRecordBesideImage<R>(
    forKey key: RawSpan,
    hash: UInt64,
    _ body: (JournalRecord, RawSpan) -> R
  ) throws(StoreError) -> R? {
    let faults = MemoryErrors.count
    while true {
      var failure: StoreError?
      let unit = unit(ofKey: key, hash, &failure)
      guard let unit else {
        // A page that does not hold; a reader beside it may already have seen to that.
        guard index.usesImage else { return try withRecord(forKey: key, hash: hash, body) }
        follower?.replaceImage()
        guard !index.usesImage else { throw .damagedIndexImage(in: path) }
        continue
      }
      // It may have been moved into the table, and deleted there, behind the look at the table.
      if !index.usesImage { return try withRecord(forKey: key, hash: hash, body) }
      if unit == 0 {
        if MemoryErrors.count != faults { try checkMedia() }
        if let failure { throw failure }
        return nil
      }
      return try map.withRecord(at: unit) { (record, bytes) in
        shows(record, bytes) ? body(record, bytes) : nil
      }
    }
  }

  /// The position of a key's newest record, a delete perhaps; 0 where there is none, and nil where the page
  /// that would know does not hold.
  private func unit(
    ofKey key: RawSpan,
    _ hash: UInt64,
    _ failure: inout StoreError?
  ) -> UInt64? {
    var found: UInt64 = 0
    var fault: StoreError?
    defer { failure = fault }
    if index.search(hash, { take($0, ofKey: key, &found, &fault) }) { return found }
    // What can't be read may be newer than what the image has.
    if fault != nil { return 0 }
    guard let image = index.image else { return found }
    let answer = image.search(hash) { take($0, ofKey: key, &found, &fault) }
    return answer == .damaged ? nil : found
  }

  private func take(
    _ unit: UInt64,
    ofKey key: RawSpan,
    _ found: inout UInt64,
    _ fault: inout StoreError?
  ) -> Bool {
    do throws(StoreError) {
      guard try map.hasKey(key, at: unit) else { return false }
      found = unit
      return true
    } catch {
      fault = fault ?? error
      return false
    }
  }

  /// Writes an index image now, whatever the options say.
  ///
  /// - Parameter meanwhile: runs when half of the words were read.
  /// - Throws: ``StoreError/readOnly``, ``StoreError/closed``, or what the medium says.
  package func writeIndexImage(
    meanwhile: () throws(StoreError) -> Void = {}
  ) throws(StoreError) {
    try checkOpen()
    guard !isReadOnly else { throw .readOnly }
    try maintenance.withImages { (images) throws(StoreError) in
      try images.write(meanwhile: meanwhile)
    }
  }

  /// Writes what was changed behind the index image now.
  ///
  /// - Throws: ``StoreError/closed``, ``StoreError/poisoned``.
  package func writeIndexChanges() throws(StoreError) {
    try maintenance.withImages { (images) throws(StoreError) in
      try images.imager.changes.write()
    }
  }

  /// Compacts some segments.
  ///
  /// - Parameter meanwhile: runs now and then, while nobody holds a lock that it could need.
  /// - Returns: whether there was something to compact.
  /// - Throws: as ``compact(progress:)``.
  package func compactSome(meanwhile: () -> Void) throws(StoreError) -> Bool {
    try maintenance.withImages { (images) throws(StoreError) in
      let compactor = maintenance.compactor
      let policy = CompactionPolicy.thorough(compactor.options)
      let step = try compactor.step(policy, sparing: images.segmentsOfMaking) {
        meanwhile()
        images.noteChanges()
      }
      return step != nil
    }
  }

  /// Whether an opening may make use of a file of changes with these bytes.
  package static func areIndexChangesSound(_ bytes: RawSpan) -> Bool {
    ChangeFile.verified(bytes) != nil
  }

  /// Whether a file of a store only helps to open it.
  package static func isIndexFile(_ name: String) -> Bool {
    name == IndexImage.fileName || ChangeFile.number(of: name) != nil
  }
}

extension StoreError {
  /// A page of the image in the store at `path` does not hold, and the journal can't be read instead.
  static func damagedIndexImage(in path: FilePath) -> StoreError {
    .corrupt(file: path.appending(IndexImage.fileName), offset: 0, cause: .indexImage)
  }

  /// The image beside the segment at `path` has a position at which nothing is.
  static func misleadingIndexImage(besides path: FilePath?) -> StoreError {
    let directory = path?.removingLastComponent() ?? FilePath()
    return .corrupt(
      file: directory.appending(IndexImage.fileName),
      offset: 0,
      cause: .indexPosition
    )
  }
}
