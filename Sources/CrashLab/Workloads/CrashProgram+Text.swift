// A program as Swift source: what a report prints can be pasted into a test.

extension CrashProgram: CustomStringConvertible {
  /// An expression that makes the program again.
  package var description: String {
    let steps = steps.map { "  \($0),\n" }.joined()
    let tears = tearsBlocks ? ", tearsBlocks: true" : ""
    return "CrashProgram(\(setup), [\n\(steps)]\(tears))"
  }
}

extension WorkloadSetup: CustomStringConvertible {
  package var description: String {
    let usual = WorkloadSetup(hardware, policy)
    var extra = ""
    if segmentSize != usual.segmentSize { extra += ", segmentSize: \(segmentSize)" }
    if largestSegment != usual.largestSegment { extra += ", largestSegment: \(largestSegment)" }
    if smallestPrepared != usual.smallestPrepared {
      extra += ", smallestPrepared: \(smallestPrepared)"
    }
    if stale != .none { extra += ", stale: .\(stale)" }
    return "WorkloadSetup(.\(hardware), .\(policy)\(extra))"
  }
}

extension CrashProgram.Step: CustomStringConvertible {
  package var description: String {
    let durable = isDurable ? ", durable: true" : ""
    let newThread = isOnNewThread ? ", newThread: true" : ""
    return ".init(.\(action)\(durable)\(newThread))"
  }
}

extension CrashProgram.Action: CustomStringConvertible {
  package var description: String {
    switch self {
    case .put(let key, let length): "put(\(key), \(length))"
    case .putExpiring(let key, let length): "putExpiring(\(key), \(length))"
    case .expire: "expire"
    case .delete(let key): "delete(\(key))"
    case .transaction(let changes):
      "transaction([\(changes.map(\.description).joined(separator: ", "))])"
    case .sync: "sync"
    case .compact: "compact"
    case .compactSealed: "compactSealed"
    case .image(let changes): "image([\(changes.map(\.description).joined(separator: ", "))])"
    case .noteChanges: "noteChanges"
    case .compactAmid(let first, let changes):
      "compactAmid(\(first), [\(changes.map(\.description).joined(separator: ", "))])"
    case .tell(let isElsewhere): "tell(elsewhere: \(isElsewhere))"
    case .backUp: "backUp"
    case .create(let name): "create(\(name))"
    case .drop(let name): "drop(\(name))"
    case .putIn(let name, let key, let length): "putIn(\(name), \(key), \(length))"
    case .putAcross(let key, let length): "putAcross(\(key), \(length))"
    case .close(let policy): "close(.\(policy))"
    case .kill(let policy): "kill(.\(policy))"
    case .killAmid(let share, let policy): "killAmid(\(share), .\(policy))"
    case .killBefore(let count, let policy): "killBefore(\(count), .\(policy))"
    case .failSync(let evicting): "failSync(evicting: \(evicting))"
    case .fill(let isFull): "fill(\(isFull))"
    }
  }
}

extension CrashProgram.Change: CustomStringConvertible {
  package var description: String { ".init(\(key), \(length.map(String.init) ?? "nil"))" }
}
