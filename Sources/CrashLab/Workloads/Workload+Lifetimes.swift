// Values that end, in a workload whose time stands still but where it says so.

package import Fenceline

extension Workload {
  /// A put of a value that ends the next time that values do.
  package func putExpiring(
    _ key: [UInt8],
    _ value: [UInt8],
    _ durability: Durability = .buffered
  ) throws {
    let expiry = Expiry(millisecondsSince1970: time + 1)
    try commit([(key, value)], durability) {
      try $0.put(key, value, expiry: expiry, durability: durability)
    }
  }

  /// Lets time pass, and the store remove what has ended, which is one transaction where all of it lies in one
  /// segment.
  package func expire() throws {
    time += 1
    let ended = try liveKeys.filter { try opened.expiry(of: $0) != nil }
    guard !ended.isEmpty else { return }
    try commit(ended.map { ($0, nil) }, .buffered) { _ = try $0.removeExpired(at: time) }
  }
}
