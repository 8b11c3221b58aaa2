// Opens an image in every way and says what it holds, or what is wrong with it. Only a verdict that
// depends on nothing but the image: what the history allows at a moment is judged by the caller, so
// equal images are opened once.

internal import Fenceline
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// Something that a crash must never leave.
struct Violation: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// What a sound image holds.
struct ImageVerdict {
  /// Fingerprint of the contents; nil where there is no store.
  let contents: UInt64?
  /// The first sequence that a writer gives out after opening it.
  let nextSequence: UInt64
  /// Images of one kind promise the same from a second crash.
  let kind: UInt64
}

/// Opens images.
struct Oracle {
  let options: StoreOptions
  /// Every key that the history knows.
  let keys: Set<[UInt8]>

  /// What every opened image is given, to see that it takes new writes.
  private static let probeKey = Array("\u{1}probe".utf8)
  private static let probeValue = Array("still takes writes".utf8)

  func judge(_ image: CrashImage) throws(Violation) -> ImageVerdict {
    let report: VerificationReport
    do throws(StoreError) {
      report = try Store.verify(in: image.shared())
    } catch {
      guard case .noStore = error else { throw Violation("verify: \(error)") }
      try judgeMissing(image)
      return ImageVerdict(contents: nil, nextSequence: 1, kind: Mix.mix(UInt64(image.files.count)))
    }
    guard report.isSound else { throw Violation("verify finds \(report.findings)") }
    let contents = try naming("reading") { () throws(StoreError) in
      try read(try Store(readingIn: image.shared(), options: options))
    }
    if contents.count != report.keyCount {
      throw Violation("verify counts \(report.keyCount) keys, reading \(contents.count)")
    }
    let sequence = try naming("writing") { () throws(StoreError) in
      try judgeWriting(image, contents)
    }
    let fingerprint = History.fingerprint(of: contents)
    var kind = Mix.mix(fingerprint ^ UInt64(image.files.count))
    kind = Mix.mix(kind &+ (report.hasTornTail ? 1 : 0) &+ (report.isClosed ? 2 : 0))
    return ImageVerdict(contents: fingerprint, nextSequence: sequence, kind: kind)
  }

  /// Opened for writing: twice the same; new writes stay; incarnations and sequences only grow.
  private func judgeWriting(
    _ image: CrashImage,
    _ contents: StoreContents
  ) throws(StoreError) -> UInt64 {
    let before = newestHeader(image.files.map { ($0.name, $0.file.memory) })
    let directory = image.copied()
    // The first opening ends as a process does that dies at once.
    if try read(try Store(writingIn: directory, options: options)) != contents {
      throw violation("opening for writing shows other contents than reading")
    }
    let first = newestHeader(directory.files)
    let store = try Store(writingIn: directory, options: options)
    if try read(store) != contents { throw violation("a second opening shows other contents") }
    try check(before, first, "the first opening")
    try check(first, newestHeader(directory.files), "the second opening")
    try store.put(Self.probeKey, Self.probeValue, durability: .durable)
    // The first sequence of the first opening is what a lost transaction could have had. Where it
    // went on in the segment that was there, the probe shows it.
    let isContinued = first?.segmentID == before?.segmentID
    let sequence = isContinued ? try sequence(ofProbeIn: store) : first?.firstSequence ?? 0
    try store.close()
    let reopened = try Store(readingIn: directory, options: options)
    guard try read(reopened) == contents, try reopened.get(Self.probeKey) == Self.probeValue,
      try reopened.count == contents.count + 1
    else { throw violation("after new writes, a close and an opening, the contents differ") }
    return sequence
  }

  private func judgeMissing(_ image: CrashImage) throws(Violation) {
    try naming("creating again") { () throws(StoreError) in
      let directory = image.copied()
      let store = try Store(writingIn: directory, options: options)
      try store.put(Self.probeKey, Self.probeValue, durability: .durable)
      guard try store.count == 1 else { throw violation("a store appears from nothing") }
    }
  }

  /// Reads every key that may be there; the count says that there is no other.
  func read(_ store: Store) throws(StoreError) -> StoreContents {
    var contents: StoreContents = [:]
    for key in keys {
      if let value = try store.get(key) { contents[key] = value }
    }
    let hasProbe = try store.contains(Self.probeKey)
    let count = try store.count
    if count != contents.count + (hasProbe ? 1 : 0) {
      throw violation("\(count) keys, of which \(contents.count) are known")
    }
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
  private func newestHeader(_ files: [(name: String, memory: FileMemory)]) -> SegmentHeader? {
    let newest = files.filter { !$0.name.hasSuffix(FileSystemDirectory.unpublishedSuffix) }
      .max { $0.name < $1.name }
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
