/// Something that a crash must never leave.
public struct Violation: Error, Sendable, CustomStringConvertible {
  /// What it is.
  public let description: String

  /// Something that must never be, in words.
  public init(_ description: String) { self.description = description }
}
