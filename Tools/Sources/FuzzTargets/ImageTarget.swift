// The index image and the changes behind it. Two ways lead behind their checksums: files that the input
// brings and that are sealed, which may say anything but must not do harm; and files that the store makes
// itself of any journal and that are then damaged, which must not show in a single answer.

internal import CrashLab
internal import Fenceline

enum ImageTarget {
  static func check(_ input: FuzzInput) throws(FuzzFinding) {
    guard input.options.contains(.damagesOwnImage) else { return try StoreTarget.check(input) }
    let files = input.sealedFiles().filter { $0.kind == .segment }
    let isOnDisk = input.options.contains(.isOnDisk)
    let directory = FuzzDirectory(files, onDisk: isOnDisk)
    guard let imaged = try image(directory) else { return }
    let keys = JournalContents(of: files).keys.union([Self.first, Self.second])
    guard let plain = try StoreTarget.read(imaged.withoutIndex, keys, mayBeMisled: false),
      plain.isWhole
    else {
      throw FuzzFinding("without its image a store refuses answers")
    }
    try compare(imaged, plain, keys, "with an image")
    let damages = input.files.filter { $0.kind == .damage }
    let damaged = imaged.changingIndex { (number, bytes) in
      for damage in damages where damage.number == number { damage.apply(to: &bytes) }
    }
    try compare(damaged, plain, keys, "with a damaged image")
  }

  private static let first = Array("imaged".utf8)
  private static let second = Array("imaged later".utf8)

  /// Lets a store make an image and changes.
  ///
  /// - Returns: nil where it can't be opened for writing.
  private static func image(_ directory: FuzzDirectory) throws(FuzzFinding) -> FuzzDirectory? {
    let opened = directory.opened()
    guard let store = try? Store(writingIn: opened, options: FuzzDirectory.options) else {
      return nil
    }
    do throws(StoreError) {
      try store.put(first, [1])
      try store.writeIndexImage { () throws(StoreError) in try store.put(second, [2]) }
      try store.delete(first)
      try store.writeIndexChanges()
      try store.put(first, [3])
      try store.writeIndexChanges()
      try store.sync()
    } catch {
      throw FuzzFinding("imaging: \(error)")
    }
    return directory.holding(opened)
  }

  /// Opens a store for reading and for writing; nothing but `plain` may be shown.
  private static func compare(
    _ directory: FuzzDirectory,
    _ plain: StoreReading,
    _ keys: Set<[UInt8]>,
    _ how: String
  ) throws(FuzzFinding) {
    guard try StoreTarget.read(directory, keys, mayBeMisled: false) == plain else {
      throw FuzzFinding("\(how) a reader shows something else than without")
    }
    let opening = result { () throws(StoreError) in
      try Store(writingIn: directory.opened(), options: FuzzDirectory.options)
    }
    switch opening {
    case .failure(let error):
      throw FuzzFinding("\(how) a store does not open for writing: \(error)")
    case .success(let store):
      guard try StoreReading(of: store, keys, mayBeMisled: false) == plain else {
        throw FuzzFinding("\(how) a writer shows something else than without")
      }
    }
  }
}

extension FuzzFile {
  /// Flips the bits of another file that are set in this one, which also cuts it off where it is shorter
  /// and not empty.
  fileprivate func apply(to target: inout [UInt8]) {
    for (index, byte) in bytes.enumerated().prefix(target.count) { target[index] ^= byte }
    if bytes.count > 0, bytes.count < target.count { target.removeLast(target.count - bytes.count) }
  }
}
