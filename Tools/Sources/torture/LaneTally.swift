// What one lane counts, and how it says so at its end.

struct LaneTally {
  var kills = 0
  var stores = 0
  /// Kills by what the writer said it was doing.
  var landed: [Phase: Int] = [:]
  var killsInC = 0
  var importsThatEnded = 0
  var readersKilled = 0
  var leftInTheMaking = 0
  private var operations = 0
  private var calls: [String: Int] = [:]
  private var tornTails = 0
  private var besideImages = 0
  private var lostKills = 0
  private var lostOperations = 0
  private var medium = ""

  /// An operation has returned.
  mutating func count(_ operation: Operation) {
    operations += 1
    calls[operation.phase.name, default: 0] += 1
  }

  /// Operations that had returned and were not there, on a medium where that may be.
  mutating func lost(_ count: Int) {
    guard count > 0 else { return }
    lostKills += 1
    lostOperations += count
  }

  mutating func take(_ shown: Shown) {
    if shown.hadTornTail { tornTails += 1 }
    if shown.besideImage { besideImages += 1 }
    if shown.exists { medium = shown.medium }
  }

  /// Several lines for people.
  func text(_ place: String, answers: Int) -> String {
    let hits = Phase.allCases.compactMap { (phase) in
      landed[phase].map { "\(phase.name) \($0)" }
    }
    let kinds = calls.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
    return """
      \(place) (\(medium)): \(kills) kills, \(stores) stores lived to their end
        kills landed in: \(hits.joined(separator: ", "))
        \(killsInC) writers used C; \(importsThatEnded) imports ended before their kill
        \(operations) operations had returned: \(kinds.joined(separator: ", "))
        \(tornTails) torn tails, \(leftInTheMaking) files in the making left, \
      \(besideImages) openings beside an index image
        \(lostOperations) buffered operations lost with their process, in \(lostKills) kills
        readers: \(answers) answers compared, \(readersKilled) killed

      """
  }
}
