// Opens an image in every way and says what it holds, or what is wrong with it. Only verdicts that
// depend on nothing but the image: what the history allows at a moment is judged by the caller, so
// equal images are opened once.

internal import Fenceline
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// What a reader finds in an image.
struct ImageVerdict: Equatable {
  /// Fingerprint of the contents; nil where there is no store.
  var contents: UInt64?
  var isClosed = false
  /// Fingerprints of what the store held at some moments that it says are whole; none where nobody asked.
  var pasts: [UInt64] = []
  /// What a writer will read of the image: where this is equal, it does the same.
  ///
  /// A writer sees the names, the first pages, and the journal up to the accepted end. Behind that
  /// end it reads nothing again: the next segment's header says so. Only behind a close record it
  /// goes on in the same segment, and there every byte counts.
  var recoveryClass: UInt64
}

/// Opens images.
struct Oracle {
  let options: StoreOptions
  let hardware: CrashHardware
  let stale: StaleContents
  /// Every key that the history knows.
  let keys: [[UInt8]]

  /// What every opened image is given, to see that it takes new writes.
  private static let probeKey = Array("\u{1}probe".utf8)
  private static let probeValue = Array("still takes writes".utf8)

  // MARK: Reading

  /// Opens the image for reading, which verifies all of it, and reads every key.
  func read(_ image: CrashImage) throws(Violation) -> ImageVerdict {
    let store: Store
    do throws(StoreError) {
      store = try Store(readingIn: image.directory(on: hardware), options: options)
    } catch {
      guard case .noStore = error else { throw Violation("opening for reading: \(error)") }
      return ImageVerdict(recoveryClass: fingerprint(of: image, upTo: []))
    }
    let (contents, report) = try read(store)
    if store.openedBesideImage { try readWithoutIndexImage(image, contents, report) }
    return ImageVerdict(
      contents: contents,
      isClosed: report.isClosed,
      pasts: try readPast(image, store, contents),
      recoveryClass: recoveryClass(of: image, store)
    )
  }

  /// One image of so many is asked for its past, where nothing of it is promised.
  private static let imagesWithoutPast: UInt64 = 4

  /// Reads the state behind the newest transaction, which is that of now, and some of those that the store
  /// says can be read, the oldest of what it promised to retain among them.
  ///
  /// - Returns: the fingerprints of the latter.
  private func readPast(
    _ image: CrashImage,
    _ store: Store,
    _ contents: UInt64
  ) throws(Violation) -> [UInt64] {
    let number = Mix.mix(image.fingerprint)
    let retained = store.oldestRetainedSequence(within: options.retainedJournalBytes)
    guard retained != nil || number % Self.imagesWithoutPast == 0 else { return [] }
    return try naming("reading the past") { () throws(StoreError) in
      let (oldest, newest) = store.readableSequences
      func pastContents(at sequence: UInt64) throws(StoreError) -> UInt64 {
        let past = try Store(
          readingIn: image.directory(on: hardware),
          asOf: sequence,
          options: options
        )
        return try fingerprint(of: past).0
      }
      if try pastContents(at: newest) != contents {
        throw violation("behind the newest transaction there is something else than now")
      }
      var pasts = [
        try pastContents(at: oldest + number / Self.imagesWithoutPast % (newest - oldest + 1))
      ]
      if let retained { pasts.append(try pastContents(at: retained)) }
      return pasts
    }
  }

  /// Reads every key of a store that was opened for reading.
  private func read(
    _ store: Store
  ) throws(Violation) -> (contents: UInt64, report: VerificationReport) {
    let report = store.verificationAtOpening
    guard report.isSound else { throw Violation("verify finds \(report.findings)") }
    let (contents, count) = try naming("reading") { () throws(StoreError) in
      try fingerprint(of: store)
    }
    // Behind a drop there are others, until they are deleted.
    let hasDropped = try naming("reading") { () throws(StoreError) -> Bool in
      try self.hasDropped(store)
    }
    guard let keyCount = report.keyCount, hasDropped ? count <= keyCount : count == keyCount else {
      throw Violation("\(String(describing: report.keyCount)) keys, of which \(count) are known")
    }
    return (contents, report)
  }

  /// Reads an image whose index image is gone: nothing else may be shown.
  private func readWithoutIndexImage(
    _ image: CrashImage,
    _ contents: UInt64,
    _ report: VerificationReport
  ) throws(Violation) {
    let rest = CrashImage(files: image.files.filter { !Store.isIndexFile($0.entry.name) })
    let store = try naming("opening without the index image") { () throws(StoreError) in
      try Store(readingIn: rest.directory(on: hardware), options: options)
    }
    let other = try read(store)
    guard other.contents == contents, other.report.keyCount == report.keyCount,
      other.report.isClosed == report.isClosed
    else { throw Violation("without the index image the contents are others") }
  }

  /// The class of an image that `store` was opened from.
  func recoveryClass(of image: CrashImage, _ store: Store) -> UInt64 {
    fingerprint(
      of: image,
      upTo: store.acceptedEnds,
      includingRest: store.verificationAtOpening.isClosed,
      includingIndexImage: store.openedBesideImage
    )
  }

  private func fingerprint(of store: Store) throws(StoreError) -> (UInt64, count: Int) {
    var sum: UInt64 = 0
    var count = 0
    for key in keys {
      guard let value = try ModelKey.value(of: key, in: store) else { continue }
      sum &+= History.share(of: unsafe key.span.bytes, unsafe value.span.bytes)
      count += ModelKey(key).storedCount
    }
    return (sum, count)
  }

  /// Whether a namespace was given a number and is gone.
  private func hasDropped(_ store: Store) throws(StoreError) -> Bool {
    let next = try store.namespaceNumber(of: nil)?.reduce(0) { $0 << 8 | Int($1) } ?? 1
    return try store.namespaces().count < next - 1
  }

  private func fingerprint(
    of image: CrashImage,
    upTo ends: [(name: String, end: Int)],
    includingRest: Bool = false,
    includingIndexImage: Bool = false
  ) -> UInt64 {
    var sum: UInt64 = includingRest ? 1 : 0
    for file in image.files {
      var end = ends.first { $0.name == file.entry.name }?.end ?? 0
      if includingRest && file.entry.name == ends.last?.name
        || includingIndexImage && Store.isIndexFile(file.entry.name)
      {
        end = file.entry.memory.length
      }
      let hash = file.entry.memory.withBytes { (bytes) in
        // One that is torn is as good as none.
        let isTorn =
          end > 0 && Store.isIndexFile(file.entry.name) && file.entry.name != Store.indexImageName
          && !Store.areIndexChangesSound(bytes)
        return Checksum.hash64(
          bytes.extracting(0..<(isTorn ? 0 : end)),
          seed: file.nameFingerprint
        )
      }
      sum &+= Mix.mix(hash)
    }
    return sum
  }

  // MARK: Writing

  /// Opens the image for writing: twice the same; new writes stay; incarnations and sequences only
  /// grow.
  ///
  /// - Returns: the first sequence that a writer gives out.
  func write(_ image: CrashImage, _ verdict: ImageVerdict) throws(Violation) -> UInt64 {
    try checkMissingNewest(of: image, verdict)
    let directory = image.directory(on: hardware, stale: stale)
    return try naming("writing") { () throws(StoreError) in
      guard let contents = verdict.contents else {
        try create(in: directory)
        return 1
      }
      return try goOn(in: directory, from: image, contents)
    }
  }

  /// Loses the newest segment: what was in it must be missed.
  private func checkMissingNewest(
    of image: CrashImage,
    _ verdict: ImageVerdict
  ) throws(Violation) {
    let segments = image.files.filter { SegmentName.id(of: $0.entry.name) != nil }
    guard verdict.contents != nil, segments.count > 1,
      let newest = segments.map(\.entry.name).max()
    else { return }
    let rest = CrashImage(files: image.files.filter { $0.entry.name != newest })
    guard let store = try? Store(readingIn: rest.directory(on: hardware), options: options),
      store.verificationAtOpening.isSound
    else { return }
    let contents = try naming("reading without the newest segment") { () throws(StoreError) in
      try fingerprint(of: store).0
    }
    if contents != verdict.contents {
      throw Violation("\(newest) holds what nothing misses once it is gone")
    }
  }

  private func goOn(
    in directory: SimulatedDirectory,
    from image: CrashImage,
    _ contents: UInt64
  ) throws(StoreError) -> UInt64 {
    let before = Self.newestHeader(image.files.map(\.entry))
    // The first opening ends as a process does that dies at once.
    if try fingerprint(of: try Store(writingIn: directory, options: options)).0 != contents {
      throw violation("opening for writing shows other contents than reading")
    }
    let first = Self.newestHeader(directory.entries)
    let store = try Store(writingIn: directory, options: options)
    if try fingerprint(of: store).0 != contents {
      throw violation("a second opening shows other contents")
    }
    try check(before, first, "the first opening")
    try check(first, Self.newestHeader(directory.entries), "the second opening")
    let count = try store.count
    try store.put(Self.probeKey, Self.probeValue, durability: .durable)
    // The first sequence of the first opening is what a lost transaction could have had. Where it
    // went on in the segment that was there, the probe shows it.
    let isContinued = first?.segmentID == before?.segmentID
    let sequence = isContinued ? try sequence(ofProbeIn: store) : first?.firstSequence ?? 0
    try store.close()
    let reopened = try Store(readingIn: directory, options: options)
    guard reopened.verificationAtOpening.isSound, try fingerprint(of: reopened).0 == contents,
      try reopened.get(Self.probeKey) == Self.probeValue, try reopened.count == count + 1
    else { throw violation("after new writes, a close and an opening, the contents differ") }
    return sequence
  }

  private func create(in directory: SimulatedDirectory) throws(StoreError) {
    let store = try Store(writingIn: directory, options: options)
    try store.put(Self.probeKey, Self.probeValue, durability: .durable)
    guard try store.count == 1 else { throw violation("a store appears from nothing") }
  }

  /// Reads every key that may be there; the count says that there is no other.
  func contents(of store: Store) throws(StoreError) -> StoreContents {
    var contents: StoreContents = [:]
    var known = 0
    for key in keys {
      guard let value = try ModelKey.value(of: key, in: store) else { continue }
      contents[key] = value
      switch ModelKey(key) {
      case .plain, .key: known += 1
      case .number, .nextNumber: break
      }
    }
    var count = try store.count
    for name in try store.namespaces() { count += try store.namespace(name).count }
    if count != known { throw violation("\(count) keys, of which \(known) are known") }
    return contents
  }

  private func sequence(ofProbeIn store: Store) throws(StoreError) -> UInt64 {
    var sequence: UInt64 = 0
    try store.forEach(prefix: Self.probeKey) { _, _, location in
      sequence = location.sequence
      return .stop
    }
    return sequence
  }

  /// The header of the segment with the highest number.
  static func newestHeader(_ entries: [SimulatedDirectory.Entry]) -> SegmentHeader? {
    let newest = entries.filter { SegmentName.id(of: $0.name) != nil }.max { $0.name < $1.name }
    return newest.flatMap { $0.memory.withBytes { SegmentHeader(decoding: $0) } }
  }

  private func check(
    _ before: SegmentHeader?,
    _ after: SegmentHeader?,
    _ what: String
  ) throws(StoreError) {
    guard let before, let after else { throw violation("\(what) leaves no segment") }
    if before == after { return }
    guard after.segmentID > before.segmentID, after.incarnation > before.incarnation,
      after.firstSequence >= before.firstSequence
    else { throw violation("\(what) goes back from \(before) to \(after)") }
  }

  /// A violation found among calls that throw the store's errors.
  private func violation(_ text: String) -> StoreError {
    .system(operation: text, path: "image", cause: .invalidArgument)
  }

  private func naming<R>(
    _ what: String,
    _ body: () throws(StoreError) -> R
  ) throws(Violation) -> R {
    do throws(StoreError) { return try body() } catch { throw Violation("\(what): \(error)") }
  }
}
