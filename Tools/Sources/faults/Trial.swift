// One fault: a life under it, and what an opening without the fault says behind it.

internal import DamageLab
internal import FaultLayer
internal import Fenceline
internal import IndexExport
internal import PersistentMemory
internal import SystemPackage

/// What came of a fault.
enum Answer: Int, CaseIterable, Sendable {
  /// The call was not reached: an earlier trial's numbers do not hold.
  case notReached
  /// Nothing was thrown.
  case tolerated
  /// No room; the handle went on.
  case full
  /// An error; the handle went on.
  case error
  /// An error, and the handle wrote no more.
  case poisoned
  /// The store could not be opened.
  case notOpened

  var name: String {
    switch self {
    case .notReached: "not reached"
    case .tolerated: "tolerated"
    case .full: "full"
    case .error: "error"
    case .poisoned: "poisoned"
    case .notOpened: "not opened"
    }
  }
}

/// The end of a trial.
struct TrialResult: Sendable {
  var answer: Answer
  var hits: UInt64
  /// The first error.
  var error: String?
  var findings: [String]
}

struct Trial {
  let root: FilePath
  let medium: FaultMedium

  private var store: FilePath { root.appending("store") }
  private var output: FilePath { root.appending("output") }

  /// Counts the calls of a life, and the ways to them.
  func count() throws -> (calls: [UInt64], sites: [Int], findings: [String]) {
    try prepare()
    fault_note_sites(true)
    defer { fault_note_sites(false) }
    let life = Life(in: root, isOnDisk: medium == .disk, fault: nil)
    fault_begin(nil)
    life.run()
    fault_end()
    fault_forget()
    let errors = life.errors.map { "\($0.step): \($0.error)" }
    return (
      FaultFunction.all.map { fault_calls($0.raw) }, FaultFunction.all.map { fault_sites($0.raw) },
      errors + life.findings + judge(life)
    )
  }

  /// Runs one case.
  func run(_ fault: FaultCase) throws -> TrialResult {
    try prepare()
    let (files, mappings) = (fault_open_files(), fault_mapped_files())
    var (result, life) = live(fault)
    // Behind it: nothing of the life is left.
    fault_forget()
    result.findings += judge(life)
    if fault_open_files() != files { result.findings.append("files were left open") }
    if fault_mapped_files() != mappings { result.findings.append("mappings were left") }
    return result
  }

  func prepare() throws {
    for name in ["store", "output", "backup", "restored", "restored.restoring"] {
      Files.removeDirectory(root.appending(name))
    }
    try Files.makeDirectory(output)
  }

  private func live(_ fault: FaultCase) -> (TrialResult, Life) {
    let life = Life(in: root, isOnDisk: medium == .disk, fault: fault)
    var plan = fault.plan
    unsafe fault_begin(&plan)
    life.run()
    fault_end()
    let answer = fault_hits() == 0 ? Answer.notReached : answer(of: life)
    if fault.function.raw == FAULT_SYNC_DIRECTORY, !fault.error.isToBeRetried, !fault.lasts,
      let first = life.errors.first,
      !["export", "backup", "restore"].contains(where: { first.step.hasSuffix($0) }),
      fault_calls(FAULT_SYNC_DIRECTORY) > fault.call
    {
      // The kernel reports a failure once; the next answer is worth nothing.
      life.note("a directory is synchronised again behind a failure")
    }
    let error = life.errors.first.map { "\($0.step): \($0.error)" }
    return (
      TrialResult(answer: answer, hits: fault_hits(), error: error, findings: life.findings), life
    )
  }

  /// What the first error of a life says.
  func answer(of life: Life) -> Answer {
    guard let first = life.errors.first else { return .tolerated }
    let isOpening = first.step.hasSuffix("open")
    let isPoisoned = life.errors.contains { ($0.error as? StoreError) == .poisoned }
    let isFull = if case .full? = first.error as? StoreError { true } else { false }
    return isOpening ? .notOpened : isPoisoned ? .poisoned : isFull ? .full : .error
  }

  /// Opens the store behind everything, for reading and for writing, and looks for what is left over.
  func judge(_ life: Life) -> [String] {
    var findings: [String] = []
    do throws(StoreError) {
      try judgeStore(&life.model, &findings)
    } catch {
      findings.append("afterwards: \(error)")
    }
    findings += life.findingsOfBackups()
    var names = (try? FileSystemDirectory.names(in: output)) ?? []
    // A journal that SQLite could not remove: whoever opens the index next rolls it back.
    if names.contains("index.sqlite-journal"), let opened = try? Store.openReadOnly(at: store) {
      do throws(IndexExportError) {
        try IndexExport.update(opened, at: output.appending("index.sqlite"))
      } catch {
        findings.append("the index afterwards: \(error)")
      }
      names = (try? FileSystemDirectory.names(in: output)) ?? []
    }
    for name in names where name != "index.sqlite" {
      findings.append("\(name) is left over")
    }
    return findings
  }

  private func judgeStore(
    _ model: inout Model,
    _ findings: inout [String]
  ) throws(StoreError) {
    var shown: StoreState = [:]
    do throws(StoreError) {
      let reader = try Store.openReadOnly(at: store, options: Life.options)
      shown = try reader.everything()
      if let finding = model.judge(shown, keepsBuffered: medium != .disk) {
        findings.append("read afterwards: \(finding)")
      }
    } catch {
      guard case .noStore = error, !model.exists else { throw error }
    }
    let writer = try Store.open(at: store, options: Life.options)
    if let difference = try writer.difference(from: shown, model.keys) {
      findings.append("opened afterwards: \(difference)")
    }
    let key = ByteString("afterwards".utf8)
    try writer.put(key, key, durability: .durable)
    shown[key] = key
    try writer.close()
    let again = try Store.openReadOnly(at: store, options: Life.options)
    if let difference = try again.difference(from: shown, model.keys) {
      findings.append("opened again: \(difference)")
    }
    let report = try Store.verify(at: store)
    if !report.isSound { findings.append("verify finds \(report.findings)") }
    let segments = try Set(again.segments().map(\.fileName))
    for name in (try? FileSystemDirectory.names(in: store)) ?? [] {
      let isKnown = segments.contains(name) || Store.isIndexFile(name)
      if !isKnown, !["lock", "reserve"].contains(name) { findings.append("\(name) is left over") }
    }
  }
}
