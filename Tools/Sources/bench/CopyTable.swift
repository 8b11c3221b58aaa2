// One table for fenced copies of all sizes.

enum CopyTable {
  static func print(_ series: Series) {
    let times = series.engines.first { $0.name == .copies }?.copies ?? []
    guard !times.isEmpty else { return }
    let comparisons = CopyComparison.comparisons(of: times)
    // As for the other goals: a short run proves nothing.
    let hasGoals = series.ratios.contains { $0.isMet != nil }
    let wanted = ", wanted: at most \(Text.bound(CopyComparison.bound)) of that"
    Swift.print(
      "\nfenced copies, one at a time, in ns, beside the best of several ways written by hand"
        + (hasGoals ? wanted : "")
    )
    for offset in Set(comparisons.map(\.offset)).sorted() {
      Swift.print(offset == 0 ? "at the beginning of a line:" : "\(offset) bytes behind one:")
      var line = Text.left("", 8)
      for policy in CopyComparison.Policy.allCases {
        line += Text.right(policy.rawValue, 9) + Text.right("by hand", 9)
        line += Text.right("ratio", 21) + Text.left("", 9)
      }
      Swift.print(line + Text.right("libpmem", 9) + Text.right("words", 9))
      for comparison in comparisons where comparison.offset == offset {
        Swift.print(row(comparison, hasGoals: hasGoals))
      }
    }
    Swift.print("(words: trusts non-temporal stores of parts of lines, too, as no policy does)")
  }

  private static func row(_ comparison: CopyComparison, hasGoals: Bool) -> String {
    func time(_ nanoseconds: Double?) -> String {
      Text.right(nanoseconds.map { Text.fixed($0, 0) } ?? "-", 9)
    }
    var line = Text.left(size(comparison.lengthInBytes), 8)
    for policy in CopyComparison.Policy.allCases {
      let floor = comparison.floor(policy)
      line += time(comparison.core(policy)) + time(floor?.nanoseconds)
      line += "  " + Text.left(floor?.way ?? "", 13)
      let ratio = comparison.ratio(policy)
      line += Text.right(ratio.map { Text.fixed($0, 3) } ?? "-", 6)
      let isMet = ratio.map { $0 <= CopyComparison.bound } ?? true
      line += Text.left(!hasGoals ? "" : isMet ? " met" : " NOT met", 9)
    }
    return line + time(comparison.libpmem) + time(comparison.words)
  }

  static func size(_ length: Int) -> String {
    length < 1024 ? "\(length) B" : Text.bytes(length)
  }
}
