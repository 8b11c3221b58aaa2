// The signals that end a program, noted instead: a tool takes its files along when it goes.

internal import Glibc
internal import Synchronization

/// Whether the user wants the program to end, which then takes its files along.
package enum Interruption {
  private static let flag = Atomic(false)

  package static var hasCome: Bool { flag.load(ordering: .relaxed) }

  /// From now on the signals that end a program are noted.
  package static func watch() {
    // Makes the flag before a handler needs it.
    _ = hasCome
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // The handler only stores to an atomic.
      _ = signal(number) { _ in Interruption.flag.store(true, ordering: .relaxed) }
    }
  }
}
