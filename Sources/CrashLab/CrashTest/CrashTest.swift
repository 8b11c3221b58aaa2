// For programs that use the library: their own code under crashes. The same recorder, the same
// enumeration; instead of a history the program's own promises are held against every image.

public import Fenceline
internal import PersistentMemory

/// Runs a program that uses a store and crashes it at every moment, in every way that hardware allows.
///
/// The program runs on simulated media, each time on a new one. Every store, flush, fence, write and
/// sync that the store does is recorded; then every state that a power failure can leave is opened, as
/// a file that was found after the crash would be, and handed to a check.
///
/// ```swift
/// let report = try CrashTest().run { run in
///   let store = try run.openStore()
///   try store.put("balance", "100", durability: .durable)
///   run.promise("paid in")
/// } check: { store, promises in
///   if promises.contains("paid in"), try store.get("balance") != "100" {
///     throw Violation("the balance is gone")
///   }
/// }
/// #expect(report.violations.isEmpty)
/// ```
public struct CrashTest: Sendable {
  /// The machines that crash; the program runs once on each, under each policy that is right there.
  public var hardware = CrashHardware.allCases
  /// Images of one moment up to which all are looked at.
  public var exhaustiveLimit = 1 << 12
  /// Uncertain words or lines of one moment up to which each is sampled, where there are more images.
  public var samplesPerKind = 32
  /// Violations on one machine after which it ends.
  public var maximumViolations = 3

  /// All machines, up to 4,096 images a moment.
  public init() {}

  /// Crashes `program` everywhere.
  ///
  /// - Parameters:
  ///   - program: uses the store that it opens through the run. It is called several times, and
  ///     should do the same each time.
  ///   - check: gets the store of an image and what the program had promised when the crash came;
  ///     throws where something is wrong. It is called for every different image with a store opened
  ///     for reading, and for those between which a writer makes a difference once more with a
  ///     store opened for writing, on which the program's own recovery can run.
  /// - Returns: what was looked at, and what was wrong.
  /// - Throws: what `program` throws.
  /// - Complexity: up to ``exhaustiveLimit`` openings for every fence and sync of the program.
  public func run(
    _ program: (CrashRun) throws -> Void,
    check: (_ store: Store, _ promises: Set<String>) throws -> Void
  ) throws -> CrashReport {
    var report = CrashReport()
    for hardware in hardware {
      for policy in hardware.policies {
        // On blocks of zeros, and on blocks that hold what the first run left.
        let setup = WorkloadSetup(hardware, policy, stale: .incarnation)
        let first = CrashRun(setup, isOtherLife: true)
        try program(first)
        report.add(explore(first, check))
        let second = CrashRun(setup, stale: first.leftBehind)
        try program(second)
        report.add(explore(second, check))
      }
    }
    return report
  }

  private func explore(
    _ run: CrashRun,
    _ check: (Store, Set<String>) throws -> Void
  ) -> CrashReport {
    var options = ExplorationOptions(run.setup.hardware)
    options.model.exhaustiveLimit = exhaustiveLimit
    options.model.samplesPerKind = samplesPerKind
    options.maximumViolations = maximumViolations
    var report = CrashReport()
    withoutActuallyEscaping(check) { check in
      var judge = PromiseJudge(run, check)
      Exploration(options: options, name: "the program (\(run.setup))")
        .run(run.trace, &judge, &report)
    }
    return report
  }
}

/// One run of a program under test: where its store is, and what it promises.
public final class CrashRun {
  let setup: WorkloadSetup
  private(set) var promises: [String] = []
  let stale: StaleContents
  private let options: StoreOptions
  private let recorder: TraceRecorder
  private let directory: SimulatedDirectory

  init(
    _ setup: WorkloadSetup,
    stale: StaleContents = StaleContents(),
    isOtherLife: Bool = false
  ) {
    self.setup = setup
    self.stale = stale
    options = setup.options(isOtherLife: isOtherLife)
    recorder = TraceRecorder(policy: setup.policy)
    directory = SimulatedDirectory(setup.hardware, recorder: recorder, stale: stale)
  }

  var trace: Trace { recorder.trace }

  /// What the files hold now, for the next run.
  var leftBehind: StaleContents { StaleContents(setup.stale, leftBy: directory.entries) }

  /// Opens the store on the simulated medium, as `Store.open(at:options:)` does at a path.
  ///
  /// - Parameter options: memory errors are never handled.
  /// - Returns: the store; to open another handle for writing, close this one before.
  /// - Throws: as `Store.open(at:options:)`.
  public func openStore(
    options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    // Small segments, and nothing random.
    var options = options
    options.handlesMemoryErrors = self.options.handlesMemoryErrors
    options.segmentOptions = self.options.segmentOptions
    return try Store(writingIn: directory, options: options)
  }

  /// Says that from here on every crash has to leave what `promise` stands for.
  ///
  /// - Parameter promise: handed to the check.
  public func promise(_ promise: String) {
    promises.append(promise)
    recorder.append(.mark(.promise(promises.count - 1)))
  }
}
