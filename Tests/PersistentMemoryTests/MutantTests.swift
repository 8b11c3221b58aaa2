// Only builds with the trait `Mutants` have anything to select.

#if Mutants
import CFlush
import PersistentMemory
import Testing

@Suite("Mutants")
struct MutantTests {
  @Test("One mutant is active at a time, and none without a selection")
  func selection() async {
    // In a process of its own: other tests must not meet a mutant.
    await #expect(processExitsWith: .success) {
      precondition(Mutant.allCases.allSatisfy { !$0.isActive })
      for mutant in Mutant.allCases {
        Mutant.select(mutant)
        precondition(Mutant.allCases.filter(\.isActive) == [mutant])
      }
    }
  }

  @Test("Every mutant can be told from the others by number, name and summary")
  func names() {
    let all = Mutant.allCases
    #expect(all.map { Int($0.rawValue) } == Array(0..<all.count))
    #expect(Set(all.map(\.description)).count == all.count)
    #expect(Set(all.map(\.summary)).count == all.count)
    #expect(Set(all.map(\.part)) == ["copy core", "medium", "journal", "recovery"])
    #expect("\(Mutant.fenceDoesNothing)" == "fenceDoesNothing")
  }
}
#endif
