// One life of a store, the same calls every time: created, written, filled, imaged, compacted, closed,
// opened, killed, recovered, followed, exported. Whatever throws is noted, and what the handle shows
// then is compared with what it may show.
//
// Invariant: up to its last handle no thread but the caller's, no clock, no random number: the same calls
// of the system.

internal import DamageLab
internal import FaultLayer
internal import Fenceline
internal import IndexExport
internal import SystemPackage

/// A life, and what was seen of it.
final class Life {
  let store: FilePath
  let output: FilePath
  let backup: FilePath
  let restored: FilePath
  /// What the backup holds.
  var backedUp: StoreState?
  let isOnDisk: Bool
  /// What fails; nil where nothing does.
  let fault: FaultCase?
  var model = Model()
  /// What was thrown, in order, by what.
  private(set) var errors: [(step: String, error: any Error)] = []
  /// What was wrong.
  private(set) var findings: [String] = []
  private var hasThreads = false
  private var checks = 0
  private var numbers = SeededNumbers(seed: 7)

  init(in root: FilePath, isOnDisk: Bool, fault: FaultCase?) {
    store = root.appending("store")
    output = root.appending("output")
    backup = root.appending("backup")
    restored = root.appending("restored")
    self.isOnDisk = isOnDisk
    self.fault = fault
  }

  static var options: StoreOptions {
    var options = StoreOptions()
    options.compactsInBackground = false
    options.writesIndexImages = false
    options.segmentOptions.smallest = 32 << 10
    options.segmentOptions.largest = 32 << 10
    options.segmentOptions.smallestPrepared = 32 << 10
    options.segmentOptions.smallestImagedJournal = 32 << 10
    options.segmentOptions.preparesInBackground = false
    options.segmentOptions.fewestChanges = 1
    options.segmentOptions.hashSeed = 5
    options.segmentOptions.clock.fixedTime = 1
    return options
  }

  /// Lives until something is thrown, and to the end of that handle.
  func run() {
    guard write("creating", { $0.begin($1) }, closes: true) else { return }
    guard write("second", { $0.goOn($1) }, closes: false) else { return }
    guard write("recovered", { $0.recover($1) }, closes: true) else { return }
    guard read() else { return }
    guard write("followed", { $0.follow($1) }, closes: true) else { return }
    _ = write("threads", { $0.workBesideThreads($1) }, closes: true, hasThreads: true)
  }

  // MARK: Handles

  /// Opens the store for writing, does something, and closes it or lets it go.
  ///
  /// - Returns: whether nothing was thrown.
  private func write(
    _ name: String,
    _ body: (Life, Store) -> Void,
    closes: Bool,
    hasThreads: Bool = false
  ) -> Bool {
    var opened: Store?
    var options = Self.options
    self.hasThreads = hasThreads
    if hasThreads {
      (options.compactsInBackground, options.writesIndexImages) = (true, true)
      options.segmentOptions.preparesInBackground = true
    }
    attempt("\(name): open") { () throws(StoreError) in
      opened = try Store.open(at: store, options: options)
    }
    guard let opened else { return false }
    restart(from: opened, name)
    body(self, opened)
    // Without a close it is like a killed process: on a disk what was not synced is gone.
    guard closes else { return errors.isEmpty }
    let isDone = attempt("\(name): close") { () throws(StoreError) in try opened.close() }
    if isDone { model.synchronize() }
    return errors.isEmpty
  }

  /// Takes what an opening shows for the state from which things go on.
  private func restart(from store: Store, _ step: String) {
    fault_pause()
    defer { fault_resume() }
    do throws(StoreError) {
      let state = try store.everything()
      if let finding = model.judge(state, keepsBuffered: !isOnDisk) { note("\(step): \(finding)") }
      model.restart(from: state)
    } catch {
      note("\(step): can't be read: \(error)")
    }
  }

  /// Runs what may throw.
  ///
  /// - Returns: whether it did not.
  @discardableResult
  func attempt(_ step: String, _ body: () throws -> Void) -> Bool {
    do {
      try body()
      return true
    } catch {
      errors.append((step, error))
      // A thread of the store's own may have had the first one.
      let isFirst = errors.count == 1 && !hasThreads
      if let finding = ErrorRule(fault).finding(error, isFirst: isFirst) {
        note("\(step): \(finding)")
      }
      return false
    }
  }

  /// Takes note of something wrong; of more than a few nobody learns anything.
  func note(_ finding: String) { if findings.count < 4 { findings.append(finding) } }

  /// Compares all answers of a handle with what it may show; nothing fails meanwhile.
  func check(_ store: Store, _ step: String) {
    checks += 1
    // Where every call fails from now on, all are alike.
    guard checks < 6 else { return }
    fault_pause()
    defer { fault_resume() }
    do throws(StoreError) {
      if let difference = try store.difference(from: model.current, model.keys) {
        note("\(step): \(difference)")
      }
    } catch {
      note("\(step): can't be read: \(error)")
    }
  }

  // MARK: Writing

  /// Commits one transaction and takes note of what came of it.
  func commit(
    _ step: String,
    _ changes: [Change],
    durable: Bool,
    _ store: Store
  ) {
    let durability: Durability = durable ? .durable : .buffered
    let isDone = attempt(step) {
      if changes.count == 1, let change = changes.first {
        if let value = change.value {
          try store.put(change.key, value, durability: durability)
        } else {
          try store.delete(change.key, durability: durability)
        }
        return
      }
      try store.transaction(durability: durability) { (transaction) throws in
        for change in changes {
          if let value = change.value {
            try transaction.put(change.key, value)
          } else {
            try transaction.delete(change.key)
          }
        }
      }
    }
    if isDone {
      model.commit(changes, durable: durable)
    } else {
      model.refuse(changes)
      check(store, step)
    }
  }

  func put(_ key: String, _ size: Int, durable: Bool = false, _ store: Store) {
    let change = Change(key: ByteString(key.utf8), value: value(size))
    commit("put of \(size) bytes", [change], durable: durable, store)
  }

  func delete(_ key: String, durable: Bool, _ store: Store) {
    commit("delete", [Change(key: ByteString(key.utf8), value: nil)], durable: durable, store)
  }

  func transaction(_ keys: [String], _ size: Int, durable: Bool, _ store: Store) {
    let changes = keys.map { Change(key: ByteString($0.utf8), value: value(size)) }
    commit("transaction of \(keys.count)", changes, durable: durable, store)
  }

  func synchronize(_ store: Store, _ depth: SyncDepth = .persistenceDomain) {
    let isDone = attempt("sync") { () throws(StoreError) in try store.sync(depth) }
    if isDone { model.synchronize() } else { check(store, "sync") }
  }

  /// Runs what changes no answer.
  func maintain(_ step: String, _ store: Store, _ body: (Store) throws(StoreError) -> Void) {
    if !attempt(step, { () throws(StoreError) in try body(store) }) { check(store, step) }
  }

  private func value(_ size: Int) -> ByteString {
    let byte = UInt8(truncatingIfNeeded: numbers.next())
    var value = ByteString(repeating: byte, count: size)
    for index in stride(from: 0, to: size, by: 61) {
      value[index] = UInt8(truncatingIfNeeded: numbers.next())
    }
    return value
  }
}
