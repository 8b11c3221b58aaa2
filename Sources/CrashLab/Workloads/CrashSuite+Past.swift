// Situations of a past that has to stay readable: versions that compactions keep for it, what hides them,
// and what becomes of both when the window moves on. Two values of 1,500 bytes fill a segment.

extension CrashSuite {
  static let pasts: [Scenario] =
    [300, 700, 2000].map { (retention) in
      Scenario(
        name: "compaction of what a window of \(retention) bytes has overwritten",
        steps: overwritten + [step(.compact), step(.put(0, 8), durable: true)],
        retention: retention
      )
    }
    + [
      Scenario(
        name: "compactions while a window moves on",
        steps: overwritten + [
          step(.compact), step(.put(4, 1500)), step(.put(5, 1500)), step(.delete(1)),
          step(.compact),
          step(.put(4, 1500)), step(.put(5, 1500)), step(.compact), step(.close(.strict)),
          step(.put(0, 3), durable: true), step(.compact),
        ],
        retention: 700
      ),
      Scenario(
        name: "a delete that hides what is kept for the past",
        steps: [
          step(.put(0, 1500)), step(.put(1, 1500)), step(.put(2, 1500)), step(.put(2, 1500)),
          step(.put(3, 1500)), step(.delete(0)), step(.put(1, 8)), step(.compact),
          step(.put(3, 1500)), step(.put(3, 1500)), step(.put(0, 8)), step(.compact),
          step(.put(4, 1500)), step(.kill(.strict)), step(.delete(0), durable: true),
          step(.compact),
        ],
        retention: 700
      ),
      Scenario(
        name: "parts of transactions that are kept for the past",
        steps: [
          step(.transaction([.init(1, 1000), .init(2, 1000), .init(3, 1000)])),
          step(.transaction([.init(4, 1500), .init(3, 1500)])), step(.put(4, 1500)),
          step(.put(3, 1500)), step(.transaction([.init(1, 8), .init(2, nil)])), step(.compact),
          step(.put(1, 3)), step(.sync), step(.compact),
        ],
        retention: 700
      ),
    ]
    + [500, 800, 900, 960, 1000].map { (share) in
      Scenario(
        name: "death in a compaction that keeps the past, after \(share)/1000 of the events",
        steps: overwritten + [
          step(.compact), step(.killAmid(share, .strict)), step(.put(2, 3)), step(.sync),
          step(.compact),
        ],
        retention: 700
      )
    }

  /// The first two segments hold what was overwritten before the window, and what only the window has.
  private static let overwritten = [
    step(.put(0, 1500)), step(.put(1, 1500)), step(.put(2, 1500)), step(.put(0, 1500)),
    step(.put(0, 1500)), step(.put(3, 1500)), step(.put(1, 8)), step(.delete(2)),
  ]
}
