// The table at the end: what became of the images, by store and sort of damage.

import DamageLab

struct Report {
  let plan: DamagePlan
  let tally: Tally

  /// Rows of damage to one place of one file.
  static func singlePlaceRows(stores: Int) -> [TallyRow] {
    (0..<TallyRow.count(stores: stores)).map { TallyRow(index: $0) }
      .filter { $0.kind == .flip || $0.kind == .zeroLine }
  }

  func print() {
    for (number, store) in plan.stores.enumerated() {
      let files = store.files.map { "\($0.contents.count)" }.joined(separator: " + ")
      let count = store.history.transactions.count
      Swift.print("\n\(store.name): \(count) transactions, \(files) bytes")
      printHeadings()
      for index in 0..<TallyRow.count(stores: plan.stores.count) {
        let row = TallyRow(index: index)
        if row.store == number, tally[row, .images] > 0 { print(row) }
      }
    }
    Swift.print(
      """

      images: checked; quiet: verify finds nothing; closed: can't be read at all; older: an earlier
      state, where nothing says that there was a later one; written: a put worked. Answers to get:
      right; damaged: refused, the key's newest record is hit; whole: refused though it is not;
      absent: refused for a key that never was. findings: wrong answers.
      \(tally.total(.exports)) exports to SQLite and \(tally.total(.commands)) runs of kvctl were \
      compared.
      """
    )
  }

  private static let columns: [(title: String, counter: Counter)] = [
    ("images", .images), ("quiet", .unnoticed), ("closed", .unopened), ("older", .earlier),
    ("written", .written), ("right", .right), ("damaged", .damaged), ("whole", .collateral),
    ("absent", .absent), ("findings", .findings),
  ]

  private func printHeadings() {
    Swift.print(Self.padded("", 18) + Self.columns.map { Self.aligned($0.title) }.joined())
  }

  private func print(_ row: TallyRow) {
    let numbers = Self.columns.map { Self.aligned("\(tally[row, $0.counter])") }
    let share = Int((tally.collateralShare(row) * 1000).rounded())
    Swift.print(
      Self.padded(row.name, 18) + numbers.joined() + "  \(share / 10).\(share % 10) % of whole"
    )
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func aligned(_ text: String) -> String {
    String(repeating: " ", count: max(1, 10 - text.count)) + text
  }
}
