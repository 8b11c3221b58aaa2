// Situations of a compaction: what its sources' dead records died of, what takes their place, and what
// a delete record is still needed for.

extension CrashSuite {
  static let compactions =
    [
      Scenario(
        name: "compaction of what was overwritten",
        steps: (0..<7).map { step(.put($0 % 3, 1500)) } + [
          step(.compact), step(.put(1, 8), durable: true), step(.compact), step(.close(.strict)),
          step(.put(2, 8), durable: true),
        ]
      ),
      Scenario(
        name: "compaction of what a buffered put has overwritten",
        steps: [
          step(.put(1, 1500)), step(.put(2, 1500)), step(.put(3, 1500)), step(.put(4, 1500)),
          step(.put(5, 1500)), step(.sync), step(.put(1, 8)), step(.put(2, 8)), step(.put(3, 8)),
          step(.delete(4)), step(.compactSealed), step(.put(3, 3), durable: true),
        ]
      ),
      Scenario(
        name: "compaction by a thread that wrote nothing",
        steps: (0..<6).map { step(.put($0 % 2, 1500), elsewhere: true) } + [
          step(.put(1, 8)), step(.compact, elsewhere: true), step(.put(2, 8), durable: true),
        ]
      ),
      Scenario(
        name: "compaction of parts of transactions",
        steps: [
          step(.transaction([.init(1, 900), .init(2, 900), .init(3, 900)])),
          step(.transaction([.init(1, 900), .init(4, 900)])), step(.put(2, 1500)),
          step(.put(5, 1500)),
          step(.sync), step(.compact), step(.kill(.strict)), step(.put(1, 8)), step(.sync),
        ]
      ),
      Scenario(
        name: "compaction of a segment with deletes whose records are in an older one",
        steps: [
          step(.put(0, 100)), step(.put(1, 3000)), step(.put(2, 3000)), step(.put(3, 3000)),
          step(.put(4, 3000)), step(.put(5, 3000)), step(.delete(0)), step(.put(5, 2500)),
          step(.put(5, 2500)), step(.put(5, 2500)), step(.put(5, 2500)), step(.sync),
          step(.compact), step(.put(0, 8), durable: true), step(.delete(0)), step(.compact),
        ],
        segmentSize: 16384
      ),
      Scenario(
        name: "everything deleted and compacted",
        steps: [
          step(.put(1, 1500)), step(.put(2, 1500)), step(.put(3, 1500)), step(.delete(1)),
          step(.delete(2)), step(.delete(3)), step(.compact), step(.put(1, 8), durable: true),
        ]
      ),
      Scenario(
        name: "compaction of a full medium",
        steps: (0..<6).map { step(.put($0 % 2, 1500)) } + [step(.fill(true))]
          + (0..<6).map { step(.put($0 % 2, 1500)) } + [
            step(.compact), step(.put(1, 8), durable: true), step(.fill(false)), step(.sync),
          ]
      ),
    ]
    + [300, 500, 650, 750, 820, 880, 920, 960, 1000].map { (share) in
      Scenario(
        name: "death in a compaction, after \(share)/1000 of the events",
        steps: [
          step(.put(1, 1500)), step(.put(2, 1500)), step(.put(3, 1500)), step(.put(1, 8)),
          step(.delete(2)), step(.compact), step(.killAmid(share, .strict)), step(.put(2, 8)),
          step(.sync), step(.compact),
        ]
      )
    }

  private static func step(
    _ action: CrashProgram.Action,
    durable: Bool = false,
    elsewhere: Bool = false
  ) -> Step {
    Step(action, durable: durable, newThread: elsewhere)
  }
}
