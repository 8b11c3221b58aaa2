// Mutants that nothing finds, and why they are there: each stands for a check that is kept although no
// crash and no damage to a file can tell.

#if Mutants
import CFlush

extension Mutant {
  /// Why it may survive, or nil where it must be found.
  var explanation: String? {
    switch self {
    case .partialTailUnflushed: "explained: a durable record with its pad ends on a line"
    case .transactionCountUnchecked:
      "explained: records are neighbours and bound to their place, none can be missing between two"
    case .sequenceUnchecked:
      "explained: no place is written twice in one incarnation, so no older record is valid there"
    case .batchRulesUnchecked, .sealUnchecked:
      "explained: only a writer that is wrong itself would break the rule"
    case .padUnchecked:
      "explained: a pad ends with its line whatever it says, and the record behind it is checked"
    case .closeMarkUnchecked:
      "explained: one word makes the difference between two marks, so none is ever torn"
    case .openMarkIgnored:
      "explained: the mark of an open segment states another end than its close record's"
    default: nil
    }
  }
}
#endif
