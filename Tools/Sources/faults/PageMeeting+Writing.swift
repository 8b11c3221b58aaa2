// Pages that a writer comes upon, or a reader that follows it.

internal import DamageLab
internal import FaultLayer
internal import Fenceline

extension PageMeeting {
  /// A handle for writing whose page goes once it is open.
  private func openThenPoison(_ body: (Store) -> Void) {
    var opened: Store?
    attempt { () throws(StoreError) in opened = try Store.open(at: store, options: Life.options) }
    guard let opened else { return note("not opened") }
    unsafe fault_poison_mapped(page.file, page.page)
    body(opened)
  }

  private func put(_ number: Int, _ store: Store) -> Bool {
    let change = Change(
      key: ByteString("written \(number)".utf8),
      value: ByteString(repeating: 9, count: 1500)
    )
    let isDone = attempt { () throws(StoreError) in
      try store.put(change.key, change.value ?? [], durability: .durable)
    }
    if isDone { model.commit([change], durable: true) } else { model.refuse([change]) }
    return isDone
  }

  /// Durable puts until one is refused, over more than a segment.
  func write() {
    openThenPoison { (opened) in
      var number = 0
      while number < 30, put(number, opened) { number += 1 }
      if number < 30, put(number, opened) { note("it goes on behind a refused put") }
      askForEach(opened)
    }
  }

  /// A compaction of everything.
  func compact() {
    openThenPoison { (opened) in
      attempt { () throws(StoreError) in try opened.compact(sealingAlways: true) }
      askForEach(opened)
      attempt { () throws(StoreError) in try opened.close() }
    }
  }

  /// A reader goes on behind a writer that writes, rotates and compacts.
  func follow() {
    var opened: (reader: Store, writer: Store)?
    attempt { () throws(StoreError) in
      opened = (
        try Store.openReadOnly(at: store, options: Life.options),
        try Store.open(at: store, options: Life.options)
      )
    }
    guard let (reader, writer) = opened else { return note("not opened") }
    for number in 0..<30 { _ = put(number, writer) }
    attempt { () throws(StoreError) in try writer.compact(sealingAlways: true) }
    attempt { () throws(StoreError) in try writer.close() }
    // In what the reader has, and in what it will come to have.
    unsafe fault_poison_mapped(page.file, page.page)
    unsafe fault_poison(page.file, page.page)
    askForEach(reader)
  }
}
