// Opening a damaged store for writing: refused without a change, or right before and after a put.

internal import Fenceline
internal import IndexExport
internal import PersistentMemory
internal import SystemPackage

extension ImageCheck {
  private static let newKey = ByteString("written after the damage".utf8)
  private static let newValue = ByteString("new".utf8)

  /// Opens for writing.
  ///
  /// - Returns: whether that was possible.
  mutating func write() throws -> Bool {
    guard image.hasSegments else { return false }
    let store: Store
    do {
      store = try image.openForWriting()
    } catch {
      try require(error, "opening for writing")
      if isSound { throw Finding(description: "sound, but not writable: \(error)") }
      if let difference = try image.difference() {
        throw Finding(description: "a refused writer changed the store: \(difference)")
      }
      return false
    }
    image.noteWriting()
    if hasRefused || !isComplete {
      throw Finding(description: "answers are refused, but the store opens for writing")
    }
    guard try entries(of: store, .unordered).isComplete else {
      throw Finding(description: "a store that is open for writing can't be listed")
    }
    try change(store)
    try compareReopened()
    return true
  }

  private func change(_ store: Store) throws {
    do {
      try store.put(Self.newKey, Self.newValue)
      try store.sync()
      try store.close()
    } catch {
      throw Finding(description: "writing to a store that was opened: \(error)")
    }
  }

  private mutating func compareReopened() throws {
    for index in states.indices { states[index][Self.newKey] = Self.newValue }
    do {
      let store = try image.openReadOnly()
      guard try entries(of: store, .byKey).isComplete else {
        throw Finding(description: "after a put the store can't be listed")
      }
      let report = try image.verify()
      if let finding = report.findings.first {
        throw Finding(description: "after a put and a close verify finds: \(finding)")
      }
    } catch let error as StoreError {
      throw Finding(description: "after a put and a close: \(error)")
    }
  }

  // MARK: Exporting

  /// Exports to SQLite: an error, or exactly the entries.
  mutating func export(_ store: Store) throws {
    let index = scratch.appending("index.sqlite")
    defer { Files.remove(index) }
    do {
      let count = try IndexExport.write(store, to: index)
      try keep("an index of \(count) entries") { $0.count == count }
      if !isComplete { throw Finding(description: "an index of a store that can't be listed") }
    } catch let error as IndexExportError {
      guard case .store(let error) = error else {
        throw Finding(description: "index: \(error)")
      }
      try require(error, "index")
      if isComplete { throw Finding(description: "complete, but not exported: \(error)") }
      if try Files.read(index) != nil {
        throw Finding(description: "a refused export left a file")
      }
    }
  }
}
