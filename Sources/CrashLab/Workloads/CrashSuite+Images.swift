// Situations of an index image: what changes while it is made, what a crash takes of what it knows, and
// what is compacted behind it.

extension CrashSuite {
  static let images =
    [
      Scenario(
        name: "an image, and what comes behind it",
        steps: [
          step(.put(1, 8)), step(.put(2, 20)), step(.put(3, 3)), step(.delete(2)),
          step(.image([])), step(.put(2, 8)), step(.delete(1)), step(.sync),
          step(.put(4, 8)),
        ]
      ),
      Scenario(
        name: "an image of keys that change while it is made",
        steps: [
          step(.put(1, 8)), step(.put(2, 8)), step(.put(3, 8)),
          step(.image([.init(1, 20), .init(2, nil), .init(4, 8), .init(1, nil), .init(1, 3)])),
          step(.delete(1)), step(.put(2, 3), durable: true),
        ]
      ),
      Scenario(
        name: "an image of a delete that nobody synced",
        steps: [
          step(.put(1, 8), durable: true), step(.put(2, 8), durable: true),
          step(.image([.init(1, nil)])), step(.put(3, 8)), step(.put(1, 20)),
        ]
      ),
      Scenario(
        name: "an image over rotations",
        steps: (0..<4).map { step(.put($0, 1500)) } + [
          step(.image([.init(1, 3000), .init(2, 3000), .init(3, nil), .init(3, 3000)])),
          step(.delete(3)), step(.put(0, 1500), durable: true),
        ]
      ),
      Scenario(
        name: "an image, and a compaction behind it",
        steps: (0..<6).map { step(.put($0 % 3, 1500)) } + [
          step(.image([])), step(.put(1, 8)), step(.delete(2)), step(.compact),
          step(.put(2, 8), durable: true), step(.compact), step(.kill(.strict)), step(.put(0, 8)),
          step(.sync),
        ]
      ),
      Scenario(
        name: "an image behind a compaction, and another one",
        steps: (0..<6).map { step(.put($0 % 3, 1500)) } + [
          step(.compact), step(.image([.init(0, nil)])), step(.put(0, 8)), step(.image([])),
          step(.close(.strict)), step(.delete(0)), step(.image([])), step(.kill(.strict)),
          step(.put(3, 8), durable: true),
        ]
      ),
      Scenario(
        name: "an image of a closed store",
        steps: [
          step(.put(1, 8)), step(.image([])), step(.close(.strict)), step(.image([])),
          step(.close(.strict)), step(.put(1, 3)), step(.sync),
        ]
      ),
      Scenario(
        name: "an image on a full medium",
        steps: [
          step(.put(1, 8)), step(.image([])), step(.fill(true)), step(.put(1, 3)),
          step(.image([])), step(.fill(false)), step(.put(2, 3)), step(.sync),
        ]
      ),
    ]
    + [200, 500, 700, 850, 950, 1000].map { (share) in
      Scenario(
        name: "death while an image is made, after \(share)/1000 of the events",
        steps: [
          step(.put(1, 8)), step(.put(2, 8), durable: true), step(.image([.init(2, nil)])),
          step(.killAmid(share, .strict)), step(.put(2, 3)), step(.image([])), step(.put(3, 3)),
        ]
      )
    }
}
