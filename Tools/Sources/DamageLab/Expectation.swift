// What may be answered about an image, by computation from the layout of the sound store: which states
// may be shown, which keys are concerned, and whether the damage must be found.

internal import JournalFormat

/// What is right for one image.
struct Expectation {
  /// The states of which every answer must show one and the same.
  var states: [StoreState]
  /// Keys whose newest record has a changed byte.
  var damagedKeys: Set<ByteString> = []
  /// A record or a header of the history has changed, so there must be a finding.
  var mustBeFound = false
  /// Only bytes that mean nothing have changed, so everything must work.
  var mustBeSound = true
  /// The first changed byte's purpose, for the table.
  var region: Region?

  /// Computes what is right.
  ///
  /// - Parameters:
  ///   - damage: what was done.
  ///   - edits: the same, as changes of files.
  ///   - store: the sound store.
  init(_ damage: Damage, _ edits: [Edit], _ store: SampleStore) {
    states = [store.history.finalState]
    var touched: [[Range<Int>]] = Array(repeating: [], count: store.files.count)
    for edit in edits { Self.note(edit, store, &touched, &mustBeSound) }
    note(touched, store)
    permitUnfinishedWrite(touched, store)
    permitOtherHistories(damage, store)
  }

  /// Where bytes differ from the sound store's.
  private static func note(
    _ edit: Edit,
    _ store: SampleStore,
    _ touched: inout [[Range<Int>]],
    _ isOnlyBytes: inout Bool
  ) {
    func file(_ name: String) -> Int? { store.files.firstIndex { $0.name == name } }
    switch edit {
    case .write(let name, let offset, let bytes):
      guard let file = file(name) else { return }
      let original = store.files[file].contents
      var start: Int?
      for (index, byte) in bytes.enumerated() {
        let differs = byte != original[offset + index]
        if differs, start == nil { start = offset + index }
        if !differs, let first = start {
          touched[file].append(first..<offset + index)
          start = nil
        }
      }
      if let start { touched[file].append(start..<offset + bytes.count) }
    case .resize(let name, let length):
      isOnlyBytes = false
      guard let file = file(name) else { return }
      touched[file].append(length..<store.files[file].contents.count)
    case .replace(let name, _), .remove(let name):
      isOnlyBytes = false
      guard let file = file(name) else { return }
      touched[file].append(0..<store.files[file].contents.count)
    }
  }

  private mutating func note(_ touched: [[Range<Int>]], _ store: SampleStore) {
    let layout = store.layout
    var isHeaderTouched = Array(repeating: false, count: touched.count)
    for (file, ranges) in touched.enumerated() {
      for range in ranges {
        region = region ?? layout.region(file: file, offset: range.lowerBound)
        // No record can be told from another store's without its segment's header.
        if range.lowerBound < SegmentField.headerEnd { isHeaderTouched[file] = true }
        if mustBeSound, range.contains(where: { layout.region(file: file, offset: $0) != .free }) {
          mustBeSound = false
        }
      }
    }
    if isHeaderTouched.contains(true) { mustBeFound = true }
    for (number, record) in layout.records.enumerated() {
      let isTouched =
        isHeaderTouched[record.file] || touched[record.file].contains { $0.overlaps(record.range) }
      guard isTouched, record.kind == .put || record.kind == .delete else { continue }
      mustBeFound = true
      if layout.newest[record.key] == number { damagedKeys.insert(record.key) }
    }
  }

  /// Bytes of the newest segment that nothing behind them proves: changed ones look like an unfinished
  /// write, so any state from the first of them on may be shown, whatever else is damaged.
  private mutating func permitUnfinishedWrite(_ touched: [[Range<Int>]], _ store: SampleStore) {
    let newest = store.files.count - 1
    let mark = SegmentField.closeMark..<SegmentField.closeMark + CloseMarkField.markEnd
    func isTouched(_ range: Range<Int>) -> Bool { touched[newest].contains { $0.overlaps(range) } }
    // Beside a header that has changed, a torn end is no unfinished write.
    guard !isTouched(0..<SegmentField.headerEnd) else { return }
    let records = store.layout.records.filter { $0.file == newest }
    let lastBatch = records.last { $0.startsBatch && !isTouched($0.range) }?.range.lowerBound
    let markedEnd = isTouched(mark) ? nil : store.layout.markedEnds[newest]
    let proven = max(lastBatch ?? 0, markedEnd ?? 0, SegmentField.journalStart)
    let unproven = touched[newest].filter { $0.upperBound > proven }
    guard let first = unproven.map({ max($0.lowerBound, proven) }).min() else { return }
    // Transactions that are complete before the changed byte must be there.
    let lower = store.layout.records.last { record in
      record.file < newest || record.range.upperBound <= first
    }
    var certain = lower?.transactionsUpTo ?? 0
    // It may be the first part of a transaction whose rest has changed.
    if records.contains(where: {
      $0.transactionsUpTo == certain && $0.range.upperBound > first
        && ($0.kind == .put || $0.kind == .delete)
    }) {
      certain -= 1
    }
    states = Array(store.history.states[certain...])
    mustBeFound = touched.enumerated().contains { file, ranges in
      store.layout.records.contains { record in
        record.file == file && (file < newest || record.range.lowerBound < proven)
          && (record.kind == .put || record.kind == .delete)
          && ranges.contains { $0.overlaps(record.range) }
      }
    }
  }

  /// Files that are gone as if they had never been, and files of another history.
  private mutating func permitOtherHistories(_ damage: Damage, _ store: SampleStore) {
    switch damage {
    case .removeFiles(let mask):
      mustBeFound = mask != 0
    case .mixStores(let mask):
      // Whose store it is, most of its files say.
      guard 2 * mask.nonzeroBitCount >= store.files.count else { return }
      states += store.other?.history.states ?? []
      if mask.nonzeroBitCount == store.files.count { mustBeFound = false }
    case .olderFile(let snapshot, let file) where file == store.files.count - 1:
      // A sound store, as it was.
      states.append(store.history.states[store.earlier[snapshot].transactionCount])
      mustBeFound = false
    default: break
    }
  }
}
