// Backups under crashes of their own medium: whatever one leaves has to be restored to the backup before
// or the new one, exactly, and the next backup has to work on it.

internal import Fenceline

/// A series of backups on a recorded medium, and what each of them has to hold.
package struct BackupCrashes {
  private let setup: WorkloadSetup
  /// By the number of the backup; nothing before the first one.
  private var states: [StoreContents] = []
  private let store: SimulatedDirectory
  private let recorder: TraceRecorder
  private let backup: SimulatedDirectory

  /// Makes the backups.
  ///
  /// - Throws: what they throw.
  package init(_ hardware: CrashHardware, _ policy: CopyPolicy? = nil) throws {
    setup = WorkloadSetup(hardware, policy)
    store = SimulatedDirectory(hardware, entries: [])
    recorder = TraceRecorder(policy: setup.policy)
    backup = SimulatedDirectory(hardware, recorder: recorder)
    let opened = try Store(writingIn: store, options: setup.options())
    let keys = CrashProgram.keys
    func put(_ key: Int, _ length: Int) throws {
      try opened.put(keys[key], Array(repeating: UInt8(states.count), count: length))
    }
    try backUp(opened)
    // One segment that grows: its files are few.
    for length in [30, 8, 100, 8] {
      try put(1, length)
      try backUp(opened)
    }
    // More segments, then fewer.
    for key in 0..<4 { try put(key, 2500) }
    try backUp(opened)
    for key in 0..<3 { try put(key, 8) }
    try opened.compact()
    try backUp(opened)
    try opened.delete(keys[0])
    try backUp(opened)
    try opened.close()
  }

  private mutating func backUp(_ opened: Store) throws {
    try opened.sync()
    states.append(try Self.contents(of: opened))
    recorder.append(.mark(.begun(states.count)))
    _ = try Backup.update(in: backup, of: store)
    recorder.append(.mark(.synced(states.count)))
  }

  /// Crashes the backups at every moment.
  package func explore(_ configure: (inout ExplorationOptions) -> Void = { _ in }) -> CrashReport {
    var options = ExplorationOptions(setup.hardware)
    configure(&options)
    var report = CrashReport()
    var judge = BackupJudge(states: states, store: store, options: setup.options(), setup.hardware)
    Exploration(options: options, name: "backups (\(setup))").run(recorder.trace, &judge, &report)
    return report
  }

  /// Crashes a restore behind its return: all of it has to be there.
  package func exploreRestore(
    _ configure: (inout ExplorationOptions) -> Void = { _ in }
  ) throws -> CrashReport {
    let recorder = TraceRecorder(policy: setup.policy)
    let restored = SimulatedDirectory(setup.hardware, recorder: recorder)
    try Backup.restore(in: backup, to: restored, options: setup.options())
    recorder.append(.mark(.synced(states.count)))
    var options = ExplorationOptions(setup.hardware)
    configure(&options)
    options.firstEvent = recorder.eventCount
    var report = CrashReport()
    let state = states[states.count - 1]
    var judge = RestoreJudge(state: state, options: setup.options(), setup.hardware)
    Exploration(options: options, name: "a restore (\(setup))").run(recorder.trace, &judge, &report)
    return report
  }

  /// The first violations on all machines, for a table of deliberate faults.
  package static func violations() throws -> [String] {
    try CrashHardware.allCases.flatMap { (hardware) in
      try hardware.policies.flatMap { (policy) in
        let crashes = try BackupCrashes(hardware, policy)
        let configure = { (options: inout ExplorationOptions) in
          options.model.exhaustiveLimit = 64
          options.model.samplesPerKind = 4
          options.maximumViolations = 1
        }
        return try crashes.explore(configure).violations
          + crashes.exploreRestore(configure).violations
      }
    }
  }

  fileprivate static func contents(of store: Store) throws(StoreError) -> StoreContents {
    let keys = CrashProgram.keys
    return try Oracle(options: StoreOptions(), hardware: .disk, stale: StaleContents(), keys: keys)
      .contents(of: store)
  }
}

/// Holds what a crash of a backup's medium leaves against the backups that were made.
private struct BackupJudge: ImageJudge {
  private let states: [StoreContents]
  private let store: SimulatedDirectory
  private let options: StoreOptions
  private let hardware: CrashHardware
  private var begun = 0
  private var returned = 0
  /// What images hold, as the number of a state; 0 for no backup.
  private var judged: [UInt64: Int] = [:]

  init(
    states: [StoreContents],
    store: SimulatedDirectory,
    options: StoreOptions,
    _ hardware: CrashHardware
  ) {
    self.states = states
    self.store = store
    self.options = options
    self.hardware = hardware
  }

  mutating func take(_ event: Trace.Event) {
    switch event {
    case .mark(.begun(let number)): begun = number
    case .mark(.synced(let number)): returned = number
    default: break
    }
  }

  mutating func judge(_ image: CrashImage, _ report: inout CrashReport) throws(Violation) {
    let found: Int
    if let known = judged[image.fingerprint] {
      found = known
    } else {
      found = try number(of: image)
      judged[image.fingerprint] = found
      report.distinctImages += 1
      try checkNextBackup(on: image)
    }
    guard found >= returned, found <= begun else {
      throw Violation("backup \(found) is there where \(returned) to \(begun) may be")
    }
  }

  /// Which backup an image holds.
  private func number(of image: CrashImage) throws(Violation) -> Int {
    do {
      let directory = image.directory(on: hardware)
      let verification = try Backup.verify(in: directory)
      guard verification.isSound else { throw Violation("\(verification.findings)") }
      let contents = try restored(from: directory)
      // Two of them may hold the same.
      let matching = states.indices.filter { states[$0] == contents }.map { $0 + 1 }
      guard let number = matching.last(where: { $0 <= begun }) else {
        throw Violation("what is restored was never backed up: \(contents)")
      }
      return number
    } catch StoreError.noBackup {
      return 0
    } catch { throw error as? Violation ?? Violation("\(error)") }
  }

  private func checkNextBackup(on image: CrashImage) throws(Violation) {
    do {
      let directory = image.directory(on: hardware)
      _ = try Backup.update(in: directory, of: store)
      let contents = try restored(from: directory)
      guard contents == states[states.count - 1] else {
        throw Violation("the next backup holds \(contents)")
      }
      let verification = try Backup.verify(in: directory)
      guard verification.isSound, verification.leftoverCount == 0 else {
        throw Violation("the next backup leaves \(verification)")
      }
    } catch { throw error as? Violation ?? Violation("the next backup: \(error)") }
  }

  private func restored(from directory: SimulatedDirectory) throws(StoreError) -> StoreContents {
    let restored = SimulatedDirectory(hardware, entries: [])
    try Backup.restore(in: directory, to: restored, options: options)
    return try BackupCrashes.contents(of: Store(readingIn: restored, options: options))
  }
}

/// Asks for everything that was restored.
private struct RestoreJudge: ImageJudge {
  let state: StoreContents
  let options: StoreOptions
  let hardware: CrashHardware

  init(state: StoreContents, options: StoreOptions, _ hardware: CrashHardware) {
    self.state = state
    self.options = options
    self.hardware = hardware
  }

  mutating func take(_ event: Trace.Event) {}

  mutating func judge(_ image: CrashImage, _ report: inout CrashReport) throws(Violation) {
    report.distinctImages += 1
    do {
      let directory = image.directory(on: hardware)
      let verification = try Store.verify(in: directory)
      let contents = try BackupCrashes.contents(of: Store(readingIn: directory, options: options))
      guard verification.isSound, contents == state else {
        throw Violation("a restored store holds \(contents), \(verification)")
      }
    } catch { throw error as? Violation ?? Violation("a restored store: \(error)") }
  }
}
