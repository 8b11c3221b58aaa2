// Mutation points: `Mutant.name.isActive` stands where the code can be made wrong on purpose. Without
// the package trait `Mutants` that is the constant false, and nothing is left of a point or of a name.

public import CFlush

extension Mutant {
  #if Mutants
  /// Whether this is the mutant that was selected.
  public var isActive: Bool { fl_mutant_is_active(self) }

  /// Makes a mutant active in this process, and every other inactive; nil for none.
  package static func select(_ mutant: Mutant?) {
    fl_mutant_select(mutant.map { Int32($0.rawValue) } ?? -1)
  }

  /// The part of the code that it changes: "copy core", "medium", "journal" or "recovery".
  package var part: String { unsafe String(cString: fl_mutant_part(self)) }

  /// What it drops or weakens, in a short sentence for a table.
  package var summary: String { unsafe String(cString: fl_mutant_summary(self)) }
  #else
  // Public and emitted where it is used: nothing else is inlined across modules, and this leaves no
  // symbol.
  /// Whether this is the mutant that was selected: there is none.
  @_alwaysEmitIntoClient @inline(__always)
  public var isActive: Bool { false }
  #endif
}

#if Mutants
extension Mutant: @retroactive CaseIterable {
  /// Every mutant, by number.
  public static var allCases: [Mutant] {
    (0..<fl_mutant_count()).compactMap { Mutant(rawValue: UInt32($0)) }
  }
}

extension Mutant: @retroactive CustomStringConvertible {
  /// Its name.
  public var description: String { unsafe String(cString: fl_mutant_name(self)) }
}
#endif
