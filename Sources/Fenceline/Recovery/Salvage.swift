// What can be saved of a damaged store, and into a new one.
//
// The rules are those of reading beside damage, so nothing is kept that a get would not give:
//
//   kept    the newest whole record of a key, where nothing that was lost can have superseded it
//   held    a whole record that something lost may have superseded, by a put or by a delete: kept only where
//           older versions are wanted
//   lost    a key of which no whole record is there
//
// A whole record counts if its transaction was committed: it is complete, or something durable came behind
// it. Of a transaction that has lost records the others are kept, and its sequence is reported.
//
// Invariant: the damaged store is only read; the new one has its name once it is complete and durable.

internal import CFlush
internal import JournalFormat
package import PersistentMemory
public import SystemPackage

extension Store {
  /// Saves what can be saved of the store at `path` into a new one, or only says what that would be.
  ///
  /// Nothing in the old store is changed; the new one begins a history of its own.
  ///
  /// - Parameters:
  ///   - path: the store's directory.
  ///   - output: where the new store is to be; nothing may be there. Nil only reports.
  ///   - keepsOlderVersions: keeps of a key the newest version that is held, where a newer one or a delete
  ///     may have been lost: what was overwritten or removed may come back. So with the keys of a namespace
  ///     that may have been dropped.
  ///   - options: for both stores.
  ///   - progress: gets what is being done, how much of it is, and how much there is.
  ///   - visit: gets every key that is not kept, or not for certain its newest version, in no order.
  /// - Returns: what was kept, and what not.
  /// - Throws: ``StoreError/noStore(_:)``; of operation "mkdir" with `EEXIST` where something is at
  ///   `output`; what keeps the journal from being read at all; what writing gives. No new store is left
  ///   then.
  /// - Durability: the new store is durable on return, its name included.
  /// - Complexity: O(journal) to read, and the entries to write.
  public static func salvage(
    from path: FilePath,
    to output: FilePath?,
    keepingOlderVersions keepsOlderVersions: Bool = false,
    options: StoreOptions = StoreOptions(),
    progress: (SalvageStep, _ done: Int, _ all: Int) -> Void = { _, _, _ in },
    lost visit: (SalvageLoss) -> Void = { _ in }
  ) throws(StoreError) -> SalvageReport {
    let directory = try directoryToRead(path, options)
    // Before the long part.
    guard let output else {
      return try Salvage(directory, keepsOlderVersions, progress).run(into: nil, progress, visit)
    }
    var place = try translatingErrors { () throws(MediumError) in
      try DirectoryInTheMaking(for: output)
    }
    let salvage = try Salvage(directory, keepsOlderVersions, progress)
    let target = try Store.open(at: place.path, options: options)
    let report = try salvage.run(into: target, progress, visit)
    try target.close()
    do throws(MediumError) { try place.publish() } catch { throw StoreError(error) }
    return report
  }

  /// Saves what can be saved of a store in any kind of directory into one that is open and empty.
  package static func salvage(
    in directory: any StoreDirectory,
    into target: Store?,
    keepingOlderVersions keepsOlderVersions: Bool = false,
    lost visit: (SalvageLoss) -> Void = { _ in }
  ) throws(StoreError) -> SalvageReport {
    try Salvage(directory, keepsOlderVersions) { (_, _, _) in }
      .run(into: target, { (_, _, _) in }, visit)
  }
}

/// A damaged store that was read, and what to keep of it.
private struct Salvage {
  private let opening: JournalOpening
  private let directory: any StoreDirectory
  private let keepsOlderVersions: Bool
  /// What has ended by now is neither kept nor lost.
  private let present = Moment(milliseconds: Clock.wallMilliseconds())

  init(
    _ directory: any StoreDirectory,
    _ keepsOlderVersions: Bool,
    _ progress: (SalvageStep, Int, Int) -> Void
  ) throws(StoreError) {
    self.directory = directory
    self.keepsOlderVersions = keepsOlderVersions
    opening = try JournalOpening.read(directory) { progress(.reading, $0, $1) }
    guard !opening.isEmpty else { throw opening.absence(in: directory) }
  }

  /// Goes through all keys.
  func run(
    into target: Store?,
    _ progress: (SalvageStep, Int, Int) -> Void,
    _ visit: (SalvageLoss) -> Void
  ) throws(StoreError) -> SalvageReport {
    var report = SalvageReport(verification: VerificationReport(opening, of: directory))
    var units: [UInt64] = []
    opening.index.forEachUnit { units.append($0) }
    var seenMarks: Set<UInt16> = []
    var namespaces = SalvagedNamespaces(of: opening, units)
    if let target {
      for name in namespaces.soundNames { try target.createNamespace(name) }
    }
    for (number, unit) in units.enumerated() {
      try keep(unit, of: &namespaces, in: target, &report, &seenMarks, visit)
      if number.isMultiple(of: 4096) { progress(.keeping, number, units.count) }
    }
    countUnread(&namespaces, &report, &seenMarks, visit)
    report.incompleteTransactions = Set(
      opening.damage.flatMap { $0.salvaged.map(\.sequence) }
    ).sorted()
    return report
  }

  /// Decides about one record, and writes it.
  private func keep(
    _ unit: UInt64,
    of namespaces: inout SalvagedNamespaces,
    in target: Store?,
    _ report: inout SalvageReport,
    _ seenMarks: inout Set<UInt16>,
    _ visit: (SalvageLoss) -> Void
  ) throws(StoreError) {
    var failure: StoreError?
    do throws(StoreError) {
      try opening.map.withRecord(at: unit) { (record, bytes) in
        let keyCheck = record.keyCheck
        seenMarks.insert(DigestEntry.mark(keyCheck))
        let stored = bytes.extracting(record.keyRange)
        guard let place = namespaces.place(of: stored), present.shows(record, bytes) else { return }
        let key = stored.extracting(droppingFirst: place.headLength)
        let doubt = opening.damage.first {
          $0.concerns(keyCheck: keyCheck, sequence: record.sequence)
        }
        if let cause = doubt?.error ?? place.doubt {
          visit(
            SalvageLoss(
              namespace: place.name,
              key: Array(copying: key),
              heldSequence: record.sequence,
              isKept: keepsOlderVersions,
              cause: cause
            )
          )
          guard keepsOlderVersions else {
            report.lostCount += 1
            return
          }
          report.olderCount += 1
        } else {
          report.keptCount += 1
        }
        do throws(StoreError) {
          let value = bytes.extracting(record.valueRange)
          try target?.put(key, value, record.expiry(in: bytes), inNamespace: place.name)
        } catch {
          failure = error
        }
      }
    } catch {
      // It was whole a moment ago.
      guard error.isDamage else { throw error }
      report.unnamedCount = nil
    }
    if let failure { throw failure }
  }

  /// Takes account of keys of which nothing is held.
  private func countUnread(
    _ namespaces: inout SalvagedNamespaces,
    _ report: inout SalvageReport,
    _ seenMarks: inout Set<UInt16>,
    _ visit: (SalvageLoss) -> Void
  ) {
    var missing: [[UInt8]: (record: DamagedRecord, cause: StoreError)] = [:]
    for damage in opening.damage {
      for record in damage.damagedRecords {
        seenMarks.insert(DigestEntry.mark(Checksum.keyCheck(unsafe record.key.span.bytes)))
        guard !isHeld(record.key) else { continue }
        let known = missing[record.key]?.record.sequence ?? 0
        if record.sequence >= known { missing[record.key] = (record, damage.error) }
      }
    }
    let removals = removals(of: missing.keys)
    let soundNames = Set(namespaces.soundNames)
    var doubtfulNames: Set<String> = []
    let inOrder = missing.sorted { $0.value.record.sequence < $1.value.record.sequence }
    for (key, (record, cause)) in inOrder
    where !record.isDelete {
      // A whole delete came later: nothing of the key is lost.
      if removals[key] ?? 0 > record.sequence { continue }
      let stored = unsafe key.span.bytes
      if let place = namespaces.place(of: stored) {
        report.lostCount += 1
        visit(
          SalvageLoss(
            namespace: place.name,
            key: Array(key.dropFirst(place.headLength)),
            heldSequence: nil,
            isKept: false,
            cause: cause
          )
        )
      } else if StoredKey.isOfCatalogue(stored), let name = NamespaceCatalogue.name(in: stored),
        !soundNames.contains(name)
      {
        doubtfulNames.insert(name)
      }
    }
    // Behind the keys, for some namespaces are known by lost ones only.
    report.doubtfulNamespaces = doubtfulNames.union(namespaces.doubtfulNames).sorted()
    var unnamed: Set<UInt16> = []
    for damage in opening.damage {
      switch damage.lostKeys {
      case .none: break
      case .any: report.unnamedCount = nil
      case .marked(let marks): unnamed.formUnion(marks.keys.filter { !seenMarks.contains($0) })
      }
    }
    report.unnamedCount = report.unnamedCount.map { $0 + unnamed.count }
  }

  /// Whether a whole record of the key is there.
  private func isHeld(_ key: [UInt8]) -> Bool {
    let key = unsafe key.span.bytes
    let hash = Checksum.hash64(key, seed: opening.hashSeed)
    return opening.index.search(hash) { opening.map.surelyHasKey(key, at: $0) }
  }

  /// The newest whole deletes of keys, by their sequences.
  ///
  /// - Complexity: O(journal), unless there are no keys.
  private func removals(of keys: some Collection<[UInt8]>) -> [[UInt8]: UInt64] {
    guard !keys.isEmpty else { return [:] }
    var hashes: [UInt64: [[UInt8]]] = [:]
    for key in keys {
      let hash = Checksum.hash64(unsafe key.span.bytes, seed: opening.hashSeed)
      hashes[hash, default: []].append(key)
    }
    var removals: [[UInt8]: UInt64] = [:]
    for segment in opening.map.segments {
      let id = segment.header.segmentID
      guard let member = opening.chain.members.first(where: { $0.header.segmentID == id }) else {
        continue
      }
      let found = SegmentRecovery(of: member, SegmentReading(hashSeed: opening.hashSeed))
      for entry in found.entries.all where entry.isDelete {
        let unit = segment.unit(at: entry.offset)
        for key in hashes[entry.hash] ?? []
        where opening.map.surelyHasKey(unsafe key.span.bytes, at: unit) {
          removals[key] = max(removals[key] ?? 0, opening.map.sequence(at: unit))
        }
      }
    }
    return removals
  }
}

extension Store {
  /// Gives a key a value in a namespace that is created where it is missing; nil: in the default one.
  fileprivate func put(
    _ key: RawSpan,
    _ value: RawSpan,
    _ expiry: Expiry?,
    inNamespace name: String?
  ) throws(StoreError) {
    if let name {
      try namespace(name, creatingIfMissing: true).put(key, value, expiry: expiry)
    } else if let expiry {
      try put(key, value, expiry: expiry)
    } else {
      try put(key, value)
    }
  }
}
