// What the blocks of a new file hold before anything is written: the segments of another life, whose
// records were once valid. The engine may count on none of it being zero, and must take none of it
// for its own.

internal import Fenceline

/// In what the other life differs from this one; only that keeps its records from being valid here.
package enum StaleKind: String, Sendable, CaseIterable {
  /// There was no other life: zeros.
  case none
  /// The same store before it was recovered: another incarnation.
  case incarnation
  /// Another store.
  case store
  /// Another segment of the same store.
  case segment
  /// The same segment, moved by a line.
  case offset
}

/// The segments of another life, by name.
package struct StaleContents: Sendable {
  private var contents: [String: [UInt8]] = [:]

  /// Zeros.
  package init() {}

  /// What a run left, as `kind` says.
  init(_ kind: StaleKind, leftBy entries: [SimulatedDirectory.Entry]) {
    for entry in entries {
      guard let id = SegmentName.id(of: entry.name), kind != .none else { continue }
      let bytes = entry.memory.contents
      switch kind {
      case .none: break
      case .incarnation, .store: contents[entry.name] = bytes
      case .segment: contents[SegmentName.name(of: id + 1)] = bytes
      case .offset:
        contents[entry.name] = Array(bytes[..<4096] + bytes[4160...] + bytes[4096..<4160])
      }
    }
  }

  /// What a new file holds; nil for zeros.
  func contents(of name: String, length: Int) -> [UInt8]? {
    guard let found = contents[name], length > 0 else { return nil }
    return Array(found.prefix(length)) + Array(repeating: 0, count: max(0, length - found.count))
  }
}
