// Saving what can be saved of a damaged store: exactly what look-ups answer, in a store that is sound.

internal import Fenceline
internal import SystemPackage

extension ImageCheck {
  /// Salvages, and compares what was saved with what the store has answered.
  mutating func salvage() throws {
    let output = scratch.appending("salvaged")
    defer { Files.removeDirectory(output) }
    let report: SalvageReport
    do {
      report = try image.salvage(to: output)
    } catch {
      try require(error, "salvage")
      if hasOpened { throw Finding(description: "opens for reading, but not saved: \(error)") }
      return
    }
    let saved: Store
    do {
      let verification = try Store.verify(at: output)
      if let finding = verification.findings.first {
        throw Finding(description: "verify finds in what was saved: \(finding)")
      }
      saved = try Store.openReadOnly(at: output)
    } catch let error as StoreError {
      throw Finding(description: "what was saved can't be read: \(error)")
    }
    // One that calls itself complete has to be a whole state, whatever look-ups refuse: they do not know of
    // deletes behind what was lost, and a salvage does.
    let (found, isWhole) = try entries(of: saved, .unordered, isPart: !report.isComplete)
    guard isWhole, found.count == report.keptCount else {
      throw Finding(description: "saved \(found.count) entries, told of \(report.keptCount)")
    }
    for (key, answer) in answers {
      switch answer {
      case .some(let value) where found[key] != value:
        throw Finding(description: "\(Self.text(key)) is answered, but not saved like that")
      case nil where found[key] != nil:
        throw Finding(description: "\(Self.text(key)) is refused, but saved")
      default: break
      }
    }
  }
}
