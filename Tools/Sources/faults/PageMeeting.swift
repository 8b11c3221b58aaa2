// How a page that can't be read is come upon, and what is said then.

internal import DamageLab
internal import FaultLayer
internal import Fenceline
internal import Glibc
internal import IndexExport
internal import SystemPackage

/// One meeting with a page.
final class PageMeeting {
  let page: PageCase
  let store: FilePath
  let isOnDisk: Bool
  var model = Model()
  /// What a reader showed before others wrote, and goes on showing where it can't follow them.
  private let stateBefore: StoreState
  private(set) var findings: [String] = []
  private(set) var firstError: String?
  private(set) var answer = Answer.tolerated
  /// The file is shorter for good.
  var isCut: Bool { page.way == .cutGet || page.way == .cutScan }

  init(_ page: PageCase, in store: FilePath, state: StoreState, isOnDisk: Bool) {
    (self.page, self.store, self.isOnDisk) = (page, store, isOnDisk)
    stateBefore = state
    model.restart(from: state)
  }

  private var options: StoreOptions {
    var options = Life.options
    options.handlesMemoryErrors = page.way.handlesSignals
    return options
  }

  func run() {
    switch page.way {
    case .openReadOnly, .openForWriting, .recovery, .openReadOnlyUnhandled,
      .openForWritingUnhandled:
      unsafe fault_poison(page.file, page.page)
      openBeside()
    case .verify, .verifyUnhandled:
      unsafe fault_poison(page.file, page.page)
      attempt { () throws(StoreError) in
        let report = try Store.verify(at: store, options: options, countingKeys: true)
        for finding in report.findings { check(finding) }
        if report.isSound, report.keyCount != model.current.count { note("keys are missing") }
      }
    case .following: follow()
    case .compaction: compact()
    case .writing: write()
    default: read()
    }
  }

  // MARK: Errors

  func note(_ finding: String) { if findings.count < 4 { findings.append(finding) } }

  /// Runs what may come upon the page.
  @discardableResult
  func attempt(_ body: () throws -> Void) -> Bool {
    do {
      try body()
      return true
    } catch let error as StoreError {
      check(error)
    } catch IndexExportError.store(let error) {
      check(error)
    } catch {
      note("not a typed error: \(error)")
    }
    return false
  }

  /// An error has to name the page.
  func check(_ error: StoreError) {
    if answer == .tolerated { answer = .error }
    let isFirst = firstError == nil
    if isFirst { firstError = "\(error)" }
    switch error {
    case .mediaError(let file, let offset):
      let isThere = isCut ? offset / 4096 >= page.page : offset / 4096 == page.page
      if file.lastComponent?.string != page.file || !isThere { note("another place: \(error)") }
    case .poisoned where !isFirst: break
    default: note("no media error: \(error)")
    }
  }

  // MARK: Openings

  private func openBeside() {
    let isReading = page.way == .openReadOnly || page.way == .openReadOnlyUnhandled
    var opened: Store?
    attempt { () throws(StoreError) in
      opened =
        try isReading
        ? Store.openReadOnly(at: store, options: options) : Store.open(at: store, options: options)
    }
    guard let opened else {
      answer = .notOpened
      if isReading { note("not opened for reading: \(firstError ?? "")") }
      return
    }
    // A value in place would be a signal.
    guard page.way.handlesSignals else { return }
    askForEach(opened)
  }

  /// Every key by itself: right, or refused.
  func askForEach(_ store: Store) {
    for (key, value) in model.current {
      attempt { () throws(StoreError) in
        let found = try store.get(key)
        let isOld = page.way == .following && found == stateBefore[key]
        if found != value, !isOld { note("a get is wrong") }
      }
    }
    attempt { () throws(StoreError) in
      if try store.get(ByteString("nowhere".utf8)) != nil { note("a key from nowhere") }
    }
  }

  // MARK: Reading

  private func read() {
    var opened: Store?
    let isOpen = attempt { () throws(StoreError) in
      opened = try Store.openReadOnly(at: store, options: options)
    }
    guard isOpen, let opened else { return note("not opened") }
    if isCut {
      let path = store.appending(page.file).string
      if unsafe truncate(path, page.page * 4096) != 0 { note("not cut") }
    } else {
      unsafe fault_poison_mapped(page.file, page.page)
    }
    switch page.way {
    case .multiGet: getAll(opened)
    case .scan, .cutScan: scan(opened, .ascending)
    case .scanBackward: scan(opened, .descending)
    case .cursor: walk(opened)
    case .export:
      let output = store.removingLastComponent().appending("output/index.sqlite")
      attempt { try IndexExport.write(opened, to: output) }
    default: break
    }
    // Whatever that said, every other key is there.
    askForEach(opened)
  }

  private func getAll(_ opened: Store) {
    let keys = Array(model.current.keys)
    attempt { () throws(StoreError) in
      for (key, value) in zip(keys, try opened.get(keys)) where value != model.current[key] {
        note("a multi-get is wrong")
      }
    }
  }

  private func scan(_ opened: Store, _ order: IterationOrder) {
    var shown: StoreState = [:]
    let isWhole = attempt { () throws(StoreError) in
      try opened.forEach(order: order) { (key, value, _) in
        shown[ByteString(copying: key)] = ByteString(copying: value)
        return .next
      }
    }
    compare(shown, isWhole)
  }

  private func walk(_ opened: Store) {
    var shown: StoreState = [:]
    let isWhole = attempt {
      try opened.withCursor { (cursor) in
        var isThere = try cursor.seekToFirst()
        while isThere {
          if let key = cursor.key, let value = cursor.value { shown[key] = value }
          isThere = try cursor.next()
        }
      }
    }
    compare(shown, isWhole)
  }

  /// What was shown is right, and all of it where nothing was refused.
  private func compare(_ shown: StoreState, _ isWhole: Bool) {
    let isRight = shown.allSatisfy { model.current[$0.key] == $0.value }
    if !isRight { note("an entry is wrong") }
    if isWhole, shown.count != model.current.count { note("entries are missing, and no error") }
  }
}
