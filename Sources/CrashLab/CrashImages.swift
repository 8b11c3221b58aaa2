// Every image that a crash at one moment can leave: the product of what each line, each word and each
// name can be. Invariant: after an enumeration the replay's files hold what is certain, as before.

/// What hardware is taken to do.
package struct CrashModel: Sendable {
  /// Whether a fence alone brings streamed stores out of the cache.
  package var streamsBypassCache: Bool
  /// Lines may arrive torn into 8-byte words, in any order: harsher than the processors that we
  /// know, and all that their vendors promise.
  package var tearsLines = false
  /// Combinations per moment up to which all are visited.
  package var exhaustiveLimit = 1 << 16
  /// Images of each kind of sample where there are more.
  package var samplesPerKind = 64
  /// For samples.
  package var seed: UInt64 = 1

  /// The model in which `policy` is meant to be right.
  package init(policy: CopyPolicy) { streamsBypassCache = policy == .trusting }
}

extension Trace.Event {
  /// Whether a crash right before it is looked at.
  var isTellingMoment: Bool {
    switch self {
    case .fence, .death, .synchronizeDirectory: true
    default: false
    }
  }
}

/// The images of one moment.
///
/// It suffices to look right before each fence, death of the process or synchronisation of the
/// directory, and at the end of the trace. Between two such moments nothing becomes certain: events
/// only add stores and operations that may or may not have happened, and every one of them is
/// allowed not to have. So what a crash in between can leave is among what a crash at the end of the
/// interval can leave; and the history asks the most of an image at that end, because its marks only
/// ever add to what must be there. (That an image shows no more than had begun is weaker at the end
/// than inside; but a step's bytes are stored after it has begun, so no image shows it before.)
package struct CrashImages {
  let replay: MediumReplay
  let model: CrashModel

  /// A line, or a word, of which more than one content is possible.
  private struct Slot {
    let file: Int
    let firstWord: Int
    let contents: [[UInt64]]
  }

  /// Visits the images until `body` returns false; `body` gets a description on demand.
  ///
  /// - Returns: whether all of them were visited, and not samples.
  @discardableResult
  func forEach(_ body: (CrashImage, () -> String) -> Bool) -> Bool {
    let slots = slots()
    let nameSets = replay.possibleNames()
    var isExhaustive = true
    for (number, names) in nameSets.enumerated() {
      let open = slots.filter { names.values.contains($0.file) }
      let choices = Choices(
        radices: open.map(\.contents.count),
        exhaustiveLimit: max(1, model.exhaustiveLimit / nameSets.count),
        samplesPerKind: model.samplesPerKind,
        seed: model.seed
      )
      if choices.exhaustiveCount == nil { isExhaustive = false }
      let files = names.sorted { $0.key < $1.key }.map { ($0.key, replay.files[$0.value]) }
      var current = Array(repeating: 0, count: open.count)
      let goesOn = choices.forEach { choice in
        apply(choice, to: open, from: &current)
        return body(CrashImage(files: files)) {
          "names \(number) of \(nameSets.count): \(names.keys.sorted()); "
            + describe(choice, open)
        }
      }
      apply(Array(repeating: 0, count: open.count), to: open, from: &current)
      guard goesOn else { break }
    }
    return isExhaustive
  }

  /// The different images at each moment that is looked at, as names and contents: for traces made
  /// by hand.
  package static func all(of trace: Trace, model: CrashModel) -> [Set<[String: [UInt8]]>] {
    let replay = MediumReplay(trace, streamsBypassCache: model.streamsBypassCache)
    var moments: [Set<[String: [UInt8]]>] = []
    func look() {
      var images: Set<[String: [UInt8]]> = []
      CrashImages(replay: replay, model: model).forEach { image, _ in
        images.insert(
          Dictionary(uniqueKeysWithValues: image.files.map { ($0.name, $0.file.memory.contents) })
        )
        return true
      }
      moments.append(images)
    }
    while replay.position < trace.events.count {
      if trace.events[replay.position].isTellingMoment { look() }
      replay.step()
    }
    look()
    return moments
  }

  private func slots() -> [Slot] {
    replay.pendingLines.sorted { $0.key < $1.key }.flatMap { key, line in
      let file = replay.files[key.file]
      let certain = (0..<8).map { file.word(at: 8 * key.line + $0) }
      return line.alternatives(certain: certain, tearsLines: model.tearsLines).map {
        Slot(file: key.file, firstWord: 8 * key.line + $0.firstWord, contents: $0.contents)
      }
    }
  }

  private func apply(_ choice: [Int], to slots: [Slot], from current: inout [Int]) {
    for index in choice.indices where choice[index] != current[index] {
      let slot = slots[index]
      let file = replay.files[slot.file]
      for (offset, word) in slot.contents[choice[index]].enumerated() {
        file.setWord(at: slot.firstWord + offset, to: word)
      }
      current[index] = choice[index]
    }
  }

  private func describe(_ choice: [Int], _ slots: [Slot]) -> String {
    if choice.count > 64 { return "\(choice.count) uncertain places, seed \(model.seed)" }
    return zip(choice, slots).map { chosen, slot in
      let kind = slot.contents[0].count == 1 ? "word" : "line"
      return "file \(slot.file) \(kind) at \(8 * slot.firstWord): "
        + "\(chosen) of \(slot.contents.count - 1)"
    }.joined(separator: ", ")
  }
}
