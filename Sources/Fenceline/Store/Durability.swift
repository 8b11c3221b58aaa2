// What a caller asks of a commit, and what it gets.

internal import PersistentMemory

/// When a commit returns.
public enum Durability: Sendable, Hashable {
  /// As soon as readers see it. ``Store/sync(_:)`` or a later durable commit makes it durable.
  case buffered
  /// When it, and everything committed before it, is durable: one fence or one device flush.
  case durable
}

/// What a committed transaction survives.
///
/// Each level includes the ones before it.
public enum Survival: Int, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Nothing: it may be lost when the process ends.
  case nothing = 0
  /// The end of the process, however it ends.
  case processCrash = 1
  /// A crash of the kernel.
  case kernelCrash = 2
  /// Loss of power.
  case powerFailure = 3

  /// Whether `left` survives less than `right`.
  public static func < (left: Survival, right: Survival) -> Bool { left.rawValue < right.rawValue }

  /// The level in words, as `kvctl stat` prints it.
  public var description: String {
    switch self {
    case .nothing: "nothing"
    case .processCrash: "process crash"
    case .kernelCrash: "kernel crash"
    case .powerFailure: "power failure"
    }
  }
}

extension MediumDescription {
  /// What a commit survives before `sync()`.
  var buffered: Survival { kind == .file ? .nothing : .processCrash }

  /// What a commit survives after `sync()`, or when it was durable.
  var synced: Survival {
    switch kind {
    case .file: .powerFailure
    case .volatile: .processCrash
    case .persistentMemoryWithFlushOnFailure: .powerFailure
    case .persistentMemory: isForced || !flushReachesPersistence ? .processCrash : .powerFailure
    }
  }
}
