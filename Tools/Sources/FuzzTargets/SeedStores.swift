// Sound stores of every shape, small enough to be mutated: where a fuzzer starts. The same every time.

internal import CrashLab
internal import Fenceline
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

enum SeedStores {
  /// One input for each segment of any store.
  static func segments() throws -> [FuzzInput] {
    var inputs: [FuzzInput] = []
    for input in try all() {
      for file in input.files where file.kind == .segment {
        for options in [FuzzOptions(), [.sealsJournal, .fitsKeys]] {
          inputs.append(FuzzInput(options: options, files: [file]))
        }
      }
    }
    return inputs
  }

  /// Whole directories, sealed and as they are.
  static func all() throws -> [FuzzInput] {
    try plain().flatMap { (files) in
      [FuzzOptions(), [.sealsJournal, .fitsEnds, .fitsKeys], [.sealsJournal, .isOnDisk]].map {
        FuzzInput(options: $0, files: files)
      }
    }
  }

  /// Directories with an index image, and those whose image is to be damaged.
  static func imaged() throws -> [FuzzInput] {
    var inputs: [FuzzInput] = []
    for files in try withImages() {
      inputs.append(FuzzInput(options: [], files: files))
      inputs.append(FuzzInput(options: [.sealsJournal, .sealsIndex, .fitsEnds], files: files))
    }
    for files in try plain() {
      for number in 0..<3 as Range<UInt8> {
        var flip = [UInt8](repeating: 0, count: 16 << 10)
        flip[Int(number) * 40 + 24] = 1
        let damage = FuzzFile(kind: .damage, number: number, bytes: flip)
        let options: FuzzOptions = [.damagesOwnImage, .sealsJournal, .fitsEnds]
        inputs.append(FuzzInput(options: options, files: files + [damage]))
      }
    }
    return inputs
  }

  // MARK: Stores

  private static func plain() throws -> [[FuzzFile]] {
    [
      try files { _ in },
      try files { (store) in try put(store, 0..<3) },
      try files {
        try put($0, 0..<6)
        try $0.close()
      },
      try files { (store) in
        try store.transaction { (transaction) in
          for number in 0..<4 { try transaction.put(key(number), value(number)) }
          try transaction.delete(key(2))
        }
        try store.delete(key(0))
        try store.sync()
        try store.put([], [])
      },
      try files { try $0.put(key(1), [UInt8](repeating: 0, count: 66_000)) },
      try files(openings: 3) { (store) in
        try put(store, 0..<3)
        try store.close()
      },
      try files(openings: 3) { try put($0, 0..<3) },
      try files { (store) in
        for number in 0..<4 { try store.put(key(number % 3), [UInt8](repeating: 0, count: 6_000)) }
        try store.close()
      },
      try files(openings: 2) { try compacted($0) },
    ]
  }

  private static func withImages() throws -> [[FuzzFile]] {
    [
      try files { (store) in
        try put(store, 0..<6)
        try store.writeIndexImage()
        try put(store, 4..<8)
      },
      try files { (store) in
        try put(store, 0..<6)
        try store.writeIndexImage { () throws(StoreError) in try put(store, 2..<4) }
        try store.delete(key(1))
        try store.writeIndexChanges()
        try put(store, 5..<8)
        try store.writeIndexChanges()
        try store.close()
      },
      try files { (store) in
        try put(store, 0..<6)
        try store.writeIndexImage()
        try compacted(store)
        try store.writeIndexChanges()
      },
    ]
  }

  private static func compacted(_ store: Store) throws {
    for number in 0..<6 { try store.put(key(number % 4), [UInt8](repeating: 0, count: 3_000)) }
    try put(store, 0..<3)
    try store.delete(key(3))
    try store.compact(sealingAlways: true)
    try put(store, 2..<5)
  }

  private static func put(_ store: Store, _ numbers: Range<Int>) throws(StoreError) {
    for number in numbers {
      let durability: Durability = number.isMultiple(of: 2) ? .durable : .buffered
      try store.put(key(number), value(number), durability: durability)
    }
  }

  private static func key(_ number: Int) -> [UInt8] { Array("k\(number)".utf8) }
  private static func value(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number + 1), count: 3 * number)
  }

  /// What a store leaves that was opened some times and each time given to `body`.
  private static func files(
    openings: Int = 1,
    _ body: (Store) throws -> Void
  ) throws -> [FuzzFile] {
    let directory = SimulatedDirectory(entries: [])
    for _ in 0..<openings {
      try body(try Store(writingIn: directory, options: FuzzDirectory.options))
    }
    return directory.files.compactMap { FuzzFile(named: $0.name, $0.memory.withBytes { $0.array }) }
  }
}

extension FuzzFile {
  /// A file of a store; nil where an input can't hold it.
  fileprivate init?(named name: String, _ bytes: [UInt8]) {
    if name == Store.indexImageName {
      self.init(kind: .image, number: 0, bytes: bytes)
      return
    }
    for number in 1..<64 as Range<UInt8> {
      if name == SegmentName.name(of: UInt32(number)) {
        self.init(kind: .segment, number: number, bytes: bytes)
        return
      }
      if name == Store.indexChangesName(of: UInt32(number)) {
        self.init(kind: .changes, number: number, bytes: bytes)
        return
      }
    }
    return nil
  }
}
