// Where workers say what they are doing, in shared memory: when one of them traps or hangs, the last
// image that it wrote down is the one, and what it counted before is not lost.

import DamageLab
import SystemPackage
import ToolSupport

/// What each worker is at, and what it has counted.
struct Board: Sendable {
  private let numbers: SharedNumbers
  private let workers: Int
  private let width: Int
  private let stores: Int

  /// Makes a board of zeros.
  init(creating path: FilePath, workers: Int, stores: Int) throws {
    numbers = try SharedNumbers(creating: path, count: workers * Self.width(stores))
    self.workers = workers
    self.stores = stores
    width = Self.width(stores)
  }

  /// Maps a board that is there.
  init(at path: FilePath, workers: Int, stores: Int) throws {
    numbers = try SharedNumbers(at: path, count: workers * Self.width(stores))
    self.workers = workers
    self.stores = stores
    width = Self.width(stores)
  }

  private static func width(_ stores: Int) -> Int { 1 + Tally(stores: stores).counts.count }

  /// The image that a worker is at, or -1 before the first.
  func current(_ worker: Int) -> Int { numbers[worker * width] - 1 }

  func setCurrent(_ worker: Int, to image: Int) { numbers[worker * width] = image + 1 }

  /// What a worker has counted.
  func tally(of worker: Int) -> Tally {
    Tally(counts: (1..<width).map { numbers[worker * width + $0] })
  }

  func setTally(of worker: Int, to tally: Tally) {
    for (index, count) in tally.counts.enumerated() { numbers[worker * width + 1 + index] = count }
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
