// Pages that can't be read: whatever is asked for is right, or an error that names file and page; and as
// soon as the page can be read again, nothing is missing.

internal import DamageLab
internal import FaultLayer
internal import Fenceline
internal import IndexExport
internal import PersistentMemory
internal import SystemPackage

/// Runs page cases on copies of two stores.
struct PageTrial {
  let root: FilePath
  let medium: FaultMedium
  private(set) var closed: [SampleFile] = []
  private(set) var killed: [SampleFile] = []
  private(set) var closedState: StoreState = [:]
  private(set) var killedState: StoreState = [:]

  var store: FilePath { root.appending("store") }

  /// Takes the store that a life has left, and makes one from it whose writer was killed.
  init(root: FilePath, medium: FaultMedium) throws {
    (self.root, self.medium) = (root, medium)
    closed = try files()
    closedState = try Store.openReadOnly(at: store, options: Life.options).everything()
    let writer = try Store.open(at: store, options: Life.options)
    for number in 0..<12 {
      let key = ByteString("killed \(number)".utf8)
      try writer.put(key, ByteString(repeating: 7, count: 900), durability: .durable)
    }
    killed = try files()
    killedState = try writer.everything()
  }

  private func files() throws -> [SampleFile] {
    try Files.names(in: store).filter { !["lock", "reserve"].contains($0) }.map {
      SampleFile(name: $0, contents: try Files.read(store.appending($0)) ?? [])
    }
  }

  /// Runs one case.
  func run(_ page: PageCase) throws -> TrialResult {
    let isKilled = page.way.isOfKilledStore
    Files.removeDirectory(store)
    try Files.makeDirectory(store)
    for file in isKilled ? killed : closed where page.way.needs(file.name) {
      try Files.replace(store.appending(file.name), with: file.contents)
    }
    let (files, mappings) = (fault_open_files(), fault_mapped_files())
    let meeting = PageMeeting(
      page,
      in: store,
      state: isKilled ? killedState : closedState,
      isOnDisk: medium == .disk
    )
    let before = fault_poisoned()
    meeting.run()
    fault_poison(nil, 0)
    var findings = meeting.findings
    if !meeting.isCut {
      do throws(StoreError) { try judge(meeting.model, &findings) } catch {
        findings.append("afterwards: \(error)")
      }
    }
    if fault_open_files() != files { findings.append("files were left open") }
    if fault_mapped_files() != mappings { findings.append("mappings were left") }
    return TrialResult(
      answer: meeting.answer,
      hits: fault_poisoned() - before,
      error: meeting.firstError,
      findings: findings
    )
  }

  /// The page can be read again.
  private func judge(_ model: Model, _ findings: inout [String]) throws(StoreError) {
    let writer = try Store.open(at: store, options: Life.options)
    let state = try writer.everything()
    if let finding = model.judge(state, keepsBuffered: false) {
      findings.append("afterwards: \(finding)")
    }
    let key = ByteString("afterwards".utf8)
    try writer.put(key, key, durability: .durable)
    try writer.close()
    let report = try Store.verify(at: store)
    if !report.isSound { findings.append("verify finds \(report.findings)") }
  }
}
