// What a reader can do for the durability of what another process wrote: a flush reaches a line in any
// CPU's cache, and a sync of a file everything in it. Neither changes a byte.

internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

extension SegmentFile {
  /// Makes records durable that somebody else wrote.
  ///
  /// Only the newest segment needs it: what has a successor was made durable before that.
  ///
  /// - Parameters:
  ///   - range: where they stand.
  ///   - name: the segment's.
  ///   - directory: where it is.
  /// - Throws: what the medium says.
  /// - Durability: durable on return. One fence, or one device flush.
  func makeDurable(
    _ range: Range<Int>,
    named name: String,
    in directory: any StoreDirectory
  ) throws(MediumError) {
    guard isStaged else {
      let line = RecordLimit.lineSize
      let end = min(length, (range.upperBound + line - 1) / line * line)
      return try persist(range.lowerBound..<end, flushedFrom: end)
    }
    do throws(MediumError) { try directory.synchronizeSegment(named: name) } catch {
      // One that is gone was compacted, and before that made durable.
      guard error.cause == .noSuchFileOrDirectory else { throw error }
    }
  }
}
