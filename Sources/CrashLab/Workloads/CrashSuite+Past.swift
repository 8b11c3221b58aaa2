// Situations of a past that has to stay readable: versions that compactions keep for it, what hides them,
// and what becomes of both when the window moves on.

extension CrashSuite {
  static let pasts: [Scenario] =
    [
      Scenario(
        name: "compaction of what a window has overwritten",
        steps: [
          step(.put(0, 900)), step(.put(1, 900)), step(.put(2, 900)), step(.put(0, 700)),
          step(.put(3, 900)), step(.put(4, 900)), step(.put(1, 8)), step(.delete(2)),
          step(.compact),
          step(.put(0, 8), durable: true),
        ],
        retention: 64
      ),
      Scenario(
        name: "two compactions while a window moves on",
        steps: [
          step(.put(0, 900)), step(.put(1, 900)), step(.put(2, 900)), step(.put(3, 700)),
          step(.put(0, 8)), step(.compact), step(.put(1, 8)), step(.delete(0)), step(.compact),
          step(.put(4, 1500)), step(.put(5, 1500)), step(.put(4, 900)), step(.compact),
          step(.close(.strict)), step(.put(0, 3), durable: true), step(.compact),
        ],
        retention: 1024
      ),
      Scenario(
        name: "a delete that hides what is kept for the past",
        steps: [
          step(.put(0, 900)), step(.put(1, 900)), step(.put(2, 900)), step(.put(3, 900)),
          step(.delete(0)), step(.put(1, 8)), step(.compact), step(.put(2, 1500)),
          step(.put(3, 1500)),
          step(.compact), step(.put(0, 8)), step(.put(4, 1500)), step(.put(5, 1500)),
          step(.compact),
          step(.kill(.strict)), step(.delete(0), durable: true), step(.compact),
        ],
        retention: 512
      ),
      Scenario(
        name: "parts of transactions that are kept for the past",
        steps: [
          step(.transaction([.init(1, 900), .init(2, 900), .init(3, 900)])),
          step(.transaction([.init(1, 900), .init(4, 900)])), step(.put(5, 1500)),
          step(.transaction([.init(1, 8), .init(2, nil)])), step(.compact), step(.put(1, 3)),
          step(.sync), step(.compact),
        ],
        retention: 64
      ),
    ]
    + [500, 800, 900, 960, 1000].map { (share) in
      Scenario(
        name: "death in a compaction that keeps the past, after \(share)/1000 of the events",
        steps: [
          step(.put(1, 1500)), step(.put(2, 1500)), step(.put(3, 1500)), step(.put(1, 8)),
          step(.delete(2)), step(.compact), step(.killAmid(share, .strict)), step(.put(2, 8)),
          step(.sync), step(.compact),
        ],
        retention: 64
      )
    }
}
