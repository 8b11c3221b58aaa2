// Judges images by a program's own check.

internal import Fenceline

/// Hands images to a check.
struct PromiseJudge: ImageJudge {
  private let run: CrashRun
  private let check: (Store, Set<String>) throws -> Void
  private let oracle: Oracle
  private var promised = 0
  /// Images and recovery classes that were checked under so many promises.
  private var checkedImages: [UInt64: Int] = [:]
  private var checkedClasses: [UInt64: Int] = [:]

  init(_ run: CrashRun, _ check: @escaping (Store, Set<String>) throws -> Void) {
    self.run = run
    self.check = check
    oracle = Oracle(
      options: run.setup.options(),
      hardware: run.setup.hardware,
      stale: run.stale,
      keys: []
    )
  }

  mutating func take(_ event: Trace.Event) {
    if case .mark(.promise(let number)) = event { promised = number + 1 }
  }

  mutating func judge(_ image: CrashImage, _ report: inout CrashReport) throws(Violation) {
    let known = checkedImages[image.fingerprint]
    if let known, known >= promised { return }
    if known == nil { report.distinctImages += 1 }
    checkedImages[image.fingerprint] = promised
    let store: Store
    do throws(StoreError) {
      store = try Store(readingIn: image.directory(on: run.setup.hardware), options: oracle.options)
    } catch {
      guard case .noStore = error else { throw Violation("opening: \(error)") }
      if promised > 0 { throw Violation("there is no store") }
      return
    }
    let findings = store.verificationAtOpening.findings
    guard findings.isEmpty else { throw Violation("verify finds \(findings)") }
    try check(store)
    try checkWriting(image, oracle.recoveryClass(of: image, store), &report)
  }

  private mutating func checkWriting(
    _ image: CrashImage,
    _ recoveryClass: UInt64,
    _ report: inout CrashReport
  ) throws(Violation) {
    let known = checkedClasses[recoveryClass]
    if let known, known >= promised { return }
    if known == nil { report.recoveryClasses += 1 }
    checkedClasses[recoveryClass] = promised
    let store: Store
    do throws(StoreError) {
      let directory = image.directory(on: run.setup.hardware, stale: run.stale)
      store = try Store(writingIn: directory, options: oracle.options)
    } catch { throw Violation("opening for writing: \(error)") }
    try check(store)
  }

  private func check(_ store: Store) throws(Violation) {
    do { try check(store, Set(run.promises.prefix(promised))) } catch {
      throw error as? Violation ?? Violation("the check throws \(error)")
    }
  }
}
