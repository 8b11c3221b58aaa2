// Situations of namespaces: what was dropped stays so with everything behind it, and what is deleted behind
// the drop takes nothing else away.

extension CrashSuite {
  static let namespaces =
    [
      Scenario(
        name: "namespaces, one of them dropped",
        steps: [
          step(.create(0)), step(.create(1)), step(.putAcross(1, 8)), step(.sync),
          step(.putIn(0, 2, 30)), step(.drop(0)), step(.putIn(1, 3, 8)), step(.put(2, 8)),
          step(.compact), step(.create(0)), step(.putIn(0, 2, 3), durable: true),
        ]
      ),
      Scenario(
        name: "a namespace dropped before a death",
        steps: [
          step(.create(0)), step(.putIn(0, 1, 8)), step(.putAcross(2, 3)), step(.drop(0)),
          step(.put(1, 8)), step(.kill(.strict)), step(.create(0)), step(.putIn(0, 3, 3)),
          step(.compact), step(.drop(0)), step(.close(.strict)), step(.compact),
          step(.create(1), durable: true),
        ]
      ),
    ]
    + [2, 8, 16].map { (count) in
      Scenario(
        name: "death \(count) events before the end of deletes behind a drop",
        steps: [
          step(.create(0)), step(.create(1)), step(.putIn(0, 1, 900)), step(.putIn(0, 2, 900)),
          step(.putIn(1, 1, 900)), step(.drop(0)), step(.compact),
          step(.killBefore(count, .strict)), step(.putIn(1, 2, 8)), step(.compact),
        ]
      )
    }
}
