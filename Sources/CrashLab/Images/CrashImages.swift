// Every image that a crash at one moment can leave: the product of what each block, each word and each
// name can be. Invariant: after an enumeration the replay's files hold what is certain, as before.

internal import PersistentMemory

extension Trace.Event {
  /// Whether a crash right before it is looked at.
  var isTellingMoment: Bool {
    switch self {
    case .fence, .death, .eviction, .synchronizeDirectory, .synchronizeName, .synchronizeFile: true
    default: false
    }
  }
}

/// The images of one moment.
///
/// It suffices to look right before each event that makes something certain (a fence, a
/// synchronisation, a death, where caches are persistent another thread's store) and at the end of the
/// trace. Between two such moments nothing becomes
/// certain: events only add stores and operations that may or may not have happened, and every one
/// of them is allowed not to have. So what a crash in between can leave is among what a crash at the
/// end of the interval can leave; and the history asks the most of an image at that end, because its
/// marks only ever add to what must be there. (That an image shows no more than had begun is weaker
/// at the end than inside; but a step's bytes are stored after it has begun, so no image shows it
/// before.)
package struct CrashImages {
  let replay: MediumReplay
  let model: CrashModel

  /// Visits the images until `body` returns false; `body` gets a description on demand.
  ///
  /// - Returns: whether all of them were visited, and not samples.
  @discardableResult
  func forEach(_ body: (CrashImage, () -> String) -> Bool) -> Bool {
    let nameSets = replay.directory.possibleNames { !model.prunes || Self.isRead($0) }
    var isExhaustive = true
    for (number, names) in nameSets.enumerated() {
      let relevant = Set(
        names.filter { !$0.value.isCut && (!model.prunes || Self.isRead($0.key)) }.map(\.value.file)
      )
      let chains = replay.chains(tearsBlocks: model.tearsBlocks, isRelevant: relevant.contains)
      let choices = Choices(
        radices: chains.map { $0.steps.count + 1 },
        groups: chains.map(\.group),
        exhaustiveLimit: max(1, model.exhaustiveLimit / nameSets.count),
        samplesPerKind: model.samplesPerKind,
        seed: model.seed
      )
      if choices.exhaustiveCount == nil { isExhaustive = false }
      let image = CrashImage(files: names.sorted { $0.key < $1.key }.map(file))
      var current = Array(repeating: 0, count: chains.count)
      let goesOn = choices.forEach { choice in
        apply(choice, to: chains, from: &current)
        return body(image) {
          "names \(number) of \(nameSets.count): \(names.keys.sorted()); "
            + describe(choice, chains)
        }
      }
      apply(Array(repeating: 0, count: chains.count), to: chains, from: &current)
      guard goesOn else { break }
    }
    return isExhaustive
  }

  /// The different images at each moment that is looked at, as names and contents: for traces made
  /// by hand.
  package static func all(of trace: Trace, model: CrashModel) -> [Set<[String: [UInt8]]>] {
    let replay = MediumReplay(trace, on: model.hardware)
    var moments: [Set<[String: [UInt8]]>] = []
    func look() {
      var images: Set<[String: [UInt8]]> = []
      CrashImages(replay: replay, model: model).forEach { image, _ in
        let files = image.files.map { ($0.entry.name, $0.file.memory.contents) }
        images.insert(Dictionary(uniqueKeysWithValues: files))
        return true
      }
      moments.append(images)
    }
    while replay.position < trace.events.count {
      if replay.isTellingMoment { look() }
      replay.step()
    }
    look()
    return moments
  }

  /// Whether a store reads what is behind a name; of others it only takes note.
  private static func isRead(_ name: String) -> Bool {
    !name.hasSuffix(FileSystemDirectory.unpublishedSuffix)
  }

  private func file(_ name: String, _ place: DirectoryReplay.Place) -> CrashImage.File {
    CrashImage.File(
      name,
      place.isCut ? ImageFile(FileMemory(length: 0)) : replay.files[place.file]
    )
  }

  private func apply(_ choice: [Int], to chains: [Chain], from current: inout [Int]) {
    for index in choice.indices where choice[index] != current[index] {
      let steps = chains[index].steps
      while current[index] < choice[index] {
        let step = steps[current[index]]
        replay.files[step.file].setWord(at: step.word, to: step.after)
        current[index] += 1
      }
      while current[index] > choice[index] {
        current[index] -= 1
        let step = steps[current[index]]
        replay.files[step.file].setWord(at: step.word, to: step.before)
      }
    }
  }

  private func describe(_ choice: [Int], _ chains: [Chain]) -> String {
    if choice.count > 64 { return "\(choice.count) uncertain places, seed \(model.seed)" }
    return zip(choice, chains).map { chosen, chain in
      let first = chain.steps[0]
      return "file \(first.file) at \(8 * first.word): \(chosen) of \(chain.steps.count)"
    }.joined(separator: ", ")
  }
}
