// Situations of the changes behind an index image: what a crash takes of them, what is compacted beside them,
// and what leads on from them in another process.

extension CrashSuite {
  static let changes =
    (7...8).map { (look) in
      Scenario(
        name: "a key that goes at look \(look) of a compaction",
        steps: [0, 1, 2, 3, 0, 1, 3].map { step(.put($0, 1500)) } + [
          step(.image([])), step(.compactAmid(look, [.init(2, nil)])), step(.noteChanges),
          step(.put(0, 8), durable: true),
        ]
      )
    }
    // At its end a compaction says so in the changes: of before that, these know it in part.
    + [12, 24].map { (count) in
      Scenario(
        name: "changes that know a compaction \(count) events before its end, and two recoveries",
        steps: [0, 1, 2, 3, 0, 1, 3].map { step(.put($0, 1500)) } + [
          step(.image([])), step(.compactAmid(1, [])), step(.killBefore(count, .strict)),
          step(.put(0, 8)), step(.noteChanges), step(.kill(.strict)), step(.delete(2)),
          step(.put(3, 8)), step(.sync),
        ]
      )
    }
    + [
      Scenario(
        name: "changes behind an image",
        steps: [
          step(.put(1, 8)), step(.put(2, 20)), step(.image([])), step(.put(3, 8)), step(.delete(1)),
          step(.noteChanges), step(.put(1, 3)), step(.delete(2)), step(.noteChanges),
          step(.put(2, 8)), step(.sync),
        ]
      ),
      Scenario(
        name: "changes of a delete that nobody synced",
        steps: [
          step(.put(1, 8)), step(.put(2, 8)), step(.image([])), step(.delete(1)),
          step(.noteChanges), step(.put(3, 8)), step(.put(2, 20)),
        ]
      ),
      Scenario(
        name: "changes that lead on behind a crash",
        steps: [
          step(.put(1, 8)), step(.image([.init(2, 8)])), step(.put(1, 20)), step(.noteChanges),
          step(.delete(2)), step(.put(3, 8), durable: true), step(.kill(.strict)),
          step(.put(2, 3)), step(.noteChanges), step(.delete(3), durable: true),
          step(.kill(.strict)), step(.delete(1)), step(.noteChanges), step(.put(3, 8)),
        ]
      ),
      Scenario(
        name: "changes of a lost end, and another history",
        steps: [
          step(.put(1, 8), durable: true), step(.image([])), step(.put(2, 8)), step(.delete(1)),
          step(.noteChanges), step(.killBefore(8, .strict)), step(.put(3, 8)),
          step(.put(1, 20)), step(.noteChanges), step(.delete(3)), step(.noteChanges),
          step(.sync),
        ]
      ),
      Scenario(
        name: "changes up to a close, and behind it",
        steps: [
          step(.put(1, 8)), step(.image([])), step(.put(2, 8)), step(.noteChanges),
          step(.close(.strict)), step(.delete(2)), step(.noteChanges), step(.close(.strict)),
          step(.put(2, 3)), step(.delete(1)), step(.sync),
        ]
      ),
      Scenario(
        name: "changes, and a compaction behind them",
        steps: (0..<6).map { step(.put($0 % 3, 1500)) } + [
          step(.image([])), step(.put(1, 8)), step(.delete(2)), step(.noteChanges), step(.compact),
          step(.put(2, 8), durable: true), step(.noteChanges), step(.kill(.strict)),
          step(.compact), step(.delete(0)), step(.noteChanges), step(.put(1, 3)),
        ]
      ),
      Scenario(
        name: "keys that go while they are compacted",
        steps: (0..<6).map { step(.put($0 % 4, 1500)) } + [
          step(.image([])), step(.put(3, 1500)),
          step(.compactAmid(1, [.init(0, nil), .init(1, 8), .init(2, nil)])),
          step(.put(0, 8)), step(.noteChanges), step(.delete(1), durable: true),
        ]
      ),
      Scenario(
        name: "changes on a full medium",
        steps: [
          step(.put(1, 8)), step(.image([])), step(.put(2, 3)), step(.fill(true)),
          step(.put(1, 3)), step(.noteChanges), step(.delete(2)), step(.fill(false)),
          step(.put(2, 3)), step(.noteChanges), step(.image([])), step(.put(1, 8)), step(.sync),
        ]
      ),
    ]
    + [300, 600, 800, 900, 950].map { (share) in
      Scenario(
        name: "death amid changes and a compaction, after \(share)/1000 of the events",
        steps: (0..<5).map { step(.put($0 % 3, 1500)) } + [
          step(.image([])), step(.put(2, 1500)), step(.noteChanges),
          step(.compactAmid(2, [.init(0, nil), .init(3, 8)])), step(.killAmid(share, .strict)),
          step(.put(0, 8)), step(.noteChanges), step(.delete(1)), step(.noteChanges),
        ]
      )
    }
}
