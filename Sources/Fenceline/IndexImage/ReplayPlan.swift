// What of the journal has to be read beside an image, and how its records are taken.
//
//   segment                                       is read
//   named by the image, sealed before its start   not at all
//   the one that the image starts in              from there
//   named by the image, begun later               whole
//   not named: begun after the image              whole
//   not named: compacted after the image          whole; of what was current when the image was made, only
//                                                 keys that have no word (theirs led to a source)
//
// What the image says that segments hold was noted at its end. So what is read of the time before that end
// is counted only where the segment is not named.
//
// With the changes behind it an image is one of the moment at which they end: start and end are the same.

internal import CFlush
internal import JournalFormat
internal import PersistentMemory

/// How a journal is read beside an image.
struct ReplayPlan {
  /// How one segment is read.
  struct Share {
    /// Unit of its first byte, as the image has it; nil for any.
    var firstUnit: UInt64?
    /// From where it is read, or nil where it is not.
    var start: Int?
    /// No transaction from there on has a lower sequence.
    var lowestSequence: UInt64?
    /// The image names it, and what it held.
    var usage: IndexImageSegment?
    /// Bytes of its records to which words of the image lead; of one that it does not name.
    var liveBytes = 0
  }

  let header: IndexImageHeader
  /// Where segments begin that are there and that words may lead to, in units, by number.
  let firstUnits: [UInt32: UInt64]
  /// One for each member of the chain.
  let shares: [Share]
  /// Every segment that words of the image lead to is there.
  let isComplete: Bool
  /// What the image says that segments hold goes on being right with what is read.
  ///
  /// It does not where records of the time in which it was made may be gone: then a word may be of before
  /// that time.
  let countsHold: Bool
  /// From where the newest segment has to be read, although its records are known, because nothing that
  /// the changes know of need be durable; nil where there are none, for what the image knows of is.
  let unseen: (start: Int, lowestSequence: UInt64)?

  /// How a journal is read beside an image with the changes that lead on from it; nil where they are not
  /// of this journal.
  init?(_ image: IndexImage, _ changes: [ChangeFile], _ chain: SegmentChain) {
    let header = image.header(behind: changes)
    let segments = changes.last?.segments ?? image.segments
    self.header = header
    let members = chain.members
    guard header.storeID == members.first?.header.storeID else { return nil }
    var named: [UInt32: IndexImageSegment] = [:]
    for segment in segments { named[segment.segmentID] = segment }
    // Without the segment that a compaction was pointing keys to these have no word, and their records are
    // in segments that are not read.
    let isPartialThere = segments.filter(\.isPartial).allSatisfy { (row) in
      members.contains {
        $0.header.segmentID == row.segmentID && $0.header.identity == row.identity
      }
    }
    guard named.count == segments.count, isPartialThere || Mutant.adoptedUnmissed.isActive else {
      return nil
    }
    var shares: [Share] = []
    var count = 0
    let needed = segments.count { $0.end > 0 && !$0.isPartial }
    // Positions are bounded by what the store ever held at a time; memory is taken for all of them.
    let granuleCount = members.reduce(1024) { $0 + 16 * SegmentMap.granuleCount($1.file) }
    let mostUnits = UInt64(granuleCount) << SegmentMap.unitsPerGranuleShift
    for member in members {
      let id = member.header.segmentID
      let row = named[id].flatMap { $0.identity == member.header.identity ? $0 : nil }
      guard let segment = row, !segment.isPartial else {
        // It may be older than the image, beside a writer, in a copy of another moment, or because it was
        // not adopted yet: what it says of keys that have no word may be over then.
        let sequence = member.header.compaction?.through ?? member.header.firstSequence
        let isOlder = sequence < header.startSequence
        let isSure =
          member.isCompacted && sequence >= image.header.startSequence
          && Self.noneIsRemoved(behind: sequence, changes)
        guard !isOlder || isSure, (row?.firstUnit ?? 0) < mostUnits else { return nil }
        // Keys that were pointed there already stay as they are; the others are added.
        let partial = Mutant.adoptedForgotten.isActive ? nil : row
        var share = Share(firstUnit: partial?.firstUnit, start: SegmentField.journalStart)
        share.liveBytes = partial?.liveBytes ?? 0
        shares.append(share)
        continue
      }
      guard segment.firstUnit < mostUnits else { return nil }
      if segment.end > 0 { count += 1 }
      var share = Share(firstUnit: segment.firstUnit, usage: segment)
      if id == header.start.segment {
        guard header.start.offset >= SegmentField.journalStart,
          header.start.offset == segment.end,
          header.start.offset <= member.statedEnd ?? member.length
        else { return nil }
        share.start = header.start.offset
        share.lowestSequence = header.startSequence
        if Mutant.imageReplayLate.isActive, id == header.end.segment {
          (share.start, share.lowestSequence) = (header.end.offset, header.endSequence)
        }
      } else if segment.end == 0 {
        share.start = SegmentField.journalStart
      } else {
        guard segment.end == member.statedEnd else { return nil }
      }
      shares.append(share)
    }
    self.shares = shares
    var firstUnits: [UInt32: UInt64] = [:]
    for (member, share) in zip(members, shares) {
      firstUnits[member.header.segmentID] = share.firstUnit
    }
    self.firstUnits = firstUnits
    isComplete = count == needed
    let newest = members[members.count - 1].header
    let isImageEndThere = image.header.end.segment == newest.segmentID
    unseen =
      changes.isEmpty || shares.last?.usage == nil
      ? nil
      : isImageEndThere
        ? (image.header.end.offset, image.header.endSequence)
        : (SegmentField.journalStart, newest.firstSequence)
    let end = header.end.segment
    let isOrdered = header.start.segment <= end
    let made = isOrdered ? header.start.segment...end : 0...UInt32.max
    countsHold =
      header.startSequence == header.endSequence
      || !zip(members, shares).contains { (member, share) in
        member.isCompacted && share.usage == nil && member.header.covered.overlaps(made)
      }
  }

  /// Whether every key that had a word at a sequence has one.
  private static func noneIsRemoved(behind sequence: UInt64, _ changes: [ChangeFile]) -> Bool {
    changes.allSatisfy { $0.header.endSequence <= sequence || $0.header.removalCount == 0 }
      || Mutant.removalsIgnored.isActive
  }

  /// Whether the journal reaches the image's end.
  ///
  /// - Parameters:
  ///   - chain: the segments.
  ///   - acceptedEnds: where reading ended, for those that were read.
  /// - Returns: whether what the image knows of was found.
  func isReached(by chain: SegmentChain, _ acceptedEnds: [UInt32: Int]) -> Bool {
    if Mutant.imageEndUnchecked.isActive { return true }
    if let end = acceptedEnds[header.end.segment] { return end >= header.end.offset }
    // It was sealed and compacted since: that made it durable.
    return chain.members.contains {
      $0.isCompacted && $0.header.covered.contains(header.end.segment)
    }
  }
}

extension IndexImage {
  /// What an image of the moment at which `changes` end would say of itself, but for its words.
  fileprivate func header(behind changes: [ChangeFile]) -> IndexImageHeader {
    var header = header
    guard let last = changes.last?.header else { return header }
    (header.start, header.startSequence) = (last.end, last.endSequence)
    (header.end, header.endSequence) = (last.end, last.endSequence)
    header.journalBytes = last.journalBytes
    return header
  }
}
