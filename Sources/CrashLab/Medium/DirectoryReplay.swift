// Which names a crash can leave, and which files behind them have their length.
//
// POSIX promises nothing of an operation before the directory is synchronised, but that operations on
// one name happen in order; ext4 and XFS promise more (one order for all), so their states are among
// these. A file's length counts once the file itself is synchronised.

internal import PersistentMemory

/// The names of a simulated directory at one moment of a trace.
struct DirectoryReplay {
  /// What stands behind a name.
  struct Place: Hashable {
    let file: Int
    /// The file has lost its length.
    var isCut = false
  }

  private enum Operation {
    case create(name: String, file: Int)
    case rename(name: String, to: String)
    case remove(name: String)

    /// Operations whose subject is equal concern one name, published or not.
    var subject: String {
      switch self {
      case .create(let name, _), .rename(let name, _), .remove(let name):
        let suffix = FileSystemDirectory.unpublishedSuffix
        return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      }
    }
  }

  private var names: [String: Int] = [:]
  private var pending: [Operation] = []
  private var filesWithoutLength: Set<Int> = []
  /// The directory itself is there for certain.
  private var isNameCertain = false

  /// A file that is there, durably.
  mutating func add(_ name: String, number: Int) { names[name] = number }

  mutating func create(_ name: String, number: Int, lengthIsCertain: Bool) {
    pending.append(.create(name: name, file: number))
    if !lengthIsCertain { filesWithoutLength.insert(number) }
  }

  mutating func rename(_ name: String, to target: String) {
    pending.append(.rename(name: name, to: target))
  }

  mutating func remove(_ name: String) { pending.append(.remove(name: name)) }

  mutating func synchronizeFile(_ file: Int, succeeded: Bool) {
    if succeeded { filesWithoutLength.remove(file) }
  }

  mutating func synchronize() {
    Self.apply(pending, to: &names)
    pending = []
  }

  mutating func synchronizeName() { isNameCertain = true }

  /// What a living machine sees.
  func visibleNames() -> [String: Int] {
    var names = names
    Self.apply(pending, to: &names)
    return names
  }

  /// Every set of names that a crash can leave now: per subject, any number of its operations from
  /// the first on; subjects independently; files without their length with and without it; and no
  /// directory at all before its own name is certain.
  ///
  /// - Parameter isRelevant: of a name; the length of others is left as it is.
  /// - Returns: what stands behind each name, for every set.
  func possibleNames(_ isRelevant: (String) -> Bool) -> [[String: Place]] {
    var subjects: [String] = []
    for operation in pending where !subjects.contains(operation.subject) {
      subjects.append(operation.subject)
    }
    var results = [names]
    for subject in subjects {
      let chain = pending.filter { $0.subject == subject }
      results = results.flatMap { names in
        (0...chain.count).map { count in
          var names = names
          Self.apply(chain.prefix(count), to: &names)
          return names
        }
      }
    }
    if !isNameCertain, !results.contains([:]) { results.append([:]) }
    return results.flatMap { names in
      var sets = [names.mapValues { Place(file: $0) }]
      for (name, file) in names.sorted(by: { $0.key < $1.key })
      where filesWithoutLength.contains(file) && isRelevant(name) {
        sets += sets.map { set in
          var set = set
          set[name]?.isCut = true
          return set
        }
      }
      return sets
    }
  }

  /// What the names are after some operations; one whose subject is not there does nothing.
  private static func apply(
    _ operations: some Sequence<Operation>,
    to names: inout [String: Int]
  ) {
    for operation in operations {
      switch operation {
      case .create(let name, let file): names[name] = file
      case .rename(let name, let target):
        if let file = names.removeValue(forKey: name) { names[target] = file }
      case .remove(let name): names[name] = nil
      }
    }
  }
}
