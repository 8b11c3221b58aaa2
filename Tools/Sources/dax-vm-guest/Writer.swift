// Commits numbered transactions from several threads until the machine dies, and tells what is durable.
//
// Invariants: numbers are given out in the order of the history. A number is told only when it, and so
// everything before it, is durable.

import CrashLab
import Fenceline
import Synchronization
import SystemPackage

/// One life of a writer.
final class Writer: Sendable {
  private let path: FilePath
  private let life: Life
  private let acknowledgements: FileDescriptor
  /// The last number that was given out.
  private let given: Atomic<UInt64>
  /// The last number whose commit has returned.
  private let returned: Atomic<UInt64>
  /// The last number that was told.
  private let told: Mutex<UInt64>
  /// The first thing that failed; every thread ends then.
  private let failure = Mutex<(any Error)?>(nil)
  /// Shared by transactions, which take their numbers when they have the right to write; what takes one
  /// before that does so alone.
  private let order = SharedLock()

  init(_ path: FilePath, _ life: Life, acknowledgements: FileDescriptor) {
    self.path = path
    self.life = life
    self.acknowledgements = acknowledgements
    given = Atomic(life.first - 1)
    returned = Atomic(life.first - 1)
    told = Mutex(life.first - 1)
  }

  /// Small segments, and an index image as soon as there can be one: everything happens often.
  static var options: StoreOptions {
    var options = StoreOptions()
    options.segmentOptions.smallest = 32 << 10
    options.segmentOptions.largest = 512 << 10
    options.segmentOptions.smallestPrepared = 64 << 10
    options.segmentOptions.smallestImagedJournal = 64 << 10
    return options
  }

  /// Writes, with a close and an opening every few hundred transactions.
  ///
  /// - Parameters:
  ///   - end: the number of the last transaction.
  ///   - judge: looks at the store behind every opening.
  /// - Throws: what an operation failed with, and how the store answers behind that.
  func run(until end: UInt64, _ judge: Judge) throws {
    while given.load(ordering: .relaxed) < end {
      let before = given.load(ordering: .relaxed)
      let store = try Store.open(at: path, options: Self.options)
      let found = try judge.check(store, acknowledged: before)
      guard found == before else {
        throw Violation(description: "opened with \(found) behind \(before)")
      }
      let last = min(end, found + 200 + found % 400)
      let threads = (1..<4).map { seed in
        WorkerThread { self.write(to: store, until: last, seed: seed) }
      }
      write(to: store, until: last, seed: 0)
      for thread in threads { thread.join() }
      if let error = failure.withLock({ $0 }) { throw Failure(error, behind: store) }
      if found.isMultiple(of: 3) { _ = try store.compact() }
      try store.close()
      tell(given.load(ordering: .relaxed))
    }
  }

  private func write(to store: Store, until last: UInt64, seed: UInt64) {
    var choices = SeededGenerator(seed: life.first << 8 | seed)
    do {
      while given.load(ordering: .relaxed) < last, failure.withLock({ $0 == nil }) {
        let isDurable = choices.next().isMultiple(of: 3)
        let number =
          choices.next().isMultiple(of: 2)
          ? try order.shared { try commit(to: store, isDurable ? .durable : .buffered) }
          : try order.alone { try commitAlone(to: store, isDurable ? .durable : .buffered) }
        if isDurable {
          tell(number)
        } else if choices.next().isMultiple(of: 16) {
          let covered = returned.load(ordering: .sequentiallyConsistent)
          _ = try store.sync()
          tell(covered)
        }
      }
    } catch {
      // What poisoned the handle says more than that it is.
      failure.withLock { if $0 == nil || $0 as? StoreError == .poisoned { $0 = error } }
    }
  }

  /// One transaction beside others.
  private func commit(to store: Store, _ durability: Durability) throws -> UInt64 {
    let number = try store.transaction(durability: durability) { (transaction) in
      let number = given.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
      try write(number, in: &transaction)
      return number
    }
    returned.max(number, ordering: .sequentiallyConsistent)
    return number
  }

  private func write(_ number: UInt64, in transaction: inout Transaction) throws {
    for change in Step(life: life.number, number: number).changes {
      if let length = change.length {
        try transaction.put(nameOfKey(change.key), value(number, change, length))
      } else {
        _ = try transaction.delete(nameOfKey(change.key))
      }
    }
  }

  /// The same beside nobody, so that the number is known before: a lone put is no transaction for its caller.
  private func commitAlone(to store: Store, _ durability: Durability) throws -> UInt64 {
    let number = given.load(ordering: .sequentiallyConsistent) + 1
    let changes = Step(life: life.number, number: number).changes
    guard changes.count == 1, let length = changes[0].length else {
      return try commit(to: store, durability)
    }
    given.store(number, ordering: .sequentiallyConsistent)
    try store.put(
      nameOfKey(changes[0].key),
      value(number, changes[0], length),
      durability: durability
    )
    returned.max(number, ordering: .sequentiallyConsistent)
    return number
  }

  private func value(_ number: UInt64, _ change: Change, _ length: Int) -> [UInt8] {
    Value.bytes(life: life.number, number: number, key: change.key, length: length)
  }

  /// Says that a number is durable; whoever reads it may cut the power at once.
  private func tell(_ number: UInt64) {
    told.withLock { told in
      guard number > told else { return }
      told = number
      _ = try? acknowledgements.writeAll("\(number)\n".utf8)
    }
  }
}

/// What ended a writer, and what the store says behind it.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ error: any Error, behind store: Store) {
    var answer = "takes more"
    do { try store.put("behind", "an error", durability: .durable) } catch { answer = "\(error)" }
    description = "\(error); then: \(answer)"
  }
}
