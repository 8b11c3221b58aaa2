// What happens in each handle of a life.

internal import DamageLab
internal import Fenceline
internal import IndexExport
internal import SystemPackage

extension Life {
  /// A new store: all sizes, all ways to commit, a rotation, an image and the changes behind it.
  func begin(_ store: Store) {
    for number in 0..<6 { put("key \(number)", number * 40, store) }
    put("durable", 100, durable: true, store)
    put("", 0, store)
    transaction(["a", "b", "c"], 70, durable: false, store)
    delete("key 1", durable: false, store)
    synchronize(store)
    transaction(["b", "c", "d"], 300, durable: true, store)
    // Over 64 KiB: a segment of its own.
    put("large", 70_000, durable: true, store)
    // Over 1 MiB with the other: openings read the journal with several threads.
    put("larger", 1_000_000, durable: true, store)
    for number in 0..<60 { put("key \(number % 20)", 800 + number, store) }
    delete("key 2", durable: true, store)
    synchronize(store, .medium)
    maintain("image", store) { (store) throws(StoreError) in try store.writeIndexImage() }
    for number in 0..<20 { put("behind \(number)", 90, store) }
    synchronize(store)
    maintain("changes", store) { (store) throws(StoreError) in try store.writeIndexChanges() }
    put("last", 9, store)
  }

  /// A store that was closed: overwritten until a compaction has something to do, then let go.
  func goOn(_ store: Store) {
    put("again", 30, store)
    for number in 0..<90 { put("key \(number % 9)", 1000, durable: number % 30 == 0, store) }
    maintain("compaction", store) { (store) throws(StoreError) in try store.compact() }
    put("large", 70_100, store)
    transaction((0..<60).map { "batch \($0)" }, 100, durable: false, store)
    synchronize(store)
    delete("large", durable: true, store)
    maintain("compaction", store) { (store) throws(StoreError) in try store.compact() }
    maintain("image", store) { (store) throws(StoreError) in try store.writeIndexImage() }
    put("kept", 50, durable: true, store)
    backUp("beside a writer")
    put("buffered", 50, store)
  }

  /// A store whose writer was killed.
  func recover(_ store: Store) {
    put("recovered", 80, durable: true, store)
    for number in 0..<50 { put("key \(number % 9)", 900, store) }
    maintain("changes", store) { (store) throws(StoreError) in try store.writeIndexChanges() }
    delete("recovered", durable: false, store)
  }

  /// A handle that only reads, and what is made from it.
  func read() -> Bool {
    var opened: Store?
    attempt("reading: open") { () throws(StoreError) in
      opened = try Store.openReadOnly(at: store, options: Self.options)
    }
    guard let opened else { return false }
    check(opened, "reading: open")
    let wanted = model.current
    var difference: String?
    attempt("reading: everything") { () throws(StoreError) in
      difference = try opened.difference(from: wanted, model.keys)
    }
    if let difference { note("reading: \(difference)") }
    attempt("reading: statistics") { () throws(StoreError) in _ = try opened.statistics() }
    var report: VerificationReport?
    let isVerified = attempt("reading: verify") { () throws(StoreError) in
      report = try Store.verify(at: store, countingKeys: true)
    }
    if isVerified, report?.isSound != true || report?.keyCount != wanted.count {
      note("reading: verify finds \(report?.findings ?? [])")
    }
    backUp("reading")
    restore("reading")
    for _ in 0..<2 {
      attempt("reading: export") {
        try IndexExport.write(opened, to: output.appending("index.sqlite"))
      }
    }
    attempt("reading: update of the export") {
      try IndexExport.update(opened, at: output.appending("index.sqlite"))
    }
    return errors.isEmpty
  }

  /// A writer, and a reader beside it that follows.
  func follow(_ store: Store) {
    var reader: Store?
    attempt("following: open") { () throws(StoreError) in
      reader = try Store.openReadOnly(at: self.store, options: Self.options)
    }
    guard let reader else { return }
    for round in 0..<4 {
      put("round \(round)", 200, durable: true, store)
      for number in 0..<20 { put("key \(number % 5)", 1600, durable: number == 19, store) }
      if round == 2 {
        maintain("compaction", store) { (store) throws(StoreError) in try store.compact() }
      }
      var shown: StoreState?
      attempt("following: read") { () throws(StoreError) in shown = try reader.everything() }
      if let shown, let finding = model.judge(shown, keepsBuffered: !isOnDisk) {
        note("following: \(finding)")
      }
    }
  }

  /// Threads of the store's own prepare, compact and write images: which of them makes which call is not
  /// the same every time.
  func workBesideThreads(_ store: Store) {
    delete("larger", durable: true, store)
    for number in 0..<80 { put("key \(number % 12)", 1100, durable: number % 20 == 0, store) }
  }
}
