// The stores that are damaged: small, so that every single bit can be tried, and with one of
// everything in them.

internal import Fenceline
package import SystemPackage

/// A sound store, all of it in memory.
package struct SampleStore: Sendable {
  /// Its name in the names of images.
  package let name: String
  /// The segments, oldest first.
  package let files: [SampleFile]
  package let history: History
  package let layout: JournalLayout
  /// The files as they were whenever the store was closed before.
  package let earlier: [Snapshot]
  /// A store of somebody else with the same keys.
  package let other: (files: [SampleFile], history: History)?

  /// The files of an earlier moment, and how many transactions they hold.
  package struct Snapshot: Sendable {
    package let files: [SampleFile]
    package let transactionCount: Int
  }

  /// Bytes of all files.
  package var byteCount: Int { files.reduce(0) { $0 + $1.contents.count } }

  /// The samples: one that was closed, one that was killed, one that was killed, recovered and closed.
  ///
  /// - Parameters:
  ///   - seed: decides their contents.
  ///   - scratch: an existing directory on a memory file system, where the bytes of what was never
  ///     synced can be read from the files.
  /// - Returns: the stores, always in this order.
  /// - Throws: what the engine or the system says.
  package static func all(seed: UInt64, in scratch: FilePath) throws -> [SampleStore] {
    let killed = try killed(seed: seed, in: scratch)
    return [
      try closed(seed: seed, in: scratch), killed,
      try recovered(from: killed, seed: seed, in: scratch),
    ]
  }

  private static func closed(seed: UInt64, in scratch: FilePath) throws -> SampleStore {
    let path = scratch.appending("sample-closed")
    defer { Files.removeDirectory(path) }
    var script = try StoreScript(creating: path, seed: seed)
    try script.fill(segments: 1)
    var earlier: [Snapshot] = []
    try script.closeAndReopen()
    earlier.append(
      Snapshot(files: try script.files(), transactionCount: script.history.transactions.count)
    )
    try script.fill(segments: 1)
    // Two chunks, so the second checksum counts too.
    try script.large(66_000)
    try script.fill(segments: 1)
    try script.closeAndReopen()
    earlier.append(
      Snapshot(files: try script.files(), transactionCount: script.history.transactions.count)
    )
    for _ in 0..<6 { try script.anyStep() }
    try script.store.close()
    return SampleStore(
      name: "closed",
      files: try script.files(),
      history: script.history,
      layout: try JournalLayout(of: path, history: script.history),
      earlier: earlier,
      other: try other(seed: seed &+ 1000, in: scratch)
    )
  }

  private static func other(
    seed: UInt64,
    in scratch: FilePath
  ) throws -> (files: [SampleFile], history: History) {
    let path = scratch.appending("sample-other")
    defer { Files.removeDirectory(path) }
    var script = try StoreScript(creating: path, seed: seed)
    try script.fill(segments: 4)
    try script.store.close()
    return (try script.files(), script.history)
  }

  /// A store whose last batch lies in its newest segment: what a segment's end has sealed is proven.
  private static func killed(seed: UInt64, in scratch: FilePath) throws -> SampleStore {
    for attempt in 0..<100 as Range<UInt64> {
      let store = try killed(once: seed &+ attempt &* 7919, in: scratch)
      let lastBatch = store.layout.records.suffix(4)
      let isInNewest = lastBatch.allSatisfy { $0.file == store.files.count - 1 }
      // Its first record alone follows the ordering point.
      if isInNewest, lastBatch.dropFirst().allSatisfy({ !$0.startsBatch }) {
        return store
      }
    }
    preconditionFailure("no seed gives a last batch in one segment")
  }

  private static func killed(once seed: UInt64, in scratch: FilePath) throws -> SampleStore {
    let path = scratch.appending("sample-killed")
    defer { Files.removeDirectory(path) }
    var script = try StoreScript(creating: path, seed: seed &+ 2000)
    try script.fill(segments: 1)
    try script.closeAndReopen()
    try script.fill(segments: 1)
    try script.closeAndReopen()
    for _ in 0..<4 { try script.anyStep() }
    try script.store.sync()
    try script.put(ByteString("alpha".utf8), ByteString("last batch".utf8), durable: false)
    try script.commit(
      [
        Change(key: ByteString("beta".utf8), value: ByteString("last batch".utf8)),
        Change(key: ByteString("user/2".utf8), value: ByteString(repeating: 7, count: 100)),
      ],
      durable: false
    )
    try script.delete(ByteString("alpha".utf8))
    let layout = try JournalLayout(of: path, history: script.history)
    return SampleStore(
      name: "killed",
      files: try script.files(),
      history: script.history,
      layout: layout,
      earlier: [],
      other: nil
    )
  }

  /// The killed store with a hole in its last batch, opened again and written to.
  private static func recovered(
    from killed: SampleStore,
    seed: UInt64,
    in scratch: FilePath
  ) throws -> SampleStore {
    let path = scratch.appending("sample-recovered")
    defer { Files.removeDirectory(path) }
    try Files.makeDirectory(path)
    var files = killed.files
    // The transaction of two records before the last one.
    let records = killed.layout.records
    let torn = records[records.count - 3]
    files[torn.file].contents[torn.range.upperBound - 1] ^= 1
    for file in files { try Files.replace(path.appending(file.name), with: file.contents) }
    let store = try Store.open(at: path, options: StoreScript.options)
    let history = killed.history.prefix(torn.transactionsUpTo - 1)
    var script = StoreScript(continuing: path, store, history, seed &+ 3000)
    for _ in 0..<12 { try script.anyStep() }
    try script.store.close()
    return SampleStore(
      name: "recovered",
      files: try script.files(),
      history: script.history,
      layout: try JournalLayout(of: path, history: script.history),
      earlier: [],
      other: nil
    )
  }
}

extension SampleStore {
  /// The same files with another history, to see that the difference is found.
  package func judged(by history: History) -> SampleStore {
    SampleStore(
      name: name,
      files: files,
      history: history,
      layout: layout,
      earlier: earlier,
      other: other
    )
  }
}
