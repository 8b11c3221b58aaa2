// Where workers say what they are doing, in shared memory: when one of them traps or hangs, the last
// image that it wrote down is the one, and what it counted before is not lost.

import DamageLab
import Glibc
import Synchronization
import SystemPackage

/// Numbers that several processes share.
@safe
final class Board: @unchecked Sendable {
  // SAFETY: the mapping lives as long as the board, and every number in it is an atomic.
  private let numbers: UnsafeMutablePointer<Atomic<Int>>
  private let workers: Int
  private let width: Int
  private let stores: Int

  /// Makes a board of zeros.
  convenience init(creating path: FilePath, workers: Int, stores: Int) throws {
    let length = workers * Self.width(stores) * MemoryLayout<Int>.size
    try Files.replace(path, with: ByteString(repeating: 0, count: length))
    try self.init(at: path, workers: workers, stores: stores)
  }

  /// Maps a board that is there.
  init(at path: FilePath, workers: Int, stores: Int) throws {
    self.workers = workers
    self.stores = stores
    width = Self.width(stores)
    let length = workers * width * MemoryLayout<Int>.size
    let file = try FileDescriptor.open(path, .readWrite)
    let address = unsafe try file.closeAfter {
      unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
    }
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    unsafe numbers = address.bindMemory(to: Atomic<Int>.self, capacity: workers * width)
  }

  deinit { unsafe _ = munmap(numbers, workers * width * MemoryLayout<Int>.size) }

  private static func width(_ stores: Int) -> Int { 1 + Tally(stores: stores).counts.count }

  /// The image that a worker is at, or -1 before the first.
  func current(_ worker: Int) -> Int {
    unsafe numbers[worker * width].load(ordering: .acquiring) - 1
  }

  func setCurrent(_ worker: Int, to image: Int) {
    unsafe numbers[worker * width].store(image + 1, ordering: .releasing)
  }

  /// What a worker has counted.
  func tally(of worker: Int) -> Tally {
    Tally(
      counts: (1..<width).map { unsafe numbers[worker * width + $0].load(ordering: .relaxed) }
    )
  }

  func setTally(of worker: Int, to tally: Tally) {
    for (index, count) in tally.counts.enumerated() {
      unsafe numbers[worker * width + 1 + index].store(count, ordering: .relaxed)
    }
  }

  /// What all have counted.
  func tally() -> Tally {
    var sums = Tally(stores: stores).counts
    for worker in 0..<workers {
      for (index, count) in tally(of: worker).counts.enumerated() { sums[index] += count }
    }
    return Tally(counts: sums)
  }
}
