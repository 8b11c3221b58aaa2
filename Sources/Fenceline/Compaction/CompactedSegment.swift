// Writes a compacted segment: the records of a plan, a seal, the digest, and at last the header. The
// file has no name that anyone reads until all of it is durable.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// A compacted segment in the making.
struct CompactedSegment {
  let file: SegmentFile
  private(set) var header: SegmentHeader
  /// Where each copy stands, in the plan's order.
  private(set) var offsets: [Int] = []
  private let binding: SegmentBinding
  private var tail = SegmentField.journalStart

  /// Bytes that are written back at a time, so that no flush is long.
  private static let stretch = 1 << 20

  /// Bytes of a file for a plan.
  static func length(of plan: CompactionPlan, digestLength: Int) -> Int {
    let pageSize = SegmentField.journalStart
    let used = pageSize + plan.recordBytes + RecordLimit.smallestRecord + digestLength
    return (used + pageSize - 1) / pageSize * pageSize
  }

  /// Starts a segment in `file`.
  ///
  /// - Parameters:
  ///   - file: fresh, ready for appends.
  ///   - segmentID: its number.
  ///   - storeID: the store's.
  ///   - plan: what it will hold.
  ///   - createdAt: nanoseconds since 1970.
  init(
    in file: SegmentFile,
    _ segmentID: UInt32,
    _ storeID: StoreID,
    _ plan: CompactionPlan,
    createdAt: UInt64
  ) {
    self.file = file
    let first = plan.sources[0].header
    let last = plan.sources[plan.sources.count - 1].header
    header = SegmentHeader(
      storeID: storeID,
      segmentID: segmentID,
      predecessorID: first.predecessorID,
      incarnation: last.incarnation,
      capacity: file.length,
      firstSequence: first.firstSequence,
      predecessorEnd: first.predecessorEnd,
      createdAt: createdAt
    )
    header.requiredFeatures = SegmentHeader.compactedFeature
    if plan.retainedBytes > 0 { header.requiredFeatures |= SegmentHeader.retainingFeature }
    header.mayExpire = plan.mayExpire
    header.compaction = SegmentHeader.Compaction(
      covered: first.covered.lowerBound...last.covered.upperBound,
      end: 0,
      through: plan.through,
      historyFrom: plan.historyFrom ?? 0,
      retainedBytes: plan.retainedBytes,
      digestLength: 0,
      digestChecksum: 0
    )
    binding = SegmentBinding(header)
    offsets.reserveCapacity(plan.kept.count)
  }

  /// Copies the plan's records, each of which is verified once more.
  ///
  /// - Parameters:
  ///   - plan: what to copy.
  ///   - map: the store's.
  ///   - pause: called now and then.
  /// - Throws: what is wrong with a source, or what the medium says.
  mutating func copy(
    _ plan: CompactionPlan,
    from map: SegmentMap,
    pause: () -> Void
  ) throws(StoreError) {
    var durableEnd = tail
    for number in plan.kept.indices {
      let kept = plan.kept[number]
      let source = map.header(at: kept.unit)
      let flags = plan.flags(ofKept: number, source)
      var fields = RecordFields()
      if flags.contains(.transactionCount) {
        fields.transactionCount = plan.transactionCount(ofKept: number)
      }
      fields.wideSequence = kept.sequence
      let header = RecordHeader(
        kind: kept.isDelete ? .delete : .put,
        flags: flags,
        keyLength: source.keyLength,
        valueLength: source.valueLength,
        sequenceOffset: UInt32(truncatingIfNeeded: kept.sequence - binding.firstSequence),
        keyCheck: source.keyCheck
      )
      let (file, tail, binding) = (file, tail, binding)
      let length = try map.withRecord(at: kept.unit) { (record, bytes) in
        fields.expiry = record.fields(in: bytes).expiry
        return RecordEncoder(header: header, fields: fields, offset: tail, binding: binding)
          .writeAny(
            key: bytes.extracting(record.keyRange),
            value: bytes.extracting(record.valueRange),
            to: file
          )
      }
      guard length == kept.length else {
        throw .corrupt(file: file.path, offset: tail, cause: .recordBody)
      }
      offsets.append(tail)
      self.tail += length
      if self.tail - durableEnd >= Self.stretch {
        durableEnd = try writeBehind(durableEnd..<self.tail)
        pause()
      }
    }
    writeSeal(behind: plan)
    try finish(plan.digest.encoded(), from: durableEnd)
  }

  private func writeBehind(_ range: Range<Int>) throws(StoreError) -> Int {
    try translatingErrors { () throws(MediumError) in
      try file.writeBehind(range) ?? range.lowerBound
    }
  }

  private mutating func writeSeal(behind plan: CompactionPlan) {
    let sequence = plan.kept.last.map { $0.sequence + 1 } ?? binding.firstSequence
    let distance = sequence - binding.firstSequence
    let isWide = distance > UInt64(UInt32.max)
    let header = RecordHeader(
      kind: .seal,
      flags: isWide ? .wideSequence : [],
      keyLength: 0,
      valueLength: 0,
      sequenceOffset: UInt32(truncatingIfNeeded: distance),
      keyCheck: Checksum.keyCheck(RawSpan())
    )
    var fields = RecordFields()
    fields.wideSequence = sequence
    let record = RecordEncoder(header: header, fields: fields, offset: tail, binding: binding)
    tail += record.writeAny(key: RawSpan(), value: RawSpan(), to: file)
  }

  /// Writes the digest and starts to make everything durable; complete behind the header.
  private mutating func finish(_ digest: [UInt8], from durableEnd: Int) throws(StoreError) {
    let bytes = unsafe digest.span.bytes
    file.store(bytes, at: tail)
    header.compaction?.end = tail
    header.compaction?.digestLength = bytes.byteCount
    header.compaction?.digestChecksum = Checksum.crc32c(bytes, continuing: binding.seed)
    let line = RecordLimit.lineSize
    let end = (tail + bytes.byteCount + line - 1) / line * line
    let file = file
    if Mutant.compactedUnpersisted.isActive { return }
    try translatingErrors { () throws(MediumError) in
      try file.beginPersisting(durableEnd..<end, synchronizing: false)
    }
  }

  /// Gives the segment its header and its name.
  ///
  /// - Parameters:
  ///   - directory: the store's.
  ///   - synchronize: makes the directory's names durable.
  /// - Throws: what the medium says, or what `synchronize` throws: then the name is there.
  /// - Durability: durable on return, name included.
  func publish(
    in directory: any StoreDirectory,
    synchronize: () throws(StoreError) -> Void
  ) throws(StoreError) {
    let name = SegmentName.name(of: header.segmentID)
    try translatingErrors { () throws(MediumError) in
      if !Mutant.compactedHeaderLate.isActive { try SegmentEncoder.writeHeader(header, to: file) }
      try directory.publishSegment(named: name)
    }
    if !Mutant.compactedNameUnsynced.isActive { try synchronize() }
    if Mutant.compactedHeaderLate.isActive {
      try translatingErrors { () throws(MediumError) in
        try SegmentEncoder.writeHeader(header, to: file)
      }
    }
    file.settle(at: file.length)
    file.releaseStage()
  }
}

extension RecordEncoder {
  /// Writes a record of any length through the cache.
  ///
  /// - Returns: its bytes, or 0 where a long value could not be copied whole.
  fileprivate func writeAny(key: RawSpan, value: RawSpan, to file: SegmentFile) -> Int {
    header.flags.contains(.chunkChecksums)
      ? writeChunked(key: key, value: value, endsBatch: false, to: file)
      : write(key: key, value: value, flushed: false, endsBatch: false, to: file)
  }
}

extension SegmentMap {
  /// The header of a record that was verified, or stands in an image.
  func header(at unit: UInt64) -> RecordHeader {
    unsafe withSegment(of: unit) { (_, offset, bytes) in
      guard offset <= bytes.byteCount - RecordField.headerEnd,
        let header = RecordHeader(in: bytes, at: offset)
      else {
        // Its page was lost since; the copy will not match.
        return RecordHeader(
          kind: .delete,
          flags: [],
          keyLength: 0,
          valueLength: 0,
          sequenceOffset: 0,
          keyCheck: 0
        )
      }
      return header
    }
  }
}
