// A whole directory of any bytes: opened for reading twice, verified, opened for writing, written to,
// compacted, imaged, closed and opened again. What the first reading shows is what everything else must
// show, and an error is only one that says which bytes are wrong.

internal import CrashLab
internal import Fenceline

enum StoreTarget {
  static func check(_ input: FuzzInput) throws(FuzzFinding) {
    let files = input.sealedFiles()
    let directory = FuzzDirectory(files, onDisk: input.options.contains(.isOnDisk))
    try check(directory, JournalContents(of: files))
  }

  /// - Parameters:
  ///   - directory: the files.
  ///   - contents: what stands in them.
  /// - Throws: an answer that no bytes may cause.
  static func check(
    _ directory: FuzzDirectory,
    _ contents: JournalContents
  ) throws(FuzzFinding) {
    let reading = try read(directory, contents.keys, mayBeMisled: directory.hasIndex)
    guard try read(directory, contents.keys, mayBeMisled: directory.hasIndex) == reading else {
      throw FuzzFinding("the second reading gives other answers than the first")
    }
    for (key, value) in reading?.entries ?? [:] where !contents.holds(key, value) {
      throw FuzzFinding("\(key) has a value that stands nowhere")
    }
    let isSound = try verify(directory)
    // What checks a lying image are the words that it has.
    if isSound, reading?.isWhole == false, !directory.hasIndex {
      throw FuzzFinding("answers are refused, but verifying finds nothing")
    }
    try write(directory, reading, isSound: isSound, contents.keys)
  }

  // MARK: Reading

  /// Asks everything that changes nothing.
  ///
  /// - Returns: nil where the store can't be opened.
  static func read(
    _ directory: FuzzDirectory,
    _ keys: Set<[UInt8]>,
    mayBeMisled: Bool
  ) throws(FuzzFinding) -> StoreReading? {
    let opened = directory.opened()
    let opening = result { () throws(StoreError) in
      try Store(readingIn: opened, options: FuzzDirectory.options)
    }
    switch opening {
    case .failure(let error):
      try requireRefusal(error, of: directory, "opening for reading")
      return nil
    case .success(let store):
      let reading = try StoreReading(of: store, keys, mayBeMisled: mayBeMisled)
      if let name = directory.difference(from: opened) {
        throw FuzzFinding("reading changes \(name)")
      }
      return reading
    }
  }

  /// - Returns: whether nothing is damaged.
  private static func verify(_ directory: FuzzDirectory) throws(FuzzFinding) -> Bool {
    let report = result { () throws(StoreError) in try Store.verify(in: directory.opened()) }
    switch report {
    case .failure(let error):
      try requireRefusal(error, of: directory, "verify")
      return false
    case .success(let report):
      for finding in report.findings { try requireDamage(finding, "verify") }
      return report.isSound
    }
  }

  private static func requireRefusal(
    _ error: StoreError,
    of directory: FuzzDirectory,
    _ what: String
  ) throws(FuzzFinding) {
    if case .noStore = error, !directory.hasSegments { return }
    try requireDamage(error, what)
  }

  // MARK: Writing

  private static func write(
    _ directory: FuzzDirectory,
    _ reading: StoreReading?,
    isSound: Bool,
    _ keys: Set<[UInt8]>
  ) throws(FuzzFinding) {
    let opened = directory.opened()
    let opening = result { () throws(StoreError) in
      try Store(writingIn: opened, options: FuzzDirectory.options)
    }
    switch opening {
    case .failure(let error):
      try requireDamage(error, "opening for writing")
      if isSound, !directory.hasIndex { throw FuzzFinding("sound, but not writable: \(error)") }
    case .success(let store):
      try write(store, opened, directory, reading, keys)
    }
  }

  private static func write(
    _ store: Store,
    _ opened: SimulatedDirectory,
    _ directory: FuzzDirectory,
    _ reading: StoreReading?,
    _ keys: Set<[UInt8]>
  ) throws(FuzzFinding) {
    let mayBeMisled = directory.hasIndex
    let found = try StoreReading(of: store, keys, mayBeMisled: mayBeMisled)
    if !directory.hasIndex {
      guard found.isWhole else {
        throw FuzzFinding("a store opens for writing and refuses answers")
      }
      if let reading {
        guard reading.isWhole else { throw FuzzFinding("damage is noticed by readers alone") }
        if let difference = reading.difference(from: found.entries) {
          throw FuzzFinding("a writer shows other entries than a reader: \(difference)")
        }
      }
    }
    var script = WritingScript(store, found, keys, mayBeMisled: mayBeMisled)
    try script.run()
    guard script.isJudged else { return }
    let again = try read(directory.holding(opened), keys, mayBeMisled: false)
    try script.compare(with: again, "after closing")
    guard try verify(directory.holding(opened)) else {
      throw FuzzFinding("after closing verifying finds damage")
    }
  }
}
