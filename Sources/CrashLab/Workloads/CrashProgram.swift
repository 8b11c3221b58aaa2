// A workload as data: what a seed makes, what shrinking takes apart, and what a report prints so that
// it can be run again. Everything that a run depends on stands here.

internal import Fenceline

/// What is asked of a store, step by step.
package struct CrashProgram: Sendable, Equatable {
  /// One record of a transaction; a length of nil deletes.
  package struct Change: Sendable, Equatable {
    package var key: Int
    package var length: Int?

    package init(_ key: Int, _ length: Int?) {
      self.key = key
      self.length = length
    }
  }

  /// One call, or one event of a process's life.
  ///
  /// Keys are numbers of a fixed list; values are bytes of a length, different from step to step.
  package enum Action: Sendable, Equatable {
    case put(Int, Int)
    /// A value that ends, when time passes.
    case putExpiring(Int, Int)
    /// Time passes: what was to end has ended, and is removed.
    case expire
    case delete(Int)
    case transaction([Change])
    case sync
    /// Gives back the space of what is dead.
    case compact
    /// The same, but the segment that is being written stays where it gives little back.
    case compactSealed
    /// Writes an index image; when half of it is written, the changes are made, one by one.
    case image([Change])
    /// Writes what was changed behind it.
    case noteChanges
    /// Compacts some segments; from the given look on, of those that it takes meanwhile, the changes are
    /// made, one at each.
    case compactAmid(Int, [Change])
    /// A feed of changes, in another process or in the one that writes, hands out what came since it was
    /// last asked; the first time it begins there.
    case tell(elsewhere: Bool)
    /// Another process copies the store, or what is new in it, to another medium.
    case backUp
    /// Creates a namespace of a fixed list, unless it is there.
    case create(Int)
    /// Drops a namespace with everything in it, durably.
    case drop(Int)
    /// A put in a namespace, if it is there.
    case putIn(Int, Int, Int)
    /// A transaction that puts in the default namespace and in all others.
    case putAcross(Int, Int)
    /// Closes the store; another process opens it again.
    case close(CopyPolicy)
    /// The process dies between two calls; another one recovers.
    case kill(CopyPolicy)
    /// The process dies after this share of its events so far, in 1/1000, within a call as well.
    case killAmid(Int, CopyPolicy)
    /// The process dies so many events back, within the last call.
    case killBefore(Int, CopyPolicy)
    /// The disk fails the next sync; the process ends, and another one recovers.
    case failSync(evicting: Bool)
    /// The medium has no room for another segment from here on, or has again.
    case fill(Bool)
  }

  package struct Step: Sendable, Equatable {
    package var action: Action
    package var isDurable = false
    /// Done by a thread of its own.
    package var isOnNewThread = false

    package init(_ action: Action, durable: Bool = false, newThread: Bool = false) {
      self.action = action
      isDurable = durable
      isOnNewThread = newThread
    }
  }

  package var setup: WorkloadSetup
  package var steps: [Step]
  package var tearsBlocks = false

  package init(_ setup: WorkloadSetup, _ steps: [Step], tearsBlocks: Bool = false) {
    self.setup = setup
    self.steps = steps
    self.tearsBlocks = tearsBlocks
  }

  /// Keys of 0 to 32 bytes.
  package static let keys = ["", "a", "b", "key", "another", "a longer key of thirty-two bytes"]
    .map { Array($0.utf8) }

  private static let namespaces = ["first", "second"]

  // MARK: Running

  /// Runs the program on a new store.
  ///
  /// - Throws: what the store throws, or ``Violation`` where it already went wrong while it ran.
  package func record() throws -> Workload {
    var stale = StaleContents()
    if setup.stale != .none {
      let otherLife = Workload("other life", setup, isOtherLife: true)
      let left = try run(on: otherLife, salt: 0x80)
      stale = left.leftBehind(as: setup.stale)
    }
    return try run(on: Workload(description, setup, stale: stale), salt: 0)
  }

  /// Runs and crashes the program; a failure to run is a violation as well.
  package func explore(_ configure: (inout ExplorationOptions) -> Void = { _ in }) -> CrashReport {
    var options = ExplorationOptions(setup.hardware)
    options.model.tearsBlocks = tearsBlocks
    configure(&options)
    do { return try record().explore(options) } catch {
      var report = CrashReport()
      report.violations = ["\(error), while \(description) ran"]
      return report
    }
  }

  private func run(on first: Workload, salt: UInt8) throws -> Workload {
    var workload = first
    var isFull = false
    try workload.open()
    for (number, step) in steps.enumerated() {
      let salt = salt ^ UInt8(truncatingIfNeeded: number)
      if let (position, policy) = step.action.death(in: workload.eventCount) {
        workload = Workload(afterDeathOf: workload, at: position, policy: policy)
        try workload.recover()
        continue
      }
      if case .fill(let isFilled) = step.action { isFull = isFilled }
      let current = workload
      let body = { try Self.perform(step, on: current, salt: salt) }
      do {
        if step.isOnNewThread { try workload.onNewThread(body) } else { try body() }
      } catch let error as StoreError {
        guard isFull, case .full = error else { throw error }
      }
    }
    return workload
  }

  private static func perform(_ step: Step, on workload: Workload, salt: UInt8) throws {
    let durability = step.isDurable ? Durability.durable : .buffered
    switch step.action {
    case .put(let key, let length):
      try workload.put(keys[key], value(length, salt), durability)
    case .putExpiring(let key, let length):
      try workload.putExpiring(keys[key], value(length, salt), durability)
    case .expire: try workload.expire()
    case .delete(let key): try workload.delete(keys[key], durability)
    case .transaction(let changes):
      let live = workload.liveKeys
      let real = changes.compactMap { (change) -> Workload.Change? in
        guard let length = change.length else {
          return live.contains(keys[change.key]) ? (keys[change.key], nil) : nil
        }
        return (keys[change.key], value(length, salt))
      }
      if !real.isEmpty { try workload.transaction(real, durability) }
    case .sync: try workload.sync()
    case .compact: try workload.compact(sealingAlways: true)
    case .compactSealed: try workload.compact(sealingAlways: false)
    case .image(let changes):
      try workload.writeImage {
        for change in changes { try make(change, in: workload, salt) }
      }
    case .noteChanges: try workload.writeChanges()
    case .compactAmid(let first, let changes):
      var looks = 0
      try workload.compactSome {
        looks += 1
        guard looks >= first, looks < first + changes.count else { return }
        try make(changes[looks - first], in: workload, salt)
      }
    case .tell(let isElsewhere): try workload.tellChanges(elsewhere: isElsewhere)
    case .backUp: try workload.backUp()
    case .create(let name): try workload.createNamespace(namespaces[name], durability)
    case .drop(let name): try workload.dropNamespace(namespaces[name])
    case .putIn(let name, let key, let length):
      try workload.put(keys[key], value(length, salt), in: namespaces[name], durability)
    case .putAcross(let key, let length):
      try workload.put(keys[key], value(length, salt), across: namespaces, durability)
    case .close(let policy):
      try workload.close()
      workload.kill(policy: policy)
      try workload.open()
    case .kill(let policy):
      workload.kill(policy: policy)
      try workload.recover()
    case .killAmid, .killBefore: preconditionFailure("replaces the workload")
    case .failSync(let evicting):
      try workload.syncOnFailingDisk()
      workload.kill(evicting: evicting)
      try workload.recover()
    case .fill(let isFull): workload.setMediumFull(isFull)
    }
  }

  /// `length` bytes that look like nothing else.
  private static func make(_ change: Change, in workload: Workload, _ salt: UInt8) throws {
    if let length = change.length {
      try workload.put(keys[change.key], value(length, salt))
    } else {
      try workload.delete(keys[change.key])
    }
  }

  private static func value(_ length: Int, _ salt: UInt8) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(salt) &* 31 | 1) }
  }
}

extension CrashProgram.Action {
  /// Where a process dies that has caused so many events, and how the next one copies.
  fileprivate func death(in eventCount: Int) -> (position: Int, policy: CopyPolicy)? {
    switch self {
    case .killAmid(let share, let policy): (eventCount * min(share, 1000) / 1000, policy)
    case .killBefore(let count, let policy): (max(0, eventCount - count), policy)
    default: nil
    }
  }
}
