// Programs that a seed alone decides.

extension CrashProgram {
  /// The program of `seed`.
  ///
  /// - Parameters:
  ///   - seed: every choice follows from it.
  ///   - hardware: the machine, or nil to let the seed choose.
  package init(seed: UInt64, on hardware: CrashHardware? = nil) {
    var generator = SeededGenerator(seed: seed)
    let hardware = hardware ?? CrashHardware.allCases.randomElement(using: &generator) ?? .disk
    var setup = WorkloadSetup(hardware, hardware.policies.randomElement(using: &generator))
    setup.stale = StaleKind.allCases.randomElement(using: &generator) ?? .none
    // Rotations and early write-back come with small segments, long values with large ones.
    setup.segmentSize = [8192, 8192, 8192, 16384, 65536].randomElement(using: &generator) ?? 8192
    setup.largestSegment = setup.segmentSize * Int.random(in: 1...2, using: &generator)
    if Int.random(in: 0..<3, using: &generator) == 0 { setup.smallestPrepared = 4096 }
    self.setup = setup
    tearsBlocks = Int.random(in: 0..<6, using: &generator) == 0
    // Short values of one length make stale records fit; otherwise anything goes.
    let lengths: [Int] =
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: [[0, 8, 20, 32].randomElement(using: &generator) ?? 8]
      case 1: [0, 3, 8, 20, 32]
      case 2: [0, 3, 20, 45, 90, 130, 300, 900]
      default: [0, 20, 130, 300, 900, 2000, 3000]
      }
    steps = []
    for _ in 0..<Int.random(in: 2...12, using: &generator) {
      steps.append(
        Step(
          Self.action(setup, lengths, &generator),
          durable: Int.random(in: 0..<4, using: &generator) == 0,
          newThread: Int.random(in: 0..<3, using: &generator) == 0
        )
      )
    }
    // One huge value is enough for a program.
    if setup.segmentSize == 65536, Int.random(in: 0..<3, using: &generator) == 0 {
      let place = Int.random(in: 0...steps.count, using: &generator)
      let isOnNewThread = Bool.random(using: &generator)
      steps.insert(Step(.put(1, 66_000), newThread: isOnNewThread), at: place)
    }
    if steps.contains(where: { $0.action == .fill(true) }) { steps.append(Step(.fill(false))) }
  }

  private static func action(
    _ setup: WorkloadSetup,
    _ lengths: [Int],
    _ generator: inout SeededGenerator
  ) -> Action {
    func number(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }
    func length() -> Int { lengths[number(lengths.count)] }
    let policies = setup.hardware.policies
    func changes() -> [Change] {
      (0..<number(4)).map { _ in Change(number(keys.count), number(3) == 0 ? nil : length()) }
    }
    switch number(52) {
    case 0..<14: return .put(number(keys.count), length())
    case 14..<18: return .delete(number(keys.count))
    case 18..<25:
      let chosen = Array(keys.indices).shuffled(using: &generator).prefix(1 + number(4))
      return .transaction(chosen.map { Change($0, number(4) == 0 ? nil : length()) })
    case 25..<31: return .sync
    case 31..<34: return .close(policies[number(policies.count)])
    case 34..<36: return .kill(policies[number(policies.count)])
    case 36: return .killAmid(number(1001), policies[number(policies.count)])
    case 37: return .killBefore(number(12), policies[number(policies.count)])
    case 38 where setup.hardware == .disk: return .failSync(evicting: number(2) == 0)
    case 38: return .sync
    case 39...41: return .compact
    case 42: return .compactSealed
    case 43...46:
      return .image(changes())
    case 47...48: return .noteChanges
    case 49...50: return .compactAmid(1 + number(8), changes())
    default: return .fill(number(2) == 0)
    }
  }
}
