// What a target reports instead of crashing: an answer that no bytes may cause.

/// A wrong answer.
package struct FuzzFinding: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
