// Backups in a life: whatever fails, one that was there before is whole, and what is restored is what was
// backed up.

internal import DamageLab
internal import FaultLayer
internal import Fenceline
internal import SystemPackage

extension Life {
  /// Brings the backup up to date.
  func backUp(_ step: String) {
    // Of the store's directory none is synchronised again behind a failure: nor is another one, which would be
    // counted with it.
    guard errors.isEmpty else { return }
    let isDone = attempt("\(step): backup") { () throws(StoreError) in
      try Backup.update(backup, of: store)
    }
    fault_pause()
    defer { fault_resume() }
    do throws(StoreError) {
      guard try Backup.exists(at: backup) else { return }
      let report = try Backup.verify(backup)
      if !report.isSound { note("\(step): the backup has \(report.findings)") }
      let state = try restoredState()
      if let finding = model.judge(state, keepsBuffered: !isOnDisk) {
        // Then it is the one before.
        if isDone || state != backedUp { note("\(step): the backup is none: \(finding)") }
      }
      backedUp = state
    } catch {
      // Where the first one failed there is none.
      if backedUp != nil || isDone { note("\(step): no backup: \(error)") }
    }
  }

  /// Makes a store of the backup.
  func restore(_ step: String) {
    guard errors.isEmpty else { return }
    let isDone = attempt("\(step): restore") { () throws(StoreError) in
      try Backup.restore(backup, to: restored)
    }
    fault_pause()
    defer {
      Files.removeDirectory(restored)
      fault_resume()
    }
    do throws(StoreError) {
      let state = try Store.openReadOnly(at: restored, options: Self.options).everything()
      if state != backedUp { note("\(step): something else was restored") }
    } catch {
      guard case .noStore = error, !isDone else { return note("\(step): restored: \(error)") }
    }
  }

  /// What is left over of it all, when nothing fails any more.
  func findingsOfBackups() -> [String] {
    var findings: [String] = []
    do throws(StoreError) {
      try Backup.update(backup, of: store)
      let report = try Backup.verify(backup)
      if !report.isSound || report.leftoverCount > 0 {
        findings.append("the backup afterwards: \(report)")
      }
      backedUp = try Store.openReadOnly(at: store, options: Self.options).everything()
      if try restoredState() != backedUp { findings.append("the backup holds something else") }
    } catch { findings.append("a backup afterwards: \(error)") }
    return findings
  }

  /// Restores the backup for a moment.
  private func restoredState() throws(StoreError) -> StoreState {
    try Backup.restore(backup, to: restored)
    defer { Files.removeDirectory(restored) }
    return try Store.openReadOnly(at: restored, options: Self.options).everything()
  }
}
