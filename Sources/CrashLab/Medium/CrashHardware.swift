// What a machine is taken to do when its power goes.

internal import PersistentMemory

/// The machine that crashes.
public enum CrashHardware: String, Sendable, CaseIterable {
  /// Persistent memory behind a processor whose non-temporal stores leave the cache: behind a fence
  /// they are on the medium.
  case streamsBypassCache = "bypass"
  /// Persistent memory behind a processor that may keep a non-temporal store in its cache.
  case streamsStayInCache = "stay"
  /// Persistent memory whose persistence domain holds the caches (eADR): only what waits in a store
  /// buffer is lost.
  case cachesArePersistent = "eadr"
  /// A disk with a file system: what was written counts only behind `fsync`.
  case disk

  /// The policies that are meant to be right on it.
  package var policies: [CopyPolicy] {
    switch self {
    case .streamsBypassCache: [.strict, .trusting]
    case .streamsStayInCache: [.strict]
    case .cachesArePersistent, .disk: [.plain]
    }
  }

  /// Bytes that reach the medium as one: a line or a sector.
  var blockLength: Int { self == .disk ? 512 : 64 }

  var mediumKind: MediumKind {
    switch self {
    case .streamsBypassCache, .streamsStayInCache: .persistentMemory
    case .cachesArePersistent: .persistentMemoryWithFlushOnFailure
    case .disk: .file
    }
  }
}
