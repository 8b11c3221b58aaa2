// What the figures mean: Fenceline against its peers and against the machine.

struct Ratio: Codable {
  var text: String
  var value: Double
  /// The bound that the project has set itself, where there is one.
  var atMost: Double?
  var atLeast: Double?
  var isMet: Bool?

  private init(_ text: String, _ value: Double, atMost: Double? = nil, atLeast: Double? = nil) {
    self.text = text
    self.value = value
    self.atMost = atMost
    self.atLeast = atLeast
    if let atMost { isMet = value <= atMost }
    if let atLeast { isMet = value >= atLeast }
  }

  /// All ratios are of wall time per operation, so those against peers say how often Fenceline is
  /// faster, those against the floor how much it adds.
  static func all(of engines: [EngineFigures]) -> [Ratio] {
    guard let own = engines.first(where: { $0.name == "fenceline" }) else { return [] }
    var ratios: [Ratio] = []
    let floor = engines.first { $0.name == "floor" }

    func againstFloor(_ workload: Workload, _ bound: Workload, atMost: Double? = nil) {
      guard let mine = own.figures(workload), let least = floor?.figures(bound) else { return }
      ratios.append(
        Ratio(
          "\(workload.title) / floor: \(bound.title)",
          mine.nanosecondsPerOperation / least.nanosecondsPerOperation,
          atMost: atMost
        )
      )
    }
    againstFloor(.putFresh, .storeStrict, atMost: 2)
    againstFloor(.putOverwrite, .storeStrict, atMost: 2)
    againstFloor(.putFresh, .recordStrict)
    againstFloor(.putOverwrite, .recordStrict)
    againstFloor(.putFresh, .appendFdatasync)
    againstFloor(.putOverwrite, .appendFdatasync)
    againstFloor(.getHit, .randomRead)

    for peer in engines where peer.name != own.name && peer.name != "floor" {
      for workload in Workload.ofStores {
        guard let mine = own.figures(workload), let theirs = peer.figures(workload) else { continue }
        let bound: Double? =
          switch (workload, peer.name) {
          case (.getHit, "lmdb"): 2
          case (.batch, "lmdb"): 3
          default: nil
          }
        ratios.append(
          Ratio(
            "\(peer.name) / fenceline: \(workload.title)",
            theirs.nanosecondsPerOperation / mine.nanosecondsPerOperation,
            atLeast: bound
          )
        )
      }
    }
    return ratios
  }
}
