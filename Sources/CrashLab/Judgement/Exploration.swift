// Walks through a trace, crashes it at every telling moment in every possible way, and hands each
// image to a judge.

/// Says what is wrong with images.
protocol ImageJudge {
  /// Takes note of what has happened, in order.
  mutating func take(_ event: Trace.Event)

  /// Judges an image of the moment behind all events that were taken.
  ///
  /// - Throws: ``Violation`` where the image must not be.
  mutating func judge(_ image: CrashImage, _ report: inout CrashReport) throws(Violation)
}

/// How far an exploration goes.
package struct ExplorationOptions: Sendable {
  package var model: CrashModel
  /// Events before this one are not crashed in.
  package var firstEvent = 0
  /// Recoveries within recoveries that are crashed in turn.
  package var recoveryDepth = 1
  /// Recoveries that are crashed in turn, at most.
  package var maximumRecoveries = Int.max
  /// Violations after which it ends.
  package var maximumViolations = 3

  package init(_ hardware: CrashHardware) { model = CrashModel(hardware) }
}

/// One trace under crashes.
struct Exploration {
  let options: ExplorationOptions
  /// Says what was run, in a violation.
  let name: String

  /// Crashes `trace` everywhere.
  func run(_ trace: Trace, _ judge: inout some ImageJudge, _ report: inout CrashReport) {
    let replay = MediumReplay(trace, on: options.model.hardware)
    while true {
      let isEnd = replay.position == trace.events.count
      if isEnd || replay.isTellingMoment,
        replay.position >= options.firstEvent
      {
        crash(replay, &judge, &report)
      }
      if isEnd || report.violations.count >= options.maximumViolations { return }
      judge.take(trace.events[replay.position])
      replay.step()
    }
  }

  private func crash(
    _ replay: MediumReplay,
    _ judge: inout some ImageJudge,
    _ report: inout CrashReport
  ) {
    report.moments += 1
    report.mixedLines += replay.mixedLineCount
    let images = CrashImages(replay: replay, model: options.model)
    let isExhaustive = images.forEach { image, describe in
      report.images += 1
      do throws(Violation) { try judge.judge(image, &report) } catch {
        report.violations.append(
          """
          crash before event \(replay.position) of \(name): \(error)
            the image: \(describe())
          """
        )
      }
      return report.violations.count < options.maximumViolations
    }
    if !isExhaustive { report.sampledMoments += 1 }
  }
}
