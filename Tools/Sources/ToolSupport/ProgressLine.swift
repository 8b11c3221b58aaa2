// One line on the terminal that says how far a long run has come.

internal import Glibc
internal import SystemPackage

/// A line on the standard error that is written over once a second; nothing where that is no terminal.
package struct ProgressLine {
  private let isShown = isatty(STDERR_FILENO) == 1
  private var hasLine = false
  private var lastSeconds: Int64 = -1

  package init() {}

  /// Shows a text with the seconds behind it, if a second has passed.
  package mutating func show(after duration: Duration, _ text: () -> String) {
    let seconds = duration.components.seconds
    guard isShown, seconds != lastSeconds else { return }
    lastSeconds = seconds
    hasLine = true
    write("\r\(text()), \(seconds) s\u{1b}[K")
  }

  /// Takes the line away.
  package mutating func end() {
    if hasLine { write("\r\u{1b}[K") }
    hasLine = false
  }

  private func write(_ text: String) {
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
  }
}
