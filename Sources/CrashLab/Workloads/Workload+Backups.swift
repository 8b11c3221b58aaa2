// Backups beside a workload: what they hold has to be a state of the model, and from then on no crash of the
// store may take it back.

internal import Fenceline

extension Workload {
  /// Brings the workload's backup up to date, and restores it.
  ///
  /// - Throws: ``Violation`` where that is no state of the store, or not what the sequence says.
  func backUp() throws {
    let report = try Backup.update(in: backups, of: directory)
    guard let step = history.step(ofSequence: report.sequence) else {
      throw Violation("a backup is said to be at \(report.sequence)")
    }
    let restored = SimulatedDirectory(setup.hardware, entries: [])
    try Backup.restore(in: backups, to: restored, options: options)
    let contents = try oracle.contents(of: Store(readingIn: restored, options: options))
    guard contents == history.states[step] else {
      throw Violation("a backup at \(report.sequence) is restored to \(contents)")
    }
    mark(.synced(step))
  }
}
