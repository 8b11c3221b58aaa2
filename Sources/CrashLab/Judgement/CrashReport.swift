/// What an exploration found.
public struct CrashReport: Sendable, CustomStringConvertible {
  /// Moments at which a crash was tried.
  public var moments = 0
  /// Of those, moments with too many images for all of them: the rest is exhausted.
  public var sampledMoments = 0
  /// Images that were enumerated.
  public var images = 0
  /// Images that differ from all others of their workload; each was opened and judged.
  public var distinctImages = 0
  /// Kinds of distinct images that a writer can't tell apart; each was written to.
  public var recoveryClasses = 0
  /// Recoveries with the first writes behind them that were crashed in turn.
  public var recoveries = 0
  /// Moments at which a line had uncertain stores of both kinds, which no copy should produce.
  public var mixedLines = 0
  /// Images that must not be: what is wrong, and how the image came about.
  public var violations: [String] = []

  /// The numbers in one line, and violations below it.
  public var description: String {
    """
    \(images) images (\(distinctImages) distinct, \(recoveryClasses) classes) at \(moments) moments \
    (\(moments - sampledMoments) exhausted, \(sampledMoments) sampled), \
    \(recoveries) recoveries crashed\
    \(violations.isEmpty ? "" : ", VIOLATIONS:\n")\(violations.joined(separator: "\n"))
    """
  }

  package init() {}

  /// Adds what another exploration found.
  package mutating func add(_ other: CrashReport) {
    moments += other.moments
    sampledMoments += other.sampledMoments
    images += other.images
    distinctImages += other.distinctImages
    recoveryClasses += other.recoveryClasses
    recoveries += other.recoveries
    mixedLines += other.mixedLines
    violations += other.violations
  }
}
