// Directories for tests, on every medium that this machine offers, and small helpers.

import Fenceline
import Foundation
import SystemPackage
import Testing

@testable import PersistentMemory

/// Where stores of a test live.
///
/// `PMEM_IS_PMEM_FORCE=1` turns both into (forced) persistent memory.
enum TestMedium: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case temporaryFileSystem = "/dev/shm"
  case disk = "/var/tmp"

  var testDescription: String { rawValue }
}

extension TestMedium {
  /// Whether `PMEM_IS_PMEM_FORCE=1` makes both directories pass for persistent memory.
  static let areForced = ProcessInfo.processInfo.environment["PMEM_IS_PMEM_FORCE"] == "1"

  /// Whether both lie on persistent memory, as in the virtual machine of Tools/dax-vm, which says so.
  static let arePersistent =
    ProcessInfo.processInfo.environment["FENCELINE_TEST_MEDIUM"] == "persistentMemory"
}

/// A directory of its own for one test, removed afterwards.
final class Scratch {
  let root: FilePath

  init(_ medium: TestMedium = .temporaryFileSystem) throws {
    root = FilePath(medium.rawValue).appending("fenceline-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      atPath: root.string,
      withIntermediateDirectories: false
    )
  }

  deinit { try? FileManager.default.removeItem(atPath: root.string) }

  /// A path for a store that does not exist yet.
  var store: FilePath { root.appending("store") }

  /// Names and contents of a store's files.
  func contents() throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: store.string) {
      result[name] = try Data(contentsOf: url(name))
    }
    return result
  }

  func url(_ name: String) -> URL { URL(filePath: store.appending(name).string) }

  /// Changes bytes of a file of the store.
  func patch(_ name: String, _ body: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: url(name))
    body(&data)
    try data.write(to: url(name))
  }

  /// A copy of the store as it stands on the medium: what a killed process leaves.
  func copyOfFiles() throws -> FilePath {
    let copy = root.appending("copy-\(UUID().uuidString)")
    try FileManager.default.copyItem(atPath: store.string, toPath: copy.string)
    return copy
  }
}

extension StoreOptions {
  /// Segments of a few KiB, so that small tests rotate; nothing happens by itself.
  static var smallSegments: StoreOptions {
    var options = StoreOptions()
    options.segmentOptions.smallest = 16 << 10
    options.segmentOptions.largest = 16 << 10
    options.compactsInBackground = false
    return options
  }
}

extension Store {
  /// Everything in the store.
  func dictionary() throws -> [[UInt8]: [UInt8]] {
    var result: [[UInt8]: [UInt8]] = [:]
    try forEach { (key, value, _) in
      result[key.array] = value.array
      return .next
    }
    return result
  }
}

extension RawSpan {
  /// A copy of the bytes.
  var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

/// A generator that gives the same numbers for the same seed.
///
/// The seed is printed, and taken from
/// `FENCELINE_SEED` where that is set.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(label: String) {
    let given = ProcessInfo.processInfo.environment["FENCELINE_SEED"].flatMap(UInt64.init)
    state = given ?? UInt64.random(in: .min ... .max)
    print("\(label): FENCELINE_SEED=\(state)")
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}

extension Scratch {
  /// A store that lies elsewhere, to be patched.
  static func at(_ store: FilePath) -> PatchableStore { PatchableStore(store: store) }
}

/// A store's files, somewhere.
struct PatchableStore {
  let store: FilePath

  func patch(_ name: String, _ body: (inout Data) -> Void) throws {
    let url = URL(filePath: store.appending(name).string)
    var data = try Data(contentsOf: url)
    body(&data)
    try data.write(to: url)
  }
}

/// Threads of their own: a shared pool has no more of them than processors, and a test whose readers
/// wait for its writers would wait for ever.
final class ThreadGroup {
  private let group = DispatchGroup()

  func run(_ body: @escaping @Sendable () -> Void) {
    group.enter()
    let group = group
    Thread.detachNewThread {
      body()
      group.leave()
    }
  }

  func wait() { group.wait() }
}
