// Judges what a kill has left: opens the store for reading, reads all of it in every way, and finds the
// state that it shows among those that the contract allows.

import DamageLab
import Fenceline
import SystemPackage

/// What is asked of a store behind a kill.
struct Demand {
  /// What the writer may have done.
  var window: Window
  /// The last operation that the writer was told is durable.
  var synced: Int
  /// The last one that has returned.
  var returned: Int
  /// The newest one of which a reader was shown something.
  var shown: Int
  /// A sequence that was used before the window's first operation.
  var usedSequence: UInt64
  /// The store was there before.
  var mustExist: Bool
}

/// What a store shows.
struct Shown {
  /// The last operation that is in it.
  var accepted: Int
  var exists = false
  var highestSequence: UInt64 = 0
  var hadTornTail = false
  var besideImage = false
  var wasClosed = false
  var medium = ""
}

struct StoreCheck {
  let path: FilePath

  /// Reads the store, and takes the model to the state that it shows.
  ///
  /// - Throws: `Finding` where the contract was broken, or whatever the store throws.
  func run(_ demand: Demand, _ model: inout StoreModel) throws -> Shown {
    let store: Store
    do { store = try Store.openReadOnly(at: path) } catch {
      guard case .noStore = error, !demand.mustExist else { throw error }
      return try withoutStore(demand, model)
    }
    let statistics = try store.statistics()
    guard statistics.damageCount == 0 else {
      throw Finding(description: "damage after a kill: \(store.verificationAtOpening.findings)")
    }
    let entries = try store.entries(order: .ascending)
    try ReaderSession.checkOrder(of: entries, isAscending: true)
    let found = try contents(entries, model)
    // Where the medium says so, what has returned survives its process, synced or not.
    let survives = statistics.bufferedSurvival >= .processCrash
    let before = demand.window.first - 1
    // What another process was shown came from the medium, whatever that is.
    let lowest = max(before, survives ? demand.returned : demand.synced, demand.shown)
    let fingerprint = found.reduce(0) { $0 &+ StoreModel.share(of: $1.key, $1.value.value) }
    let old = model
    guard let last = model.advance(to: fingerprint, in: demand.window, lowest: lowest) else {
      throw Finding(description: explain(found, old, demand.window, lowest))
    }
    try compare(store, entries, model)
    let highest = try checkSequences(found, model, demand)
    try verify(model)
    let shown = Shown(
      accepted: last,
      exists: true,
      highestSequence: highest,
      hadTornTail: statistics.hadTornTail,
      besideImage: store.openedBesideImage,
      wasClosed: statistics.wasClosed,
      medium: statistics.medium + (statistics.isForced ? ", forced" : "")
    )
    try store.close()
    return shown
  }

  private func withoutStore(_ demand: Demand, _ model: StoreModel) throws -> Shown {
    guard max(demand.synced, demand.shown) < demand.window.first, model.keyCount == 0 else {
      throw Finding(description: "the store is gone")
    }
    return Shown(accepted: demand.window.first - 1)
  }

  private func contents(
    _ entries: [FoundEntry],
    _ model: StoreModel
  ) throws -> [Int: FoundEntry] {
    let numbers = model.shape.numbersOfKeys
    var found: [Int: FoundEntry] = [:]
    for entry in entries {
      guard let key = numbers[entry.key], found.updateValue(entry, forKey: key) == nil else {
        throw Finding(description: "an unknown key, or one that comes twice")
      }
    }
    return found
  }

  /// Everything once more by other ways, byte for byte.
  private func compare(_ store: Store, _ entries: [FoundEntry], _ model: StoreModel) throws {
    for (number, key) in model.shape.keys.enumerated() {
      guard try store.get(key) == model.value(of: number) else {
        throw Finding(description: "get of key \(number) gives something else than a scan")
      }
    }
    let byKey = try store.entries(order: .unordered)
    let reversed = try store.entries(order: .descending)
    guard byKey.count == entries.count, try store.count == entries.count,
      Set(byKey.map(\.key)) == Set(entries.map(\.key)),
      reversed.reversed().map(\.key) == entries.map(\.key)
    else { throw Finding(description: "enumerations differ") }
  }

  /// Sequences grow with the operations, one for each, and go on beyond all that were used before.
  ///
  /// - Returns: the highest one.
  private func checkSequences(
    _ found: [Int: FoundEntry],
    _ model: StoreModel,
    _ demand: Demand
  ) throws -> UInt64 {
    var pairs: [(operation: Int, sequence: UInt64)] = []
    // A short value may be that of several operations, the last of which may be lost.
    for (key, entry) in found where entry.value.count >= Values.telling {
      if let operation = model.versions[key]?.operation {
        pairs.append((operation, entry.sequence))
      }
    }
    pairs.sort { ($0.operation, $0.sequence) < ($1.operation, $1.sequence) }
    for (left, right) in zip(pairs, pairs.dropFirst()) {
      let mayBeEqual =
        left.operation == right.operation
        || model.imports.contains {
          $0.contains(left.operation) && $0.contains(right.operation)
        }
      guard left.sequence < right.sequence || mayBeEqual && left.sequence == right.sequence else {
        throw Finding(
          description: "operations \(left.operation) and \(right.operation) have the sequences "
            + "\(left.sequence) and \(right.sequence)"
        )
      }
    }
    if let first = pairs.first(where: { $0.operation >= demand.window.first }),
      first.sequence <= demand.usedSequence
    {
      throw Finding(
        description: "sequence \(first.sequence) is given again; \(demand.usedSequence) was used"
      )
    }
    return found.values.map(\.sequence).max() ?? 0
  }

  private func verify(_ model: StoreModel) throws {
    let report = try Store.verify(at: path, countingKeys: true)
    guard report.isSound else { throw Finding(description: "verify finds \(report.findings)") }
    guard report.keyCount == model.keyCount else {
      throw Finding(description: "verify counts \(report.keyCount ?? 0) of \(model.keyCount) keys")
    }
  }

  /// What differs from the oldest and from the newest state that were allowed.
  private func explain(
    _ found: [Int: FoundEntry],
    _ old: StoreModel,
    _ window: Window,
    _ lowest: Int
  ) -> String {
    var lines = ["shows none of the states behind the operations \(lowest)...\(window.last)"]
    for last in [lowest, window.last] {
      var state = old
      state.apply(window, upTo: last)
      let wrong = state.versions.indices.filter { state.value(of: $0) != found[$0]?.value }
      lines.append("  \(wrong.count) keys are not as behind \(last)")
      for key in wrong.prefix(5) {
        let wanted = state.versions[key].map { "\($0)" } ?? "nothing"
        let shown = found[key].map { describe($0, key, old.values) } ?? "nothing"
        lines.append("    key \(key): \(shown), not \(wanted)")
      }
    }
    return lines.joined(separator: "\n")
  }

  private func describe(_ entry: FoundEntry, _ key: Int, _ values: Values) -> String {
    let version = try? values.version(of: entry.value, key: key)
    let maker = version.map { "\($0)" } ?? "\(entry.value.count) bytes"
    return "\(maker) at sequence \(entry.sequence)"
  }
}
