// Where stores are put: a fresh directory below one that the user named.

import CPlatform
import Foundation
import SystemPackage

/// A failure that is told in one line.
struct BenchError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// A directory of the user's, and the file system it lies on.
struct Medium {
  var base: String
  var fileSystem: String
  /// libpmem is told to take it for persistent memory.
  var isForced: Bool { fileSystem == "tmpfs" || fileSystem == "ramfs" }
  /// It is persistent memory: files map with MAP_SYNC.
  var isDAX: Bool
  /// Stores into a mapping need no call to the kernel.
  var isByteAddressable: Bool { isForced || isDAX }
  var freeBytes: Int

  init(base: String) throws {
    let descriptor = try Self.describe(base) { try FileDescriptor.open(FilePath(base), .readOnly) }
    let type = cp_file_system_type(descriptor.rawValue)
    let probe = cp_open_unnamed(descriptor.rawValue)
    isDAX = probe >= 0 && cp_supports_map_sync(probe, true)
    if probe >= 0 { try? FileDescriptor(rawValue: probe).close() }
    try Self.describe(base) { try descriptor.close() }
    let attributes = try FileManager.default.attributesOfFileSystem(forPath: base)
    guard let free = attributes[.systemFreeSize] as? NSNumber else {
      throw BenchError("\(base): its file system does not say what is free")
    }
    let names = [
      0x0102_1994: "tmpfs", 0x8584_58f6: "ramfs", 0xef53: "ext4", 0x5846_5342: "xfs",
      0x9123_683e: "btrfs", 0x794c_7630: "overlayfs",
    ]
    self.base = base
    fileSystem = names[type] ?? "file system 0x" + String(type, radix: 16)
    freeBytes = free.intValue
    // What tmpfs holds is memory.
    if isForced, let memory = Machine.availableMemory() {
      freeBytes = min(freeBytes, memory - 1 << 30)
    }
  }

  /// Adds to a system call's error what it was about.
  private static func describe<T>(_ path: String, _ call: () throws -> T) throws -> T {
    do { return try call() } catch { throw BenchError("\(path): \(error)") }
  }

  /// Fails unless the largest store of the plan fits with room to spare.
  func checkSpace(for plan: Plan) throws {
    let largest = (plan.valueLengths.max() ?? 0) + 16
    // Versions that were overwritten stay until maintenance has come by.
    let needed = plan.peakEntries * (largest + 64) * 4 + 256 << 20
    if let memory = Machine.availableMemory(), memory < plan.driverBytes {
      throw BenchError(
        "\(Text.bytes(memory)) of memory are free, and the loop's own lists take "
          + "\(Text.bytes(plan.driverBytes)); try a smaller --count, or leave out 'overwrite'"
      )
    }
    // What is measured without a store is bounded.
    guard plan.engines.contains(where: \.isStore) else { return }
    guard freeBytes < needed else { return }
    throw BenchError(
      "\(base) has \(Text.bytes(freeBytes)) free, and \(Text.bytes(needed)) may be needed for "
        + "\(plan.count) keys with values of \(largest - 16) bytes; try a smaller --count or "
        + "another --directory"
    )
  }

  /// Creates a fresh directory and writes its name where the script finds it that cleans up if this
  /// program is killed.
  func createDirectory(notedIn scratch: FilePath) throws -> MediumDirectory {
    let name = "fenceline-bench.\(getpid()).\(UInt32.random(in: .min ... .max))"
    let path = FilePath(base).appending(name)
    try Self.describe(base) {
      try FileManager.default.createDirectory(
        atPath: path.string,
        withIntermediateDirectories: false
      )
    }
    let list = try FileDescriptor.open(
      scratch.appending("directories"),
      .writeOnly,
      options: [.create, .append],
      permissions: .ownerReadWrite
    )
    _ = try list.closeAfter { try list.writeAll(Array("\(path)\n".utf8)) }
    return MediumDirectory(medium: self, path: path)
  }
}

/// The directory below which each engine gets one of its own.
struct MediumDirectory {
  var medium: Medium
  var path: FilePath

  /// An empty directory.
  func fresh() throws -> FilePath {
    let store = path.appending("store")
    try? FileManager.default.removeItem(atPath: store.string)
    try FileManager.default.createDirectory(
      atPath: store.string,
      withIntermediateDirectories: false
    )
    return store
  }

  func remove() { try? FileManager.default.removeItem(atPath: path.string) }
}
