// Compaction as a program asks for it, and as the store does it on its own.

internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// How far a ``Store/compact(progress:)`` is.
public struct CompactionProgress: Sendable, Equatable {
  /// Bytes of records that were copied so far.
  public var copiedBytes = 0
  /// Bytes that the file system got back so far.
  public var freedBytes = 0
  /// Segments that went so far.
  public var removedSegmentCount = 0
  /// Bytes that still might be given back.
  public var deadBytes = 0
}

extension Store {
  /// Gives back the space of everything that was overwritten or deleted.
  ///
  /// Works in steps of at most one segment. Readers are not held up; a writer waits for a fraction of
  /// a step at a time. It happens by itself in the background (see
  /// ``StoreOptions/compactsInBackground``), less thoroughly; call this when space matters now.
  ///
  /// - Parameter progress: gets what was done, after every step; false stops.
  /// - Returns: what was done.
  /// - Throws: ``StoreError/readOnly``, ``StoreError/full(_:)`` where not even the reserve has room
  ///   for a step, and what the medium says. Segments that can't be read are left as they are, and
  ///   the first such error is thrown at the end. What was done before stays.
  /// - Durability: everything committed before is durable on return.
  /// - Complexity: O(n) for the bytes of the segments that have something to give back.
  @discardableResult
  public func compact(
    progress: (CompactionProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> CompactionProgress {
    try compact(sealingAlways: false, progress: progress)
  }

  /// The same; also takes in the segment that is being written where that gives nothing back.
  @discardableResult
  package func compact(
    sealingAlways: Bool,
    progress: (CompactionProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> CompactionProgress {
    var done = CompactionProgress()
    var failure: StoreError?
    let policy = CompactionPolicy.thorough(maintenance.compactor.options)
    _ = try maintenance.sweepExpired(.everything)
    var isSwept = try sweepNamespaces()
    try sealActive(always: sealingAlways)
    while true {
      do throws(StoreError) {
        guard let step = try maintenance.step(policy) else {
          guard !isSwept, done.freedBytes > 0 else { break }
          // There is room for the deletes now.
          try maintenance.namespaceSweep.run { true }
          isSwept = true
          try sealActive(always: sealingAlways)
          continue
        }
        done.copiedBytes += step.copiedBytes
        done.freedBytes += step.freedBytes
        done.removedSegmentCount += step.sourceCount
      } catch {
        guard error.isDamage else { throw error }
        failure = failure ?? error
      }
      done.deadBytes = max(0, deadBytes)
      if !progress(done) { break }
    }
    try withWriter { (journal) throws(StoreError) in
      journal.discardPreparation()
      try journal.sync()
    }
    maintenance.imageForNextOpening()
    if let failure { throw failure }
    return done
  }

  /// Deletes what dropped namespaces have left; false where the medium is too full for that.
  private func sweepNamespaces() throws(StoreError) -> Bool {
    do throws(StoreError) { try maintenance.namespaceSweep.run { true } } catch {
      guard case .full = error else { throw error }
      return false
    }
    return true
  }

  /// Lets the segment that is being written be compacted too, where that is worth it.
  private func sealActive(always: Bool) throws(StoreError) {
    do throws(StoreError) {
      try withWriter { (journal) throws(StoreError) in
        try journal.sealForCompaction(always: always)
      }
    } catch {
      // Without room for another segment the others can still be compacted.
      guard case .full = error else { throw error }
    }
  }

  /// Bytes of records in sealed segments that the index does not point to.
  private var deadBytes: Int {
    let window = maintenance.compactor.window
    return map.recordEnds.enumerated().reduce(0) { (sum, item) in
      let (number, (segment, end)) = item
      guard let end, number < window.firstSegment else { return sum }
      return sum + end - SegmentField.journalStart - segment.usage.liveBytes
        - window.retainedBytes(in: segment)
    }
  }

  /// Makes room on a full medium.
  ///
  /// - Returns: whether anything was given back.
  @inline(never)
  func compactForRoom() -> Bool {
    let options = maintenance.compactor.options
    let wanted = SegmentSizing(options: options, liveBytes: map.liveBytes).usualLength
    var freed = 0
    // A step may only find out that there is nothing; the next one knows.
    while freed < wanted, let step = try? maintenance.step(.idle(options)) {
      freed += step.freedBytes
    }
    // The next opening takes longer, this write is done.
    if freed == 0 { freed = (try? maintenance.withImages { $0.remove() }) ?? 0 }
    return freed > 0
  }
}
