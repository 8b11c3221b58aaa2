// Asks for memory before Swift's own allocations do: where those get none they end the process, and a store
// has to answer with an error.
//
// What is asked for here is much at once, and grows with the data: copies of large values, arrays of all
// records of a segment or all keys. What is small is not asked for; a margin is left for it.

internal import CPlatform
internal import Synchronization

/// Memory that is about to be taken.
package enum Memory {
  /// Bytes below which nobody asks.
  static let smallest = 64 << 10
  /// What else a call takes meanwhile, in pieces that nobody asks for.
  private static let margin = Int(CP_MEMORY_MARGIN)
  /// Granted and perhaps not taken yet, by all threads.
  private static let claimed = Atomic<Int>(0)

  /// Whether so much can be had beside what others were just granted.
  ///
  /// Whoever is told so takes it, and calls ``release(_:)`` with the same number then.
  package static func claim(_ length: Int) -> Bool {
    guard length >= smallest else { return true }
    let total = claimed.add(length, ordering: .relaxed).newValue
    if cp_has_memory(total + margin) { return true }
    claimed.subtract(length, ordering: .relaxed)
    return false
  }

  /// Ends a claim that was granted: the memory was taken, or is not needed any more.
  package static func release(_ length: Int) {
    if length >= smallest { claimed.subtract(length, ordering: .relaxed) }
  }

  /// The same as a claim and its release: for what is taken at once.
  package static func isThere(_ length: Int) -> Bool {
    guard claim(length) else { return false }
    release(length)
    return true
  }

  /// Bytes from which on it matters who keeps them.
  private static let smallestReturn = 4 << 20

  /// Gives memory back to the system where about so much was taken for a while and freed among what stays: the
  /// C library would keep it, for threads that may never ask again.
  static func giveBack(_ length: Int) {
    if length >= smallestReturn { cp_give_back_free_memory() }
  }
}
