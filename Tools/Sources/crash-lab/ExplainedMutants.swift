// Mutants that nothing finds, and why they are there: each stands for a check that is kept although no
// crash and no damage to a file can tell.

#if Mutants
import CFlush

extension Mutant {
  /// Why it may survive, or nil where it must be found.
  var explanation: String? {
    switch self {
    case .openMarkIgnored:
      "explained: the mark of an open segment states another end than its close record's"
    default: nil
    }
  }
}
#endif
