// What the figures mean: Fenceline against its peers and against the machine.

struct Ratio: Codable {
  var text: String
  /// Of wall time by operation.
  var value: Double
  /// Of the medians of single samples: less disturbed where other programs run, but stamps are in
  /// it, and what happens rarely is not.
  var valueOfP50: Double
  /// The bound that the project has set itself, where there is one.
  var atMost: Double?
  var atLeast: Double?
  var isMet: Bool?

  private init(
    _ text: String,
    _ dividend: Figures,
    _ divisor: Figures,
    atMost: Double? = nil,
    atLeast: Double? = nil
  ) {
    self.text = text
    self.atMost = atMost
    self.atLeast = atLeast
    value = dividend.nanosecondsPerOperation / divisor.nanosecondsPerOperation
    valueOfP50 = dividend.p50 / divisor.p50
    if let atMost { isMet = value <= atMost }
    if let atLeast { isMet = value >= atLeast }
  }

  /// Those against peers say how many times Fenceline is faster, those against the floor how many
  /// times slower.
  static func all(of engines: [EngineFigures]) -> [Ratio] {
    guard let own = engines.first(where: { $0.name == "fenceline" }) else { return [] }
    var ratios: [Ratio] = []
    let floor = engines.first { $0.name == "floor" }

    func againstFloor(_ workload: Workload, _ bound: Workload, atMost: Double? = nil) {
      guard let mine = own.figures(workload), let least = floor?.figures(bound) else { return }
      ratios.append(
        Ratio(
          "\(workload.title) / floor: \(bound.title)",
          mine,
          least,
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
        guard let mine = own.figures(workload),
          let theirs = peer.figures(workload)
        else { continue }
        let bound: Double? =
          switch (workload, peer.name) {
          case (.getHit, "lmdb"): 2
          case (.batch, "lmdb"): 3
          default: nil
          }
        ratios.append(
          Ratio(
            "\(peer.name) / fenceline: \(workload.title)",
            theirs,
            mine,
            atLeast: bound
          )
        )
      }
    }
    return ratios
  }
}
