// A directory that is filled beside the place where it is to stand: nobody finds half of it there.
//
// Invariant: until `publish` has renamed it, its owner's end removes it with all files in it. Only a
// process that is killed leaves one behind, under a name that tells what it is.

internal import Glibc
package import SystemPackage

/// A new directory, and the name that it gets when it is complete.
package struct DirectoryInTheMaking: ~Copyable {
  /// Where it is being filled.
  package let path: FilePath
  private let target: FilePath
  private let parent: OwnedDescriptor
  private let name: String
  private var isPublished = false

  /// Creates an empty directory beside `target`, that only its owner may enter.
  ///
  /// - Throws: ``MediumError``; of operation "mkdir" with `EEXIST` where something stands at `target`.
  package init(for target: FilePath) throws(MediumError) {
    guard let last = target.lastComponent?.string, last != "..", last != "." else {
      throw MediumError(operation: "mkdir", path: target, cause: .fileExists)
    }
    let above = target.removingLastComponent()
    let parentPath: FilePath = above.isEmpty ? "." : above
    let parent = try SystemCalls.open(parentPath, O_RDONLY | O_DIRECTORY)
    do throws(MediumError) {
      // O_PATH, which Swift does not show.
      _ = try SystemCalls.open(last, in: parent, 0o10000000 | O_NOFOLLOW, target)
      throw MediumError(operation: "mkdir", path: target, cause: .fileExists)
    } catch {
      guard error.cause == .noSuchFileOrDirectory else { throw error }
    }
    let name = ".\(last).fenceline-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    try SystemCalls.makeDirectory(name, in: parent, target)
    self.parent = parent
    self.name = name
    self.target = target
    path = parentPath.appending(name)
  }

  deinit {
    guard !isPublished, let names = try? FileSystemDirectory.names(in: path),
      let directory = try? SystemCalls.open(name, in: parent, O_RDONLY | O_DIRECTORY, path)
    else { return }
    for name in names { try? SystemCalls.unlink(name, in: directory, path) }
    try? SystemCalls.removeDirectory(name, in: parent, path)
  }

  /// Gives it its name.
  ///
  /// - Throws: ``MediumError``, with `EEXIST` where something has the name by now.
  /// - Durability: the name is durable on return; what is in it is the caller's.
  package mutating func publish() throws(MediumError) {
    guard let last = target.lastComponent?.string else { return }
    try SystemCalls.rename(name, to: last, in: parent, target, replacing: false)
    isPublished = true
    try SystemCalls.synchronize(parent, target)
  }
}
