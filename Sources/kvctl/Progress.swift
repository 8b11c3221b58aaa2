// How far long work has come, for people: on standard error, and only if that is a terminal.
//
// The line is rewritten in place a few times a second and wiped before anything else is printed, so
// nothing of it is left among results and messages.

internal import SystemPackage

/// One line that tells how far the work is.
struct Progress: ~Copyable {
  private let verb: String
  private let isShown = SystemCalls.isTerminal(.standardError)
  private let clock = ContinuousClock()
  private var next: ContinuousClock.Instant
  private var hasLine = false

  /// Starts without printing; the first line comes after a moment, so quick work shows none.
  init(_ verb: String) {
    self.verb = verb
    next = clock.now.advanced(by: .milliseconds(300))
  }

  deinit {
    if hasLine { Self.print("\r\u{1b}[K") }
  }

  /// Tells how much is done, in words that follow the verb; evaluated only when it is shown.
  mutating func update(_ amount: @autoclosure () -> String) {
    guard isShown, clock.now >= next else { return }
    next = clock.now.advanced(by: .milliseconds(100))
    hasLine = true
    Self.print("\r\(verb) \(amount()) ...\u{1b}[K")
  }

  /// Wipes the line and, on a terminal, leaves a last word.
  mutating func end(_ summary: String? = nil) {
    guard isShown else { return }
    if hasLine { Self.print("\r\u{1b}[K") }
    hasLine = false
    if let summary { Self.print(summary + "\n") }
  }

  private static func print(_ text: String) {
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
  }
}

/// A number with its noun, "1 entry" or "2 entries".
func counted(_ number: Int, _ singular: String, _ plural: String) -> String {
  "\(number) \(number == 1 ? singular : plural)"
}
