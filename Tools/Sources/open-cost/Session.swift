// The rounds: each makes a store and takes it through a clean close and a kill.

import FoundationEssentials
import Glibc
import SystemPackage
import ToolSupport

struct Session {
  private let command: OpenCost
  private let directory: FilePath
  private let children: Children
  private var series = Series()
  private var medium = ""

  /// Makes a new directory.
  init(_ command: OpenCost) throws {
    Interruption.watch()
    let name = "fenceline-open-cost.\(getpid()).\(UInt32.random(in: .min ... .max))"
    self.command = command
    directory = FilePath(command.directory).appending(name)
    do {
      try FileManager.default.createDirectory(
        atPath: directory.string,
        withIntermediateDirectories: false
      )
    } catch {
      throw OpenCostError("no directory can be made in \(command.directory)")
    }
    children = Children(
      command: command,
      store: directory.appending("store"),
      output: directory.appending("output")
    )
  }

  /// Removes it with everything in it.
  func removeDirectory() { try? FileManager.default.removeItem(atPath: directory.string) }

  /// Loads, closes, opens in every way.
  mutating func measureAll() throws {
    for round in 1...command.rounds {
      // Each opening asks for another key first.
      let seed = UInt64(round) << 8
      try load()
      series.add(try children.run(.verify, seed: seed), prefix: "verify")
      try open(.read, "read-closed", seed: seed + 1, wasClosed: true)
      try open(.write, "write-closed", seed: seed + 2, wasClosed: true)
      try children.killWriter(seed: seed + 3)
      try open(.read, "read-killed", seed: seed + 4, wasClosed: false)
      try open(.recover, "write-killed", seed: seed + 5, wasClosed: false)
      try removeStore()
    }
    Table.printHeader(command, medium: medium, series)
    Table.printAll(series)
  }

  /// Loads, and looks at the worst puts.
  mutating func measureGrowth() throws {
    var rounds: [Figures] = []
    for _ in 1...command.rounds {
      rounds.append(try load())
      try removeStore()
    }
    Table.printHeader(command, medium: medium, series)
    Table.printGrowth(series, rounds)
  }

  /// Puts durably, from one thread and from tasks that commit together.
  mutating func measureGroups() throws {
    let tasks = 8
    for _ in 1...command.rounds {
      let commits = try GroupCommits(
        at: children.store,
        valueLength: command.valueBytes,
        seconds: 2
      )
      let (single, grouped) = (try commits.single(), try commits.grouped(tasks: tasks))
      series.add("groups.single-us", single)
      series.add("groups.grouped-us", grouped)
      series.add("groups.gain", single / grouped)
      try commits.close()
      try removeStore()
    }
    Table.printGroups(series, tasks: tasks)
  }

  @discardableResult
  private mutating func load() throws -> Figures {
    var images = ImageWatch(children.store)
    let figures = try children.run(.load, seed: 0) { images.look() }
    series.add(figures, prefix: "load")
    series.add("load.image-count", Double(images.count))
    series.add("load.image-bytes", Double(images.byteCount))
    series.add("load.image-ratio", Double(images.byteCount) / Double(command.journalBytes))
    medium = figures["medium"] ?? ""
    return figures
  }

  private mutating func open(
    _ step: Step,
    _ prefix: String,
    seed: UInt64,
    wasClosed: Bool
  ) throws {
    let figures = try children.run(step, seed: seed)
    guard figures["was-closed"].flatMap(Double.init) == (wasClosed ? 1 : 0) else {
      throw OpenCostError(
        "a store that was \(wasClosed ? "closed" : "killed") opened as if it was not"
      )
    }
    series.add(figures, prefix: prefix)
  }

  private func removeStore() throws {
    try FileManager.default.removeItem(atPath: children.store.string)
  }
}

extension OpenCost {
  /// Bytes of journal that the load writes, as far as one knows from outside.
  var journalBytes: Int { keys * (16 + valueBytes + 24) }
}

/// Figures of all rounds, by name.
struct Series {
  private var values: [String: [Double]] = [:]

  /// Adds everything that is a number, under "prefix.name".
  mutating func add(_ figures: Figures, prefix: String) {
    for (name, text) in figures {
      if let value = Double(text) { add("\(prefix).\(name)", value) }
    }
  }

  mutating func add(_ name: String, _ value: Double) { values[name, default: []].append(value) }

  /// The median and the largest of the rounds' values.
  func summary(_ name: String) -> (median: Double, worst: Double)? {
    guard let sorted = values[name]?.sorted(), let worst = sorted.last else { return nil }
    let middle = sorted.count / 2
    let median =
      sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    return (median, worst)
  }
}
