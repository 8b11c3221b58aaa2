// Fenced copies of all sizes: what they take, and what the best way that is written by hand takes.

/// The median time of one way to copy so many bytes to such a place.
struct CopyTime: Codable {
  var lengthInBytes: Int
  /// Where in its line the copy begins.
  var offset: Int
  var way: String
  var nanoseconds: Double
}

/// All ways to copy so many bytes to such a place.
struct CopyComparison {
  var lengthInBytes: Int
  var offset: Int
  private var times: [String: Double] = [:]

  enum Policy: String, CaseIterable {
    case strict, trusting
  }

  /// Groups times, in their order.
  static func comparisons(of times: [CopyTime]) -> [CopyComparison] {
    var result: [CopyComparison] = []
    for time in times {
      if result.last?.lengthInBytes != time.lengthInBytes || result.last?.offset != time.offset {
        result.append(CopyComparison(lengthInBytes: time.lengthInBytes, offset: time.offset))
      }
      result[result.count - 1].times[time.way] = time.nanoseconds
    }
    return result
  }

  private init(lengthInBytes: Int, offset: Int) {
    self.lengthInBytes = lengthInBytes
    self.offset = offset
  }

  /// Of the copy core.
  func core(_ policy: Policy) -> Double? { times["core-\(policy.rawValue)"] }

  /// Of libpmem, which does not ask for a policy.
  var libpmem: Double? { times["pmem"] }

  /// Of what trusts non-temporal stores of less than a line, which no policy does.
  var words: Double? { times["words"] }

  /// The best by hand, and its name.
  ///
  /// What writes everything back serves both policies.
  func floor(_ policy: Policy) -> (way: String, nanoseconds: Double)? {
    let best = times.filter { $0.key.hasPrefix("\(policy.rawValue)-") || $0.key == "strict-cached" }
      .min { ($0.value, $0.key) < ($1.value, $1.key) }
    guard let best, let dash = best.key.firstIndex(of: "-") else { return nil }
    return (String(best.key[dash...].dropFirst()), best.value)
  }

  /// The core's time as a multiple of the floor's.
  func ratio(_ policy: Policy) -> Double? {
    guard let core = core(policy), let floor = floor(policy) else { return nil }
    return core / floor.nanoseconds
  }

  /// What the ratio should be at most, at every size.
  static let bound = 1.05
}
