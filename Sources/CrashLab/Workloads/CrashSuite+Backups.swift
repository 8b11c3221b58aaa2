// Situations of those who copy a store: what they have, a crash must not take back.

extension CrashSuite {
  static let backups: [Scenario] = {
    let backUp = CrashProgram.Step(.backUp)
    return [
      Scenario(
        name: "backups beside a writer",
        steps: [
          backUp, step(.put(1, 8)), step(.put(2, 30)), backUp, step(.delete(1)),
          step(.transaction([.init(1, 8), .init(3, 60)])), backUp, step(.put(3, 3), durable: true),
          backUp, step(.put(1, 1)), step(.sync), backUp, step(.put(2, 2)),
        ]
      ),
      Scenario(
        name: "backups over segments",
        steps: [backUp] + [0, 1, 2, 3, 0].flatMap { [step(.put($0, 2500)), backUp] } + [
          step(.sync), backUp, step(.put(1, 8)), step(.compact), backUp, step(.put(2, 8)), backUp,
        ]
      ),
      Scenario(
        name: "backups behind a death and a close",
        steps: [
          step(.put(1, 8)), backUp, step(.put(2, 8)), step(.kill(.strict)), backUp,
          step(.put(3, 8)), backUp, step(.put(1, 20), durable: true), backUp,
          step(.close(.strict)), backUp, step(.put(1, 3)), backUp,
        ]
      ),
    ]
  }()
}
