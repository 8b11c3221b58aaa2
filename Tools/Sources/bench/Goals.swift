// The bounds that the project has set itself, and the ratios that they are about.

/// Makes a series' ratios.
///
/// Those to peers say how many times as fast Fenceline is, those to the floor
/// how many times slower.
struct Goals {
  var series: Series
  /// Keys that were loaded.
  var count: Int
  /// The goals are about a million keys or more.
  private var hasGoals = false
  private var ratios: [Ratio] = []

  private init(series: Series, count: Int) {
    self.series = series
    self.count = count
  }

  /// `single` is the series that differs in having one thread only.
  static func ratios(of series: Series, count: Int, single: Series?) -> [Ratio] {
    var goals = Goals(series: series, count: count)
    goals.hasGoals = count >= 1_000_000
    goals.compareToFloor()
    goals.compareCopies()
    goals.compareSizes()
    goals.compareWithin()
    goals.compareToPeers()
    goals.weigh()
    if let single { goals.compareToOneThread(single) }
    return goals.ratios
  }

  private mutating func add(
    _ text: String,
    _ dividend: Figures?,
    _ divisor: Figures?,
    atMost: Double? = nil,
    atLeast: Double? = nil
  ) {
    guard let dividend, let divisor else { return }
    append(Ratio(text, of: dividend, to: divisor, atMost: atMost, atLeast: atLeast))
  }

  private mutating func append(_ ratio: Ratio) {
    var ratio = ratio
    if !hasGoals { ratio.forgetBound() }
    ratios.append(ratio)
  }

  private mutating func addAgainstFloor(
    _ workload: Workload,
    _ bound: Workload,
    atMost: Double? = nil
  ) {
    add(
      "\(workload.title) / floor: \(bound.title)",
      series.figures(.fenceline, workload),
      series.figures(.floor, bound),
      atMost: atMost
    )
  }

  private mutating func compareToFloor() {
    // Where threads write to one journal they take turns; bare ones do not.
    addAgainstFloor(.putFresh, .storeStrict, atMost: series.threads == 1 ? 1.5 : nil)
    addAgainstFloor(.putFresh, .recordStrict)
    addAgainstFloor(.putOverwrite, .storeStrict)
    addAgainstFloor(.putOverwrite, .recordStrict)
    addAgainstFloor(.putFresh, .appendFdatasync)
    addAgainstFloor(.putOverwrite, .appendFdatasync)
    addAgainstFloor(.getHit, .randomRead)
  }

  private mutating func compareCopies() {
    func copies(_ workload: Workload) -> Figures? { series.figures(.copies, workload) }
    func floor(_ workload: Workload) -> Figures? { series.figures(.floor, workload) }
    let core = copies(.packedCore)
    let idioms = [Workload.packedDrain, .packedRange, .packedStaged].compactMap(copies)
    let best = idioms.min { $0.nanosecondsPerOperation < $1.nanosecondsPerOperation }
    let isAlone = series.threads == 1
    add("libpmem's best idiom / copy core: packed", best, core, atLeast: isAlone ? 2.5 : nil)
    add("libpmem's range / copy core: packed", copies(.packedRange), core)
    add(
      "libpmem's plain idiom / copy core: packed",
      copies(.packedEach),
      core,
      atLeast: isAlone ? 20 : nil
    )
    let bound = isAlone ? 1.05 : nil
    add("fenced copy / floor, strict", copies(.fencedCore), floor(.storeStrict), atMost: bound)
    add(
      "fenced copy / floor, trusting",
      copies(.fencedCoreTrusting),
      floor(.storeTrusting),
      atMost: bound
    )
    add("fenced copy / floor, libpmem", copies(.fencedPmem), floor(.storeStrict))
  }

  /// The size at which the copy core is farthest from the floor.
  private mutating func compareSizes() {
    let times = series.engines.first { $0.name == .copies }?.copies ?? []
    let comparisons = CopyComparison.comparisons(of: times)
    for policy in CopyComparison.Policy.allCases {
      let worst = comparisons.max { ($0.ratio(policy) ?? 0) < ($1.ratio(policy) ?? 0) }
      guard let worst, let ratio = worst.ratio(policy) else { continue }
      let place = "\(CopyTable.size(worst.lengthInBytes)), offset \(worst.offset)"
      append(
        Ratio(
          text: "fenced copies / by hand, \(policy.rawValue): worst, \(place)",
          value: ratio,
          atMost: CopyComparison.bound
        )
      )
    }
  }

  private mutating func compareWithin() {
    if let one = series.figures(.fenceline, .getHit),
      let many = series.figures(.fenceline, .getMany)
    {
      let value = one.nanosecondsPerOperation / many.nanosecondsPerOperation
      append(
        Ratio(
          text: "\(Workload.getHit.title) / \(Workload.getMany.title)",
          value: value,
          atLeast: 3
        )
      )
    }
    guard let put = series.figures(.fenceline, .putMaintained), put.samples >= 1_000 else { return }
    append(
      Ratio(text: "maintained put: p99.9 / p50", value: put.p99_9 / put.p50, atMost: 20)
    )
  }

  /// As multiples of LMDB's speed in memory; on a disk both wait for the same device.
  private func bound(_ workload: Workload, _ peer: Engine) -> Double? {
    if !series.isForced {
      return workload == .putFresh && (peer == .lmdb || peer == .sqlite) ? 1.2 : nil
    }
    guard peer == .lmdb else { return nil }
    switch (workload, series.threads) {
    case (.load, 1): return 5
    case (.load, 2): return 9
    case (.getHit, 1...2): return 2.5
    case (.ycsbA, 2): return 7.5
    case (_, 2...): return nil
    case (.putFresh, _), (.getMiss, _): return 5.5
    case (.putOverwrite, _): return 4.5
    case (.batch, _): return 4
    case (.getZipfian, _), (.ycsbB, _), (.ycsbD, _): return 3
    case (.ycsbA, _), (.ycsbF, _): return 3.6
    case (.delete, _): return 7
    case (.scan, _): return series.valueLength >= 1_000 ? 4.5 : 2
    case (.range, _), (.ycsbE, _): return series.valueLength >= 1_000 ? 4.5 : 3
    default: return nil
    }
  }

  private mutating func compareToPeers() {
    for peer in series.engines.map(\.name) where peer.isStore && peer != .fenceline {
      for workload in Workload.ofStores {
        add(
          "\(peer.rawValue) / fenceline: \(workload.title)",
          series.figures(peer, workload),
          series.figures(.fenceline, workload),
          atLeast: bound(workload, peer)
        )
      }
    }
  }

  /// Space, memory, and what it takes to open; goals for opening are about 10 million keys.
  private mutating func weigh() {
    let isLong = series.valueLength >= 1_000
    let limits: [(Quantity, Double?)] = [
      (.spaceLoaded, isLong ? 1.1 : 1.35), (.spaceDurable, nil),
      (.spaceOverwritten, nil),
      (.spaceSettled, isLong ? 1.3 : 1.4), (.memoryPoints, 24), (.memoryOrdered, 40),
    ]
    for (quantity, limit) in limits {
      guard let value = series.number(.fenceline, quantity) else { continue }
      // Values of a few bytes weigh less than what keeps them.
      let isSpace = quantity.unit == Quantity.spaceLoaded.unit
      let bound = isSpace && series.valueLength < 100 ? nil : limit
      append(
        Ratio(text: "\(quantity.title), \(quantity.unit)", value: value, atMost: bound)
      )
    }
    let openings: [(Workload, Double)] = [
      (.readerClosed, 5), (.readerKilled, 5), (.reopenClosed, 80), (.reopenKilled, 150),
    ]
    for (workload, limit) in openings where count >= 10_000_000 {
      guard let figures = series.figures(.fenceline, workload) else { continue }
      append(
        Ratio(
          text: "\(workload.title), ms",
          value: figures.nanosecondsPerOperation / 1e6,
          atMost: limit
        )
      )
    }
  }

  private mutating func compareToOneThread(_ single: Series) {
    let bounds: [(Workload, Double)] = [
      (.getHit, 1.7), (.getMiss, 1.7), (.getZipfian, 1.7), (.load, 1.35), (.putFresh, 1.35),
      (.putOverwrite, 1.35),
    ]
    for (workload, bound) in bounds {
      add(
        "one thread / \(series.threads) threads: \(workload.title)",
        single.figures(.fenceline, workload),
        series.figures(.fenceline, workload),
        atLeast: series.threads == 2 && series.isForced ? bound : nil
      )
    }
    // What the machine gives to as many threads that share nothing.
    for workload in [Workload.storeStrict, .storeTrusting, .appendFdatasync, .randomRead] {
      add(
        "one thread / \(series.threads) threads: floor, \(workload.title)",
        single.figures(.floor, workload),
        series.figures(.floor, workload)
      )
    }
  }
}
