// fenceline_statistics.

public import CFenceline
internal import Fenceline

/// Describes a store; see fenceline.h.
@c @implementation
public func fenceline_statistics(
  _ store: OpaquePointer?,
  _ statistics: UnsafeMutablePointer<fenceline_store_statistics>?
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  guard let statistics = unsafe statistics else {
    return invalidArgument("there is no place for the statistics: a null pointer")
  }
  let size = unsafe UnsafeRawPointer(statistics).load(as: Int.self)
  guard isStructureSize(size) else {
    return invalidArgument("the size is not that of a fenceline_store_statistics")
  }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      var known = unsafe fenceline_store_statistics(try store.statistics(), size: size)
      let target = unsafe UnsafeMutableRawBufferPointer(start: statistics, count: size)
      unsafe withUnsafeBytes(of: &known) { (source) in
        let common = min(source.count, size)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<common]))
        // What a later version adds has no value here.
        for index in common..<size { unsafe target[index] = 0 }
      }
      return .done
    } catch {
      return failure(error)
    }
  }
}

extension fenceline_store_statistics {
  fileprivate init(_ statistics: StoreStatistics, size: Int) {
    unsafe self.init(
      size: size,
      key_count: UInt64(statistics.keyCount),
      segment_count: UInt64(statistics.segmentCount),
      journal_capacity_in_bytes: UInt64(statistics.journalCapacityInBytes),
      allocated_bytes: UInt64(statistics.allocatedBytes),
      index_bytes: UInt64(statistics.indexBytes),
      damage_count: UInt64(statistics.damageCount),
      buffered_survival: UInt32(statistics.bufferedSurvival.rawValue),
      durable_survival: UInt32(statistics.durableSurvival.rawValue),
      is_forced: statistics.isForced ? 1 : 0,
      was_closed: statistics.wasClosed ? 1 : 0,
      had_torn_tail: statistics.hadTornTail ? 1 : 0,
      reserved: 0,
      medium: constant(statistics.medium),
      copy_policy: constant(statistics.copyPolicy),
      live_bytes: UInt64(statistics.space.liveBytes),
      dead_bytes: UInt64(statistics.space.deadBytes + statistics.space.retainedBytes),
      reserved_bytes: UInt64(statistics.space.reservedBytes),
      free_bytes: UInt64(statistics.space.freeBytes)
    )
  }
}

/// A word of the statistics as text that stays valid for ever.
private func constant(_ word: String) -> UnsafePointer<CChar> {
  let text: StaticString =
    switch word {
    case "persistentMemory": "persistentMemory"
    case "persistentMemoryWithFlushOnFailure": "persistentMemoryWithFlushOnFailure"
    case "file": "file"
    case "volatile": "volatile"
    case "strict": "strict"
    case "trusting": "trusting"
    case "plain": "plain"
    default: "unknown"
    }
  // SAFETY: literals of several characters are stored as text with a zero byte behind it.
  return unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
