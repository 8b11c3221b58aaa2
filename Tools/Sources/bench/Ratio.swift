// What the figures mean: Fenceline against its peers and against the machine.

struct Ratio: Codable {
  var text: String
  /// Of wall time by operation, unless the text says otherwise.
  var value: Double
  /// Of the medians of single samples: less disturbed where other programs run, but stamps are in
  /// it, and what happens rarely is not.
  var valueOfP50: Double?
  /// The bound that the project has set itself, where there is one.
  var atMost: Double?
  var atLeast: Double?
  var isMet: Bool?

  init(
    text: String,
    value: Double,
    valueOfP50: Double? = nil,
    atMost: Double? = nil,
    atLeast: Double? = nil
  ) {
    self.text = text
    self.value = value
    self.valueOfP50 = valueOfP50
    self.atMost = atMost
    self.atLeast = atLeast
    if let atMost { isMet = value <= atMost }
    if let atLeast { isMet = value >= atLeast }
  }

  init(
    _ text: String,
    of dividend: Figures,
    to divisor: Figures,
    atMost: Double? = nil,
    atLeast: Double? = nil
  ) {
    self.init(
      text: text,
      value: dividend.nanosecondsPerOperation / divisor.nanosecondsPerOperation,
      valueOfP50: dividend.p50 / divisor.p50,
      atMost: atMost,
      atLeast: atLeast
    )
  }

  /// Leaves the value alone.
  mutating func forgetBound() { (atMost, atLeast, isMet) = (nil, nil, nil) }
}
