// One mutant in a process of its own: whatever it breaks, the table goes on.

#if Mutants
import CFlush
import CrashLab
import DamageLab
import Glibc
import PersistentMemory
import SystemPackage

/// Looks for a violation that the active mutant causes.
struct MutantTrial {
  let command: CrashLabCommand
  let report: ReportPipe
  private let end: ContinuousClock.Instant
  private var images = 0

  init(_ command: CrashLabCommand, _ report: ReportPipe) {
    self.command = command
    self.report = report
    end = ContinuousClock.now + .seconds(command.seconds)
  }

  /// Looks first at what has found the mutant before, if that is known; then where it costs least: rules of their own, crashes of the fixed situations with few images, damage here
  /// and there, all kinds of stale contents and random programs, then everything with many images.
  ///
  /// Ends silently where nothing is found until the time is over.
  mutating func run() throws {
    let all = Self.interleaved(CrashSuite.programs(stale: .incarnation))
    // What a step of maintenance does wrong shows in its own situations, and everything else without.
    let own = Mutant.allCases.first(where: \.isActive).flatMap { CrashSuite.ofMaintenance($0.part) }
    let isOwn = { (name: String) in
      (own ?? CrashSuite.ofMaintenance).contains { name.hasPrefix($0) } == (own != nil)
    }
    let first = all.filter { isOwn($0.name) }
    let others = StaleKind.allCases.filter { $0 != .incarnation }
      .flatMap { CrashSuite.programs(stale: $0) }
    let random = (0..<200 as Range<UInt64>).map { (offset: UInt64) in
      let seed = command.seed &+ offset
      return (name: "\(Self.random)\(seed)", program: CrashProgram(seed: seed))
    }
    if try lookAgain(all + others) { return }
    if try checkIndexImages() { return }
    if try checkContracts() { return }
    if try checkBackups() { return }
    if try crash(first, limit: 8) { return }
    // Records of one length are where stale ones fit.
    if try crash(others.filter { $0.name.contains("of one length") }, limit: 8) { return }
    if try damage(oneIn: 2000) { return }
    if try crash(all.filter { !isOwn($0.name) } + others + random, limit: 8) { return }
    if try damage(oneIn: 200) { return }
    _ = try crash(first + random, limit: 1 << 10)
  }

  /// Looks at what has found the mutant before.
  private mutating func lookAgain(
    _ programs: [(name: String, program: CrashProgram)]
  ) throws -> Bool {
    guard var finder = command.finder else { return false }
    if finder.hasPrefix(MutantFinders.trap) { finder.removeFirst(MutantFinders.trap.count) }
    let seed = finder.hasPrefix(Self.random) ? UInt64(finder.dropFirst(Self.random.count)) : nil
    // One for each kind of stale contents.
    var known = programs.filter { $0.name == finder }
    if let seed { known.append((name: finder, program: CrashProgram(seed: seed))) }
    for limit in [8, 1 << 10] where try crash(known, limit: limit) { return true }
    guard finder.hasPrefix(Self.damage) else { return false }
    return try damage { (plan) in
      plan.number(named: String(finder.dropFirst(Self.damage.count))).map { [$0] } ?? []
    }
  }

  /// How the name of what a damaged image showed begins.
  private static let damage = "damage: "
  /// How the name of a random program begins; its seed follows.
  private static let random = "random program "

  /// Every situation on all machines before the next one: each machine has faults of its own.
  private static func interleaved(
    _ programs: [(name: String, program: CrashProgram)]
  ) -> [(name: String, program: CrashProgram)] {
    let count = CrashSuite.scenarios.count
    return (0..<count).flatMap { (first) in
      stride(from: first, to: programs.count, by: count).map { programs[$0] }
    }
  }

  /// Index images with bytes that changed.
  private func checkIndexImages() throws -> Bool {
    guard let first = try DamagedIndexImage.violations().first else { return false }
    try report.send(.found(images: images, "index image: \(first)"))
    return true
  }

  /// Backups whose own medium crashes.
  private func checkBackups() throws -> Bool {
    guard let first = try BackupCrashes.violations().first else { return false }
    // What was found, without the image.
    let line = first.prefix { $0 != "\n" }
    try report.send(.found(images: images, "backups: \(line)"))
    return true
  }

  /// The copy core by itself, and journals that a wrong writer leaves.
  private func checkContracts() throws -> Bool {
    for hardware in CrashHardware.allCases where hardware != .disk {
      for policy in hardware.policies {
        guard let first = CopyContract.violations(on: hardware, policy).first else { continue }
        try report.send(.found(images: images, "copy: \(first)"))
        return true
      }
    }
    let forged =
      try ForgedJournal.violations() + ForgedJournal.violationsOfMark()
    guard let first = forged.first else { return false }
    try report.send(.found(images: images, "forged: \(first)"))
    return true
  }

  private mutating func crash(
    _ programs: [(name: String, program: CrashProgram)],
    limit: Int
  ) throws -> Bool {
    for (name, program) in programs where ContinuousClock.now < end {
      let isFound = try crash(name, program, limit: limit)
      guard !isFound else { return true }
    }
    return false
  }

  private mutating func crash(
    _ name: String,
    _ program: CrashProgram,
    limit: Int
  ) throws -> Bool {
    try report.send(.trying(images: images, name))
    let found = program.explore {
      $0.model.exhaustiveLimit = limit
      $0.model.samplesPerKind = limit == 8 ? 4 : 16
      $0.maximumViolations = 1
    }
    images += found.images
    guard !found.violations.isEmpty || found.mixedLines > 0 else { return false }
    try report.send(.found(images: images, name))
    return true
  }

  private static func scratch(of process: Int32) -> FilePath {
    FilePath("/dev/shm/fenceline-mutant-\(process)")
  }

  /// Removes what a trial has left, however it ended.
  static func removeScratch(of process: Int32) {
    let scratch = scratch(of: process)
    for name in (try? Files.names(in: scratch)) ?? [] {
      Files.removeDirectory(scratch.appending(name))
    }
    Files.removeDirectory(scratch)
  }

  /// What only tells damage from an unfinished write.
  private mutating func damage(oneIn share: Int) throws -> Bool {
    let seed = command.seed
    return try damage { (plan) in
      (0..<plan.count).lazy.filter { plan.isSampled($0, oneIn: share, seed: seed) }
    }
  }

  /// The same of images that are chosen.
  private mutating func damage<Numbers: Sequence<Int>>(
    _ choose: (DamagePlan) -> Numbers
  ) throws -> Bool {
    let scratch = Self.scratch(of: getpid())
    try report.send(.trying(images: images, Self.damage + "making the stores"))
    try Files.makeDirectory(scratch)
    let plan = DamagePlan(for: try SampleStore.all(seed: 1, in: scratch))
    let lab = try DamageLab(plan, in: scratch)
    for number in choose(plan) where ContinuousClock.now < end {
      let image = plan.image(number)
      images += 1
      try report.send(.trying(images: images, Self.damage + image.name))
      if try lab.check(image) != nil {
        try report.send(.found(images: images, Self.damage + image.name))
        return true
      }
    }
    return false
  }
}
#endif
