// What a follower makes of a write that it comes upon in the middle: the first word is there, and has been
// looked at, long before the rest is; so is the state of a mark. Nothing that is looked at will change when
// it is whole, so each read asks.

internal import JournalFormat
internal import PersistentMemory

extension JournalFollower {
  /// Whether a record or a mark is there in part.
  func isUnfinished(_ state: State) -> Bool {
    if let stop = state.stop, !stop.isMisplaced,
      JournalWatch.word(at: stop.offset, of: state.newest) != 0
    {
      return true
    }
    return watch.isMarkedFollowed
  }

  /// Whether what was there in part is whole now.
  ///
  /// - Complexity: O(bytes of the record).
  func isFinished(_ state: State) throws(StoreError) -> Bool {
    let segment = state.newest
    if let start = state.stop?.offset {
      // Only what is announced is read: without the handler for memory errors that is a copy.
      let lineEnd = min(start + RecordLimit.lineSize, segment.file.length)
      if try isWhole(start..<lineEnd, of: segment) { return true }
      if let end = try announcedEnd(start..<lineEnd, of: segment), end > lineEnd,
        try isWhole(start..<end, of: segment)
      {
        return true
      }
    }
    return try isMarkedFollowed(segment)
  }

  /// Whether a range begins with a record or a pad that is whole.
  private func isWhole(_ range: Range<Int>, of segment: MappedSegment) throws(StoreError) -> Bool {
    let (start, end) = (range.lowerBound, range.upperBound)
    return try reading(segment.file, 0..<end, from: start) { (bytes) in
      var reader = JournalReader(binding: segment.binding, from: start, limit: end)
      if case .invalid = reader.next(in: bytes) { return reader.offset != start }
      return true
    }
  }

  /// Where the record at the start of a range would end, if it is one and there is so much room.
  private func announcedEnd(
    _ range: Range<Int>,
    of segment: MappedSegment
  ) throws(StoreError) -> Int? {
    guard range.count >= RecordField.headerEnd else { return nil }
    let end = try reading(segment.file, 0..<range.upperBound, from: range.lowerBound) { (bytes) in
      RecordHeader(in: bytes, at: range.lowerBound).map { range.lowerBound + $0.shape.totalLength }
    }
    return end.flatMap { $0 <= segment.file.length ? $0 : nil }
  }
}
