// Situations of those who are told of changes: what they know, a crash must not take back.

extension CrashSuite {
  static let feeds = [false, true].flatMap { (isElsewhere) -> [Scenario] in
    let tell = CrashProgram.Step(.tell(elsewhere: isElsewhere))
    let place = isElsewhere ? "in another process" : "by the writer"
    return [
      Scenario(
        name: "changes told \(place)",
        steps: [
          tell, step(.put(1, 8)), step(.put(2, 30)), tell, step(.delete(1)),
          step(.transaction([.init(1, 8), .init(3, 60)])), tell, step(.put(3, 3), durable: true),
          tell, step(.put(1, 1)), step(.sync), tell, step(.put(2, 2)),
        ]
      ),
      Scenario(
        name: "changes told \(place) over segments",
        steps: [tell] + [0, 1, 2, 3, 0].flatMap { [step(.put($0, 2500)), tell] } + [
          step(.sync), tell, step(.put(1, 8)), step(.compact), tell, step(.put(2, 8)), tell,
        ]
      ),
      Scenario(
        name: "changes told \(place) behind a death and a close",
        steps: [
          step(.put(1, 8)), tell, step(.put(2, 8)), step(.kill(.strict)), tell, step(.put(3, 8)),
          tell, step(.put(1, 20), durable: true), tell, step(.close(.strict)), tell,
          step(.put(1, 3)), tell,
        ]
      ),
    ]
  }
}
