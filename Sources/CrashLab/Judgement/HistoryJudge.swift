// Judges images by a workload's history: which of its states an image may show, and what a recovery
// of it may do. From some images it goes one level deeper: recovery and the first new writes are
// recorded and crashed in turn.

internal import Fenceline

/// What is known of images already, in an exploration and the recoveries within it.
final class VerdictCache {
  var images: [UInt64: ImageVerdict] = [:]
  /// The first sequence of a writer, by recovery class.
  var classes: [UInt64: UInt64] = [:]
  /// Classes whose recovery was crashed, with the depth that was left.
  var recovered: [UInt64: Int] = [:]
}

/// Compares images with a history.
struct HistoryJudge: ImageJudge {
  private let workload: Workload
  private let options: ExplorationOptions
  private let oracle: Oracle
  private let cache: VerdictCache
  private var allowed = History.Allowed()

  init(_ workload: Workload, _ options: ExplorationOptions, cache: VerdictCache = VerdictCache()) {
    self.workload = workload
    self.options = options
    self.cache = cache
    oracle = workload.oracle
  }

  mutating func take(_ event: Trace.Event) { allowed.take(event) }

  mutating func judge(_ image: CrashImage, _ report: inout CrashReport) throws(Violation) {
    let (verdict, isNew) = try read(image, &report)
    guard let contents = verdict.contents else {
      _ = try write(image, verdict, isNew: isNew, &report)
      if allowed.lowest >= 0 { throw Violation("no store, but state \(allowed.lowest) was synced") }
      return
    }
    guard let step = workload.history.step(ofFingerprint: contents, in: allowed) else {
      throw Violation("shows none of the states \(allowed.lowest)...\(allowed.highest)")
    }
    for past in verdict.pasts where !workload.history.hasState(withFingerprint: past) {
      throw Violation("its past shows a state that never was")
    }
    if allowed.isClosed, !verdict.isClosed {
      throw Violation("was closed, and does not say so")
    }
    let sequence = try write(image, verdict, isNew: isNew, &report)
    let used = workload.history.sequence(upTo: allowed.stored)
    guard sequence > used else {
      throw Violation("goes on at sequence \(sequence), but \(used) may have been used")
    }
    try recover(image, verdict, isNew: isNew, showing: step, &report)
  }

  private func read(
    _ image: CrashImage,
    _ report: inout CrashReport
  ) throws(Violation) -> (ImageVerdict, isNew: Bool) {
    let fingerprint = image.fingerprint
    if let known = cache.images[fingerprint] {
      guard !options.model.prunes else { return (known, false) }
      guard try oracle.read(image) == known else {
        throw Violation("equal fingerprints, different verdicts")
      }
      return (known, false)
    }
    let verdict = try oracle.read(image)
    cache.images[fingerprint] = verdict
    report.distinctImages += 1
    return (verdict, true)
  }

  /// The first sequence that a writer gives out.
  private func write(
    _ image: CrashImage,
    _ verdict: ImageVerdict,
    isNew: Bool,
    _ report: inout CrashReport
  ) throws(Violation) -> UInt64 {
    let known = cache.classes[verdict.recoveryClass]
    if let known, options.model.prunes || !isNew { return known }
    let sequence = try oracle.write(image, verdict)
    if let known {
      // Not pruned: then every image of the class has to give the same.
      guard sequence == known else { throw Violation("a class with two outcomes") }
    } else {
      cache.classes[verdict.recoveryClass] = sequence
      report.recoveryClasses += 1
    }
    return sequence
  }

  /// The second level.
  private func recover(
    _ image: CrashImage,
    _ verdict: ImageVerdict,
    isNew: Bool,
    showing step: Int,
    _ report: inout CrashReport
  ) throws(Violation) {
    let depth = cache.recovered[verdict.recoveryClass, default: 0]
    guard depth < options.recoveryDepth || (!options.model.prunes && isNew),
      options.recoveryDepth > 0, report.recoveries < options.maximumRecoveries
    else { return }
    cache.recovered[verdict.recoveryClass] = options.recoveryDepth
    report.recoveries += 1
    let second = Workload(after: image, of: workload, showing: step, stored: allowed.stored)
    do { try second.doFirstWrites() } catch {
      throw Violation("recovery and first writes: \(error)")
    }
    var options = options
    options.recoveryDepth -= 1
    options.maximumViolations = 1
    options.firstEvent = 0
    var found = CrashReport()
    var judge = HistoryJudge(second, options, cache: cache)
    Exploration(options: options, name: "recovery and first writes")
      .run(second.trace, &judge, &found)
    let violation = found.violations.first
    found.violations = []
    report.add(found)
    if let violation { throw Violation("after a recovery: \(violation)\n  on the image of") }
  }
}

extension Workload {
  /// Crashes the workload everywhere.
  package func explore(_ options: ExplorationOptions) -> CrashReport {
    var report = CrashReport()
    var judge = HistoryJudge(self, options)
    Exploration(options: options, name: name).run(trace, &judge, &report)
    return report
  }
}
