// Names of a backup's files. None of them is a segment's, so a backup is never taken for a store.

internal import PersistentMemory

/// What a file in a backup's directory is, by its name.
enum BackupName: Equatable {
  /// Says what else there is.
  case manifest
  /// A stretch of a segment.
  case part(segment: UInt32, generation: UInt64)
  /// One of these that was not finished, or the lock.
  case ownBesides
  case foreign

  /// The manifest's name.
  static let manifestName = "backup.manifest"
  private static let partSuffix = ".part"

  /// Eight hexadecimal digits, the generation and ".part".
  static func part(of segment: UInt32, generation: UInt64) -> String {
    let digits = String(segment, radix: 16)
    let id = String(repeating: "0", count: 8 - digits.count) + digits
    return "\(id).\(generation)\(partSuffix)"
  }

  init(_ name: String) {
    if name == Self.manifestName {
      self = .manifest
      return
    }
    if name == FileSystemDirectory.lockName {
      self = .ownBesides
      return
    }
    let suffix = FileSystemDirectory.unpublishedSuffix
    if name.hasSuffix(suffix) {
      self = BackupName(String(name.dropLast(suffix.count))) == .foreign ? .foreign : .ownBesides
      return
    }
    let fields = name.split(separator: ".", omittingEmptySubsequences: false)
    guard fields.count == 3, let segment = UInt32(fields[0], radix: 16),
      let generation = UInt64(fields[1]),
      Self.part(of: segment, generation: generation) == name
    else {
      self = .foreign
      return
    }
    self = .part(segment: segment, generation: generation)
  }

  /// Whether a directory with these names holds a backup, or one that was begun.
  static func areOfBackup(_ names: [String]) -> Bool {
    !names.contains { SegmentName.id(of: $0) != nil }
      && names.contains {
        switch BackupName($0) {
        case .manifest, .part: true
        case .ownBesides, .foreign: false
        }
      }
  }
}
