// Fixed programs: each brings the store into one situation that random ones meet rarely, or too large
// to be exhausted. Keys and values are mostly short, so that every image of every moment can be
// looked at.

/// Named programs for every kind of hardware.
package enum CrashSuite {
  package typealias Step = CrashProgram.Step

  /// One situation.
  package struct Scenario: Sendable {
    package let name: String
    package let steps: [Step]
    /// Where it makes sense.
    package var hardware: Set<CrashHardware> = Set(CrashHardware.allCases)
    var segmentSize = 8192
    var smallestPrepared = 1 << 20
    var tearsBlocks = false
    var policy: CopyPolicy?
    /// Bytes of the journal whose past has to be readable.
    var retention = 0
  }

  /// The scenarios on all the hardware that they are for, under every policy that is right there.
  ///
  /// - Parameter stale: what the blocks of new files hold.
  /// - Returns: the programs, with names for people.
  package static func programs(
    stale: StaleKind = .incarnation
  ) -> [(name: String, program: CrashProgram)] {
    CrashHardware.allCases.flatMap { (hardware) in
      hardware.policies.flatMap { (policy) in
        scenarios.filter {
          $0.hardware.contains(hardware) && ($0.policy ?? policy) == policy
        }.map { (scenario) in
          var setup = WorkloadSetup(hardware, policy)
          setup.stale = stale
          setup.segmentSize = scenario.segmentSize
          setup.largestSegment = 2 * scenario.segmentSize
          setup.smallestPrepared = scenario.smallestPrepared
          setup.retention = scenario.retention
          let steps = scenario.steps.map { $0.adapted(to: hardware) }
          return (
            "\(scenario.name) on \(hardware.rawValue), \(policy.rawValue)",
            CrashProgram(setup, steps, tearsBlocks: scenario.tearsBlocks)
          )
        }
      }
    }
  }

  /// Every situation.
  package static let scenarios: [Scenario] =
    tails + transactions + closes + threads + rotations + compactions + pasts + images + changes
    + deaths + faults + feeds + backups + lifetimes + namespaces

  /// Names of the situations in which a part beside the journal shows what it does wrong; nil for other parts.
  package static func ofMaintenance(_ part: String) -> Set<String>? {
    switch part {
    case "compaction": names(compactions + pasts + images + changes)
    case "index image": names(images + changes)
    case "index changes": names(changes)
    case "feed": names(feeds)
    case "backup": names(backups)
    case "expiry": names(lifetimes)
    case "namespaces": names(namespaces)
    default: nil
    }
  }

  /// Names of the situations that show nothing of other parts.
  package static let ofMaintenance = names(
    compactions + pasts + images + changes + feeds + backups + lifetimes + namespaces
  )

  /// Names of the situations of namespaces.
  package static let namespaceNames = names(namespaces)

  private static func names(_ scenarios: [Scenario]) -> Set<String> { Set(scenarios.map(\.name)) }

  private static func durable(_ action: CrashProgram.Action) -> Step { Step(action, durable: true) }
  private static func elsewhere(_ action: CrashProgram.Action) -> Step {
    Step(action, newThread: true)
  }
  private static func here(_ action: CrashProgram.Action) -> Step { Step(action) }

  static func step(_ action: CrashProgram.Action, durable: Bool = false) -> Step {
    Step(action, durable: durable)
  }

  // MARK: What a commit or a sync leaves when it is cut short

  private static let tails = [
    Scenario(name: "a buffered put", steps: [here(.put(3, 5)), here(.sync)]),
    Scenario(
      name: "buffered puts that share lines",
      steps: [
        here(.put(1, 1)), here(.put(2, 2)), here(.put(1, 3)), here(.sync), here(.put(3, 14)),
        here(.sync),
      ]
    ),
    Scenario(name: "durable puts of a line", steps: [durable(.put(3, 30)), durable(.put(3, 29))]),
    Scenario(name: "a durable put of two lines", steps: [durable(.put(5, 32))]),
    Scenario(
      name: "durable puts of one length",
      steps: [durable(.put(1, 8)), durable(.put(2, 8)), durable(.put(1, 8)), durable(.put(3, 8))]
    ),
    Scenario(
      name: "buffered puts of one length",
      steps: [here(.put(1, 8)), here(.put(2, 8)), here(.sync), here(.put(1, 8)), here(.put(2, 8))]
    ),
    Scenario(
      name: "overwrites and deletes",
      steps: [
        durable(.put(1, 3)), here(.put(1, 3)), here(.delete(1)), here(.put(2, 1)), here(.sync),
        durable(.delete(2)),
      ]
    ),
    Scenario(
      name: "values of 0 to 200 bytes",
      steps: [0, 1, 44, 60, 107, 165, 200].map { durable(.put(3, $0)) }
    ),
    Scenario(
      name: "blocks that arrive torn",
      steps: [
        here(.put(1, 1)), here(.sync), durable(.put(1, 1)), here(.close(.strict)),
        durable(.put(2, 1)), here(.close(.strict)),
      ],
      tearsBlocks: true
    ),
    Scenario(
      name: "a value of more than 64 KiB",
      steps: [durable(.put(2, 1)), here(.put(3, 65_600)), here(.put(1, 1)), here(.sync)]
    ),
  ]

  private static let transactions = (2...4).flatMap { (count) -> [Scenario] in
    let changes = (1..<count).map { CrashProgram.Change($0, 8) } + [CrashProgram.Change(5, nil)]
    return [false, true].map { (isDurable) in
      Scenario(
        name: "a \(isDurable ? "durable" : "buffered") transaction of \(count)",
        steps: [
          durable(.put(5, 6)), Step(.transaction(changes), durable: isDurable), here(.sync),
        ]
      )
    }
  }

  private static let closes = [
    Scenario(name: "a close", steps: [here(.put(1, 1)), here(.close(.strict))]),
    Scenario(
      name: "writing again after a close",
      steps: [
        here(.put(1, 1)), here(.close(.strict)), here(.put(1, 1)), durable(.put(2, 1)),
        here(.close(.strict)),
      ]
    ),
    Scenario(
      name: "a transaction after a close",
      steps: [
        here(.put(1, 1)), here(.close(.strict)),
        here(.transaction([.init(1, 1), .init(2, 1)])), here(.sync),
      ]
    ),
    Scenario(
      name: "a record lost behind a close, and one of its length in its place",
      steps: [
        here(.put(1, 8)), here(.close(.strict)), here(.put(2, 8)), here(.put(3, 8)),
        here(.kill(.strict)), here(.put(2, 8)), here(.sync),
      ]
    ),
  ]

  private static let threads = [
    Scenario(
      name: "one thread writes, another one syncs",
      steps: [
        elsewhere(.put(1, 1)), elsewhere(.put(2, 1)), here(.sync), elsewhere(.put(1, 1)),
        Step(.put(3, 1), durable: true, newThread: true), elsewhere(.delete(1)),
        elsewhere(.close(.strict)),
      ]
    ),
    Scenario(
      name: "a huge value of one thread, synced by another one",
      steps: [elsewhere(.put(3, 65_600)), elsewhere(.put(1, 1)), elsewhere(.sync)]
    ),
    Scenario(
      name: "early write-back of records of several threads",
      steps: (0..<9).map { Step(.put($0 % 4, 290 + $0), newThread: $0.isMultiple(of: 2)) } + [
        here(.transaction([.init(1, 1), .init(2, 1)])),
        Step(.put(1, 8), durable: true, newThread: true),
      ]
    ),
    Scenario(
      name: "processes that copy in turn by one policy and the other",
      steps: [
        here(.put(1, 20)), durable(.put(2, 40)), here(.close(.strict)), here(.put(1, 40)),
        here(.kill(.trusting)), durable(.put(3, 20)), here(.put(2, 41)), here(.close(.strict)),
      ],
      hardware: [.streamsBypassCache]
    ),
  ]

  private static let rotations = [
    Scenario(
      name: "rotation",
      steps: [
        durable(.put(1, 3400)), here(.put(2, 17)), here(.put(3, 400)), durable(.put(1, 11)),
      ]
    ),
    Scenario(
      name: "rotation by a thread that wrote nothing",
      steps: [
        durable(.put(1, 3400)), elsewhere(.put(2, 19)), here(.put(3, 400)), elsewhere(.sync),
      ]
    ),
    Scenario(
      name: "several rotations",
      steps: (0..<9).map { here(.put($0 % 3, 1500)) } + [durable(.delete(0))]
    ),
    Scenario(
      name: "records of one length over several segments",
      steps: (0..<12).map { here(.put($0 % 4, 900)) } + [here(.sync), here(.put(1, 900))]
    ),
    Scenario(
      name: "segments made ahead of need",
      steps: (0..<7).map { here(.put($0 % 3, 1500)) }
        + [here(.kill(.strict)), here(.put(1, 1500)), here(.close(.strict)), here(.put(2, 1500))],
      smallestPrepared: 4096
    ),
  ]

  private static let deaths =
    [60, 250, 420, 600, 700, 780, 860, 930, 1000].map { (share) in
      Scenario(
        name: "death after \(share)/1000 of the events",
        steps: [
          here(.put(1, 1)), here(.put(2, 1)), here(.sync), here(.put(1, 1)),
          durable(.transaction([.init(3, 1), .init(2, nil)])), here(.close(.strict)),
          here(.put(1, 8)), durable(.put(2, 8)), here(.killAmid(share, .strict)),
          here(.put(1, 8)), here(.sync),
        ]
      )
    }
    // What an unfinished close left is found, believed, and built upon.
    + (1...9).map { (count) in
      Scenario(
        name: "death \(count) events before the end of a close",
        steps: [
          here(.close(.strict)), here(.put(1, 0)), here(.close(.strict)), here(.put(2, 8)),
          here(.killBefore(count, .strict)), here(.close(.strict)),
          here(.killBefore(count, .strict)),
          here(.put(1, 0)), here(.sync), here(.close(.strict)),
        ]
      )
    }
    + [200, 400, 600, 700, 800, 850, 900, 950].map { (share) in
      Scenario(
        name: "death in rotation, after \(share)/1000 of the events",
        steps: [
          durable(.put(1, 3400)), here(.put(2, 8)), here(.put(3, 300)), durable(.put(4, 1)),
          here(.killAmid(share, .strict)), here(.put(2, 8)), here(.sync),
        ]
      )
    }

  private static let faults = [
    Scenario(
      name: "a full medium, opened and closed again and again",
      steps: [durable(.put(1, 3200)), here(.close(.strict)), here(.fill(true))]
        + (0..<4).flatMap { _ in [here(.put(2, 700)), here(.close(.strict))] }
        + [
          here(.delete(1)), here(.close(.strict)), here(.fill(false)), durable(.put(2, 700)),
        ]
    ),
    Scenario(
      name: "a disk that loses what it is given",
      steps: [
        durable(.put(1, 8)), here(.put(2, 8)), here(.failSync(evicting: false)),
        durable(.put(3, 8)), here(.put(1, 8)), here(.failSync(evicting: true)), here(.put(2, 8)),
        here(.sync),
      ],
      hardware: [.disk]
    ),
  ]
}

extension CrashProgram.Step {
  /// The same under a policy that is right on `hardware`.
  fileprivate func adapted(to hardware: CrashHardware) -> Self {
    func fitting(_ policy: CopyPolicy) -> CopyPolicy {
      hardware.policies.contains(policy) ? policy : hardware.policies[0]
    }
    var step = self
    switch action {
    case .close(let policy): step.action = .close(fitting(policy))
    case .kill(let policy): step.action = .kill(fitting(policy))
    case .killAmid(let share, let policy): step.action = .killAmid(share, fitting(policy))
    case .killBefore(let count, let policy): step.action = .killBefore(count, fitting(policy))
    default: break
    }
    return step
  }
}
