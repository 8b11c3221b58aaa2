// From a program that fails to a smallest one that still does.

extension CrashProgram {
  /// The smallest program that still fails, by taking away one thing after the other.
  ///
  /// - Parameters:
  ///   - attempts: how often `fails` may be asked.
  ///   - fails: runs a program.
  /// - Returns: a program that fails, and from which no single thing can be taken (as far as the
  ///   attempts went).
  package func shrunk(attempts: Int = 400, _ fails: (CrashProgram) -> Bool) -> CrashProgram {
    var smallest = self
    var left = attempts
    var isSmaller = true
    while isSmaller, left > 0 {
      isSmaller = false
      for candidate in smallest.smallerOnes() {
        guard left > 0 else { break }
        left -= 1
        if fails(candidate) {
          smallest = candidate
          isSmaller = true
          break
        }
      }
    }
    return smallest
  }

  /// Programs with one thing less, the largest cuts first.
  func smallerOnes() -> [CrashProgram] {
    var candidates: [CrashProgram] = []
    func add(_ change: (inout CrashProgram) -> Void) {
      var candidate = self
      change(&candidate)
      if candidate != self { candidates.append(candidate) }
    }
    var count = steps.count / 2
    while count >= 1 {
      for start in stride(from: 0, to: steps.count, by: count) {
        add { $0.steps.removeSubrange(start..<min(start + count, steps.count)) }
      }
      count /= 2
    }
    add { $0.tearsBlocks = false }
    add { $0.setup.stale = .none }
    add { $0.setup.smallestPrepared = WorkloadSetup(setup.hardware).smallestPrepared }
    for index in steps.indices {
      add { $0.steps[index].isOnNewThread = false }
      add { $0.steps[index].isDurable = false }
      for action in steps[index].action.smallerOnes() { add { $0.steps[index].action = action } }
    }
    return candidates
  }
}

extension CrashProgram.Action {
  /// The same with less to it.
  fileprivate func smallerOnes() -> [CrashProgram.Action] {
    switch self {
    case .put(let key, let length):
      return [(key, length / 2), (key, length - 1), (1, length)]
        .filter { $0.1 >= 0 && $0 != (key, length) }.map { .put($0, $1) }
    case .transaction(let changes):
      let fewer = Self.fewer(changes).map { CrashProgram.Action.transaction($0) }
      let shorter = changes.indices.compactMap { (index) -> CrashProgram.Action? in
        guard let length = changes[index].length, length > 0 else { return nil }
        var changes = changes
        changes[index].length = length / 2
        return .transaction(changes)
      }
      return changes.count > 1 ? fewer + shorter : shorter
    case .image(let changes): return Self.fewer(changes).map { .image($0) }
    case .compactAmid(let first, let changes):
      return Self.fewer(changes).map { .compactAmid(first, $0) }
    case .killAmid(_, let policy), .killBefore(_, let policy): return [.kill(policy)]
    default: return []
    }
  }

  /// The same changes without one of them.
  private static func fewer(_ changes: [CrashProgram.Change]) -> [[CrashProgram.Change]] {
    changes.indices.map { index in
      var changes = changes
      changes.remove(at: index)
      return changes
    }
  }
}
