// Crashes a workload at every telling moment, in every possible way, and judges what is left. From
// some of the images it goes one level deeper: recovery and first new writes are recorded and
// crashed in turn.

internal import Fenceline

/// How far an exploration goes.
package struct ExplorationOptions: Sendable {
  package var model: CrashModel
  /// Events before this one are not crashed in.
  package var firstEvent = 0
  /// Images per kind whose recovery is explored in turn; 0 for none.
  package var recoveriesPerKind = 1
  /// Images of all kinds together whose recovery is explored in turn.
  package var maximumRecoveries = Int.max
  /// Violations after which it ends.
  package var maximumFailures = 3

  package init(policy: CopyPolicy) { model = CrashModel(policy: policy) }
}

/// What an exploration found.
package struct ExplorationReport: Sendable, CustomStringConvertible {
  /// Moments at which a crash was tried.
  package var crashPoints = 0
  /// Of those, moments with too many images for all of them.
  package var sampledPoints = 0
  /// Images that were enumerated.
  package var images = 0
  /// Images that differ from all others.
  package var distinctImages = 0
  /// Recoveries that were explored in turn.
  package var recoveries = 0
  /// Moments at which a line had uncertain stores of both kinds.
  package var mixedLines = 0
  /// Descriptions of images that must not be.
  package var failures: [String] = []

  package init() {}

  package var description: String {
    """
    \(images) images (\(distinctImages) distinct) at \(crashPoints) moments \
    (\(sampledPoints) sampled), \(recoveries) recoveries\
    \(failures.isEmpty ? "" : ", VIOLATIONS:\n")\(failures.joined(separator: "\n"))
    """
  }

  package mutating func add(_ other: ExplorationReport) {
    crashPoints += other.crashPoints
    sampledPoints += other.sampledPoints
    images += other.images
    distinctImages += other.distinctImages
    recoveries += other.recoveries
    mixedLines += other.mixedLines
    failures += other.failures
  }
}

/// One workload under crashes.
package struct Exploration {
  private let workload: Workload
  private let options: ExplorationOptions
  private let oracle: Oracle
  private var verdicts: [UInt64: ImageVerdict] = [:]
  private var recoveriesOfKind: [UInt64: Int] = [:]
  private var report = ExplorationReport()

  private init(_ workload: Workload, _ options: ExplorationOptions) {
    self.workload = workload
    self.options = options
    oracle = Oracle(options: workload.storeOptions, keys: workload.history.keys)
  }

  /// Crashes `workload` everywhere.
  package static func run(
    _ workload: Workload,
    _ options: ExplorationOptions
  ) -> ExplorationReport {
    var exploration = Exploration(workload, options)
    exploration.explore()
    return exploration.report
  }

  private mutating func explore() {
    let replay = MediumReplay(
      workload.trace,
      streamsBypassCache: options.model.streamsBypassCache
    )
    let events = replay.trace.events
    var allowed = History.Allowed()
    while replay.position < events.count, report.failures.count < options.maximumFailures {
      if events[replay.position].isTellingMoment { crash(replay, allowed) }
      allowed.take(events[replay.position])
      replay.step()
    }
    guard report.failures.count < options.maximumFailures else { return }
    crash(replay, allowed)
  }

  private mutating func crash(_ replay: MediumReplay, _ allowed: History.Allowed) {
    guard replay.position >= options.firstEvent else { return }
    report.crashPoints += 1
    report.mixedLines += replay.mixedLineCount
    let images = CrashImages(replay: replay, model: options.model)
    let isExhaustive = images.forEach { image, describe in
      report.images += 1
      do {
        try judge(image, allowed)
      } catch {
        report.failures.append(
          """
          \(workload.name) (\(workload.policy.rawValue)), crash before event \
          \(replay.position): \(error)
            \(describe())
            program: \(workload.program.joined(separator: "; "))
          """
        )
      }
      return report.failures.count < options.maximumFailures
    }
    if !isExhaustive { report.sampledPoints += 1 }
  }

  private mutating func judge(_ image: CrashImage, _ allowed: History.Allowed) throws(Violation) {
    let verdict: ImageVerdict
    var isNew = false
    if let known = verdicts[image.fingerprint] {
      verdict = known
    } else {
      verdict = try oracle.judge(image)
      verdicts[image.fingerprint] = verdict
      report.distinctImages += 1
      isNew = true
    }
    guard let contents = verdict.contents else {
      if allowed.lowest >= 0 { throw Violation("no store, but state \(allowed.lowest) was synced") }
      return
    }
    guard let step = workload.history.step(ofFingerprint: contents, in: allowed) else {
      throw Violation("shows none of the states \(allowed.lowest)...\(allowed.highest)")
    }
    let used = workload.history.sequence(upTo: allowed.stored)
    guard verdict.nextSequence > used else {
      throw Violation("goes on at sequence \(verdict.nextSequence), but \(used) may have been used")
    }
    guard isNew, report.recoveries < options.maximumRecoveries,
      recoveriesOfKind[verdict.kind, default: 0] < options.recoveriesPerKind
    else { return }
    recoveriesOfKind[verdict.kind, default: 0] += 1
    try recover(image, showing: step, stored: allowed.stored)
  }

  /// The second level.
  private mutating func recover(
    _ image: CrashImage,
    showing step: Int,
    stored: Int
  ) throws(Violation) {
    let second = Workload(after: image, of: workload, showing: step, stored: stored)
    do { try Self.firstWrites(of: second) } catch {
      throw Violation("recovery and first writes: \(error)")
    }
    var options = options
    options.recoveriesPerKind = 0
    options.maximumFailures = 1
    var found = Exploration.run(second, options)
    if let failure = found.failures.first {
      found.failures = []
      report.add(found)
      throw Violation("after a recovery: \(failure)\n  on the image of")
    }
    report.add(found)
    report.recoveries += 1
  }

  /// What a workload does after a crash, before it is crashed again.
  package static func firstWrites(of workload: Workload) throws {
    try workload.recover()
    try workload.put("after", "1", .durable)
    try workload.put("after", "two, a little longer", .buffered)
    try workload.put("behind", "3", .buffered)
    try workload.sync()
  }
}
