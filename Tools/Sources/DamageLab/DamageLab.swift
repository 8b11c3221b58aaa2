// Makes an image, asks it everything, mends it again, and counts.

package import SystemPackage

/// Checks images of some sample stores, one after the other, in a directory of its own.
package final class DamageLab {
  package let plan: DamagePlan
  package private(set) var tally: Tally
  private let images: [FileImage]
  private let simulated: [MemoryImage]
  private let scratch: FilePath
  private let keys: [[ByteString]]

  /// Makes the stores' files.
  ///
  /// - Parameters:
  ///   - plan: which images there are.
  ///   - scratch: an existing directory, preferably in memory.
  ///   - tally: what was counted before.
  /// - Throws: what the system says.
  package init(_ plan: DamagePlan, in scratch: FilePath, tally: Tally? = nil) throws {
    self.plan = plan
    self.tally = tally ?? Tally(stores: plan.stores.count)
    self.scratch = scratch
    images = try plan.stores.map { try FileImage(of: $0, at: scratch.appending($0.name)) }
    simulated = plan.stores.map { MemoryImage(of: $0) }
    keys = plan.stores.map { store in
      let foreign = store.other?.history.keys ?? []
      return Set(store.history.keys + foreign).sorted { $0.lexicographicallyPrecedes($1) }
    }
  }

  /// Checks one image.
  ///
  /// - Parameters:
  ///   - image: one of the plan's.
  ///   - depth: the slower questions.
  /// - Returns: what is wrong, or nil.
  /// - Throws: what the system says; the image may then be half damaged.
  package func check(_ image: DamageImage, _ depth: CheckDepth = CheckDepth()) throws -> Finding? {
    let store = plan.stores[image.store]
    let files: any StoreImage =
      depth.usesFiles ? images[image.store] : simulated[image.store]
    let edits = image.damage.edits(of: store)
    let expectation = Expectation(image.damage, edits, store)
    let row = TallyRow(store: image.store, kind: image.kind, region: expectation.region)
    var check = ImageCheck(files, expectation, keys: keys[image.store], scratch)
    try files.apply(edits)
    defer { tally[row, .images] += 1 }
    do {
      try check.read(depth)
      if depth.usesFiles, let command = depth.command {
        tally[row, .commands] += try command(check.commandCase)
        if let difference = try files.difference() {
          throw Finding(description: "a reading command changed the store: \(difference)")
        }
      }
      let isEarlier = !check.hasRefused && check.states.first != store.history.finalState
      let isWritten = try check.write()
      try files.restore()
      count(check, row)
      if isEarlier { tally[row, .earlier] += 1 }
      if isWritten { tally[row, .written] += 1 }
      if depth.exports, check.hasOpened { tally[row, .exports] += 1 }
      return nil
    } catch let finding as Finding {
      files.noteWriting()
      try files.restore()
      count(check, row)
      tally[row, .findings] += 1
      return finding
    }
  }

  /// Writes the files of an image to a directory, which is made.
  package func keep(_ image: DamageImage, at path: FilePath) throws {
    let store = plan.stores[image.store]
    let files = try FileImage(of: store, at: path, isTemporary: false)
    try files.apply(image.damage.edits(of: store))
  }

  private func count(_ check: ImageCheck, _ row: TallyRow) {
    tally[row, .right] += check.right
    tally[row, .damaged] += check.refusedDamaged
    tally[row, .collateral] += check.refusedWhole
    tally[row, .absent] += check.refusedAbsent
    if !check.hasOpened { tally[row, .unopened] += 1 }
    if check.isSound { tally[row, .unnoticed] += 1 }
  }
}

extension ImageCheck {
  /// What the library said, as a program should say it.
  var commandCase: CommandCase {
    let texts = answers.compactMap { (key, answer) -> (key: String, answer: ByteString??)? in
      let isText = !key.isEmpty && key.allSatisfy { (0x20..<0x7f).contains($0) }
      return isText ? (String(decoding: key, as: UTF8.self), answer) : nil
    }
    return CommandCase(
      path: image.path,
      number: right << 16 | refusedDamaged << 8 | refusedWhole,
      hasStore: image.hasSegments,
      isSound: isSound,
      isComplete: isComplete,
      answers: texts
    )
  }
}
