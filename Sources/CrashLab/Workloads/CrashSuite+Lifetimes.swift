// Situations of values that end: what was removed for good must not come back, nor what it had hidden.

extension CrashSuite {
  static let lifetimes = [
    Scenario(
      name: "values that end",
      steps: [
        step(.put(1, 8)), step(.putExpiring(2, 30)), step(.putExpiring(1, 3), durable: true),
        step(.put(3, 8)), step(.expire), step(.put(2, 5)), step(.sync), step(.expire),
      ]
    ),
    Scenario(
      name: "values that end and had hidden others, compacted",
      steps: [
        step(.put(1, 2500)), step(.put(2, 2500)), step(.putExpiring(1, 30)),
        step(.putExpiring(3, 30)), step(.sync), step(.expire), step(.compact), step(.put(3, 8)),
        step(.compactSealed), step(.sync),
      ]
    ),
    Scenario(
      name: "values that end behind a death and a close",
      steps: [
        step(.putExpiring(1, 8)), step(.putExpiring(2, 60), durable: true), step(.kill(.strict)),
        step(.expire), step(.kill(.strict)), step(.expire), step(.putExpiring(3, 8)),
        step(.close(.strict)), step(.expire), step(.put(1, 3)), step(.sync),
      ]
    ),
  ]
}
