// An input's files as a directory in memory, opened again and again: each opening for writing works on
// copies, so the files stay what the input says.

internal import CrashLab
internal import Fenceline
internal import JournalFormat
internal import PersistentMemory

/// Files that stores are opened from.
struct FuzzDirectory {
  private let hardware: CrashHardware
  let entries: [SimulatedDirectory.Entry]

  /// The options with which everything is opened: nothing happens by itself, nothing depends on chance.
  static let options = WorkloadSetup(.streamsBypassCache).options()

  init(_ files: [FuzzFile], onDisk: Bool) {
    var byName: [String: FuzzFile] = [:]
    for file in files { file.name.map { byName[$0] = file } }
    self.init(
      byName.map {
        SimulatedDirectory.Entry(name: $0.key, memory: FileMemory(contents: $0.value.bytes))
      },
      hardware: onDisk ? .disk : .streamsBypassCache
    )
  }

  private init(_ entries: [SimulatedDirectory.Entry], hardware: CrashHardware) {
    self.entries = entries.sorted { $0.name < $1.name }
    self.hardware = hardware
  }

  /// A directory of these files, which are copied before they are written to.
  func opened() -> SimulatedDirectory {
    SimulatedDirectory(hardware, entries: entries, sharesFiles: true)
  }

  /// What another directory holds now.
  func holding(_ directory: SimulatedDirectory) -> FuzzDirectory {
    FuzzDirectory(directory.entries, hardware: hardware)
  }

  var hasSegments: Bool { entries.contains { SegmentName.id(of: $0.name) != nil } }
  var hasIndex: Bool { entries.contains { Store.isIndexFile($0.name) } }

  /// The files without an index image and changes.
  var withoutIndex: FuzzDirectory {
    FuzzDirectory(entries.filter { !Store.isIndexFile($0.name) }, hardware: hardware)
  }

  /// The same with other bytes in the files that only help to open.
  func changingIndex(_ change: (_ number: Int, inout [UInt8]) -> Void) -> FuzzDirectory {
    var number = 0
    let changed = entries.map { (entry) in
      guard Store.isIndexFile(entry.name) else { return entry }
      var bytes = entry.memory.withBytes { $0.array }
      change(number, &bytes)
      number += 1
      return SimulatedDirectory.Entry(name: entry.name, memory: FileMemory(contents: bytes))
    }
    return FuzzDirectory(changed, hardware: hardware)
  }

  /// What differs in a directory that was made of these files, or nil.
  func difference(from directory: SimulatedDirectory) -> String? {
    let files = directory.entries
    guard files.map(\.name) == entries.map(\.name) else { return "the names" }
    for (file, entry) in zip(files, entries) where file.memory !== entry.memory {
      return file.name
    }
    return nil
  }
}

extension FuzzFile {
  /// Its name in a store; nil where it is none.
  var name: String? {
    switch kind {
    case .segment: number == 0 ? nil : SegmentName.name(of: UInt32(number))
    case .changes: number == 0 ? nil : Store.indexChangesName(of: UInt32(number))
    case .image: Store.indexImageName
    case .damage: nil
    }
  }
}
