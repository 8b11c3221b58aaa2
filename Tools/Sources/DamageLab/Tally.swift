// What was counted, by store and by sort of damage. Plain numbers in a fixed order, so that several
// processes can keep them in shared memory.

/// One line of the table.
package struct TallyRow: Sendable, Hashable {
  /// The sample's place.
  package let store: Int
  package let kind: DamageKind
  /// For flipped bits: what the byte is for.
  package let region: Region?

  /// How many rows there are for `stores` samples.
  package static func count(stores: Int) -> Int { stores * perStore }

  private static var perStore: Int { Region.allCases.count + DamageKind.allCases.count }

  init(store: Int, kind: DamageKind, region: Region?) {
    self.store = store
    self.kind = kind
    self.region = kind == .flip ? region : nil
  }

  /// The row at a place, in the order in which people read them.
  package init(index: Int) {
    store = index / Self.perStore
    let rest = index % Self.perStore
    let regions = Region.allCases.count
    kind = rest < regions ? .flip : DamageKind.allCases[rest - regions]
    region = rest < regions ? Region.allCases[rest] : nil
  }

  /// Its place.
  package var index: Int {
    let kinds = DamageKind.allCases.firstIndex(of: kind) ?? 0
    let place = region?.rawValue ?? Region.allCases.count + kinds
    return store * Self.perStore + place
  }

  package var name: String { region.map { "\(kind.rawValue) \($0.name)" } ?? kind.rawValue }
}

/// What is counted for each row.
package enum Counter: Int, Sendable, CaseIterable {
  /// Images that were checked.
  case images
  /// Images of which everything could be read and in which nothing was found.
  case unnoticed
  /// Images that could not be opened even for reading.
  case unopened
  /// Images that show an earlier state, where that is all that can be known.
  case earlier
  /// Reads of a key that gave the right answer.
  case right
  /// Reads that were refused for a key whose newest record is damaged.
  case damaged
  /// Reads that were refused for a key whose newest record is whole.
  case collateral
  /// Reads that were refused for a key that never was.
  case absent
  /// Images that could be written to, and were right afterwards.
  case written
  /// Exports to SQLite that were compared.
  case exports
  /// Runs of `kvctl` that were compared.
  case commands
  /// Wrong answers, traps and hangs.
  case findings
}

/// Counts of all rows.
package struct Tally: Sendable {
  package private(set) var counts: [Int]

  package init(stores: Int) {
    counts = Array(repeating: 0, count: TallyRow.count(stores: stores) * Counter.allCases.count)
  }

  /// Counts as another process kept them.
  package init(counts: [Int]) { self.counts = counts }

  package subscript(row: TallyRow, counter: Counter) -> Int {
    get { counts[row.index * Counter.allCases.count + counter.rawValue] }
    set { counts[row.index * Counter.allCases.count + counter.rawValue] = newValue }
  }

  /// The sum over all rows.
  package func total(_ counter: Counter) -> Int {
    stride(from: counter.rawValue, to: counts.count, by: Counter.allCases.count)
      .reduce(0) { $0 + counts[$1] }
  }

  /// Of the keys that were not damaged, the share that was refused.
  package func collateralShare(_ row: TallyRow) -> Double {
    let right = self[row, .right]
    let refused = self[row, .collateral]
    return right + refused == 0 ? 0 : Double(refused) / Double(right + refused)
  }
}
