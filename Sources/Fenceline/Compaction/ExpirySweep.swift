// Removes what has expired, by ordinary deletes: snapshots, readers, images, feeds and compactions take them
// as they take any other. Only segments whose header says so have such records.
//
//   look through   a segment, beside writers, without a lock: which of its records the index points to expire,
//                  and when
//   remove         those whose time has come, a few under one hold of the write lock
//   come back      when a part of it that is worth it will have expired
//
// A crash between loses deletes, and the next sweep finds the same records again.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory
internal import Synchronization

/// Looks for expired records; the caller sees to it that one sweep runs at a time.
struct ExpirySweep: Sendable {
  let update: IndexUpdate
  let clock: ExpiryClock
  let hashSeed: UInt64
  let writer: WriterAccess

  private var map: SegmentMap { update.map }
  private var index: HashIndex { update.index }

  /// How much is looked at.
  enum Scope {
    /// Sealed segments that are worth it.
    case sealed
    /// All that are worth it.
    case all
    /// All that have anything that expires.
    case everything
  }

  /// Keys that are removed in one transaction.
  private static let keysPerHold = 64
  /// A segment is looked through again when this part of its expiring bytes has expired.
  private static let worthwhilePart = 8
  /// Segments are not looked through more often.
  private static let shortestPause: UInt64 = 1000

  /// A record that the index points to and that expires.
  private struct Expiring {
    let unit: UInt64
    let expiry: Expiry
    let length: Int
  }

  /// Removes what has expired.
  ///
  /// - Parameter scope: where.
  /// - Returns: keys that were removed; on a full medium as many as there was room for.
  /// - Throws: what else keeps a delete from being written; the next sweep tries again. Segments that can't be
  ///   read are passed over.
  @discardableResult
  func run(_ scope: Scope) throws(StoreError) -> Int {
    guard nextDue != nil else { return 0 }
    var count = 0
    let now = clock.now
    let stretches = map.committedStretches()
    for stretch in scope == .sealed ? stretches.dropLast() : stretches[...] {
      let usage = stretch.segment.usage
      guard let due = usage.nextExpirySweep, scope == .everything || now.hasReached(due) else {
        continue
      }
      // Before it is read: what is put meanwhile is noted behind that.
      usage.noteNothingExpires()
      guard let found = lookThrough(stretch) else { continue }
      if let next = nextSweep(of: found, behind: now) { usage.note(next) }
      let expired = found.filter { now.hasReached($0.expiry) }
      let before = count
      do throws(StoreError) { try remove(expired, counting: &count) } catch {
        // At once where something was done: a compaction may have made room by then.
        let pause = count > before ? 0 : Self.shortestPause
        usage.note(Expiry(millisecondsSince1970: now.milliseconds + pause))
        guard case .full = error else { throw error }
        return count
      }
    }
    return count
  }

  /// When the next sweep is worth it; nil where nothing expires.
  var nextDue: Expiry? {
    map.segments.compactMap(\.usage.nextExpirySweep)
      .min { $0.millisecondsSince1970 < $1.millisecondsSince1970 }
  }

  /// Finds what expires in a segment; nil where it can't be read.
  private func lookThrough(_ stretch: JournalStretch) -> [Expiring]? {
    let ticket = update.epochs.enter()
    defer { update.epochs.leave(ticket) }
    var found: [Expiring] = []
    do throws(StoreError) {
      try map.forEachHeader(in: stretch) { (unit, header) throws(StoreError) in
        guard header.kind == .put, header.flags.contains(.expiry) else { return .next }
        guard isCurrent(unit) else { return .next }
        let expiry = try map.withRecord(at: unit) { (record, bytes) in record.expiry(in: bytes) }
        if let expiry {
          found.append(Expiring(unit: unit, expiry: expiry, length: header.shape.totalLength))
        }
        return .next
      }
      return found
    } catch {
      return nil
    }
  }

  private func isCurrent(_ unit: UInt64) -> Bool {
    let hash = map.withUnverifiedKey(at: unit) { Checksum.hash64($0, seed: hashSeed) }
    return index.search(hash) { $0 == unit }
  }

  /// When a part of what is left will have expired that is worth another look, or all of it.
  private func nextSweep(of found: [Expiring], behind now: Moment) -> Expiry? {
    let left = found.filter { !now.hasReached($0.expiry) }
      .sorted { $0.expiry.millisecondsSince1970 < $1.expiry.millisecondsSince1970 }
    let worthwhile = left.reduce(0) { $0 + $1.length } / Self.worthwhilePart
    var length = 0
    for record in left {
      length += record.length
      if length >= worthwhile {
        let earliest = now.milliseconds + Self.shortestPause
        return Expiry(millisecondsSince1970: max(record.expiry.millisecondsSince1970, earliest))
      }
    }
    return nil
  }

  /// What must not be: keys that are gone as long as the process lives.
  private func forget(_ batch: borrowing WriteBatch) {
    batch.forEachFinal { (hash, _, key, _, _) in
      let place = unsafe index.locate(hash) { map.surelyHasKey(key, at: $0) }
      let old = unsafe place.unit
      unsafe index.remove(place, hash)
      map.countDead(old)
    }
  }

  private func remove(_ expired: [Expiring], counting count: inout Int) throws(StoreError) {
    var (start, shareSize) = (0, Self.keysPerHold)
    while start < expired.count {
      let share = expired[start..<min(expired.count, start + shareSize)]
      do throws(StoreError) {
        count += try removeTogether(share)
        start = share.endIndex
      } catch {
        // What is kept for deletes on a full medium may have room for fewer.
        guard case .full = error, shareSize > 1 else { throw error }
        shareSize /= 4
      }
    }
  }

  /// Removes a share of what has expired, in one transaction.
  private func removeTogether(_ share: ArraySlice<Expiring>) throws(StoreError) -> Int {
    try writer.withWriter { (journal) throws(StoreError) in
      try journal.checkUsable()
      var batch = WriteBatch()
      // It may have been superseded, or moved, since.
      for record in share where isCurrent(record.unit) {
        try map.withRecord(at: record.unit) { (record, bytes) throws(StoreError) in
          let key = bytes.extracting(record.keyRange)
          guard batch.makeRoom(for: key.byteCount) else { throw .noMemory(for: update.path) }
          let hash = Checksum.hash64(key, seed: hashSeed)
          batch.add(.delete, key: key, value: RawSpan(), hash: hash)
        }
      }
      let count = batch.finalCount
      if Mutant.expiredForgotten.isActive {
        forget(batch)
        return count
      }
      try update.commit(batch, to: &journal, durability: .buffered)
      return count
    }
  }
}
