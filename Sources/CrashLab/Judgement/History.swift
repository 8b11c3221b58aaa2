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
  /// Of what the store held before the first step.
  private var pastFingerprints: Set<UInt64> = []
  /// The highest sequence that was given out when the step had been made.
  private var sequences: [UInt64] = []
  /// Every key that ever was.
  package private(set) var keys: Set<[UInt8]> = []

  package init() {}

  /// The states that are allowed at a moment; -1 stands for "no store yet".
  struct Allowed: Equatable {
    var lowest = -1
    var highest = -1
    /// The last step whose call has returned.
    var returned = -1
    /// The last step that has stored something new in the journal, so its sequence has been used.
    var stored = -1
    /// The store was closed, and nothing was asked of it since.
    var isClosed = false

    mutating func take(_ event: Trace.Event) {
      switch event {
      case .mark(.begun(let step)):
        highest = max(highest, step)
        isClosed = false
      case .mark(.returned(let step)): returned = max(returned, step)
      case .mark(.synced(let step)):
        lowest = max(lowest, step)
        returned = max(returned, step)
      case .mark(.closed(let step)):
        lowest = max(lowest, step)
        isClosed = true
      case .store(_, let offset, _, let kind, _):
        if offset >= SegmentField.journalStart, kind != .rewritten { stored = highest }
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

  /// Makes a step, which the store refused, one that changed nothing.
  mutating func retract(_ step: Int, to contents: StoreContents, sequence: UInt64) {
    states[step] = contents
    fingerprints[step] = Self.fingerprint(of: contents)
    sequences[step] = sequence
  }

  /// The step that an image shows, or nil where it shows none that is allowed.
  func step(ofFingerprint fingerprint: UInt64, in allowed: Allowed) -> Int? {
    guard allowed.highest >= 0 else { return nil }
    return (max(0, allowed.lowest)...allowed.highest).last { fingerprints[$0] == fingerprint }
  }

  /// Whether there ever was a state, that of an empty store included.
  func hasState(withFingerprint fingerprint: UInt64) -> Bool {
    fingerprint == 0 || fingerprints.contains(fingerprint)
      || pastFingerprints.contains(fingerprint)
  }

  /// Goes on where another run was crashed, which showed its state behind `step`.
  mutating func notePast(of other: History, upTo step: Int) {
    pastFingerprints = other.pastFingerprints.union(other.fingerprints[...step])
  }

  /// The newest step behind which no higher sequence than this one had been given out.
  func step(ofSequence sequence: UInt64) -> Int? { sequences.lastIndex(of: sequence) }

  /// The highest sequence that a step up to `step` has used, or was about to.
  func sequence(upTo step: Int) -> UInt64 { step < 0 ? 0 : sequences[step] }

  /// Equal contents have equal fingerprints.
  static func fingerprint(of contents: StoreContents) -> UInt64 {
    contents.reduce(0) { sum, entry in
      sum &+ share(of: unsafe entry.key.span.bytes, unsafe entry.value.span.bytes)
    }
  }

  /// What one entry adds to the fingerprint of its store.
  static func share(of key: RawSpan, _ value: RawSpan) -> UInt64 {
    Mix.mix(Checksum.hash64(value, seed: Checksum.hash64(key, seed: 1)))
  }
}
