// The dictionary model: what a store holds after each step, and which steps a crash at some moment
// may show.
//
// Invariant: at every moment of a trace, the states that a crash may show are those from the last
// `synced` mark to the last `begun` one, both included. A recovery that accepted state a appends a
// as a new step and marks it begun, then synced, so the range goes on without what was lost.

internal import JournalFormat
internal import PersistentMemory

/// What a store holds.
package typealias StoreContents = [[UInt8]: [UInt8]]

/// The steps of one run.
package struct History: Sendable {
  /// The contents after each step.
  package private(set) var states: [StoreContents] = []
  private var fingerprints: [UInt64] = []
  /// The highest sequence that was given out when the step had been made.
  private var sequences: [UInt64] = []
  /// Every key that ever was.
  package private(set) var keys: Set<[UInt8]> = []

  package init() {}

  /// The states that are allowed at a moment; -1 stands for "no store yet".
  struct Allowed: Equatable {
    var lowest = -1
    var highest = -1
    /// The last step that has stored something in the journal, so its sequence has been used.
    var stored = -1

    mutating func take(_ event: Trace.Event) {
      switch event {
      case .mark(.begun(let step)): highest = max(highest, step)
      case .mark(.synced(let step)): lowest = max(lowest, step)
      case .store(_, let offset, _, _, _):
        if offset >= SegmentField.journalStart { stored = highest }
      default: break
      }
    }
  }

  /// Adds a step and returns its number.
  mutating func append(_ contents: StoreContents, sequence: UInt64) -> Int {
    states.append(contents)
    fingerprints.append(Self.fingerprint(of: contents))
    sequences.append(sequence)
    keys.formUnion(contents.keys)
    return states.count - 1
  }

  /// The step that an image shows, or nil where it shows none that is allowed.
  func step(ofFingerprint fingerprint: UInt64, in allowed: Allowed) -> Int? {
    guard allowed.highest >= 0 else { return nil }
    return (max(0, allowed.lowest)...allowed.highest).last { fingerprints[$0] == fingerprint }
  }

  /// The highest sequence that a step up to `step` has used, or was about to.
  func sequence(upTo step: Int) -> UInt64 { step < 0 ? 0 : sequences[step] }

  /// Equal contents have equal fingerprints.
  static func fingerprint(of contents: StoreContents) -> UInt64 {
    contents.reduce(0) { sum, entry in
      let key = Checksum.hash64(unsafe entry.key.span.bytes, seed: 1)
      let value = Checksum.hash64(unsafe entry.value.span.bytes, seed: key)
      return sum &+ Mix.mix(value)
    }
  }
}
