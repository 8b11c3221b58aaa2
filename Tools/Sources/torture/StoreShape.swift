// What one store of a run is like: its keys, the size of its segments, when it has images. Everything
// follows from one seed, so processes agree on it without a word.

import DamageLab
import Fenceline

/// One store's keys and options.
struct StoreShape {
  /// What everything in this store follows from.
  let seed: UInt64
  /// Every key that may be in it, by number.
  let keys: [ByteString]
  /// Numbers of the keys that may have large values.
  let largeKeys: Range<Int>
  /// Numbers of the keys that are written one by one and by transactions of any keys.
  let plainKeys: Range<Int>
  /// Numbers of keys that only transactions over the whole group touch.
  let groups: [Range<Int>]
  /// For segments and images of its size.
  let options: StoreOptions

  init(seed: UInt64) {
    self.seed = seed
    var options = StoreOptions()
    let plainCount: Int
    switch seed % 3 {
    case 0:
      // Rotations and compactions all the time, values larger than a segment.
      options.segmentOptions.smallest = 16 << 10
      options.segmentOptions.largest = 64 << 10
      options.segmentOptions.smallestPrepared = 32 << 10
      options.segmentOptions.smallestImagedJournal = 64 << 10
      options.segmentOptions.fewestChanges = 16
      plainCount = 200
    case 1:
      options.segmentOptions.smallest = 64 << 10
      options.segmentOptions.largest = 1 << 20
      options.segmentOptions.smallestPrepared = 128 << 10
      options.segmentOptions.smallestImagedJournal = 256 << 10
      options.segmentOptions.fewestChanges = 200
      plainCount = 1000
    default:
      // As users have it, but for images, which come sooner.
      options.segmentOptions.smallestImagedJournal = 1 << 20
      plainCount = 2500
    }
    self.options = options
    var keys: [ByteString] = [
      [], ByteString(repeating: 0x6c, count: Store.maximumKeyLength),
      ByteString(repeating: 0xff, count: 5000),
    ]
    plainKeys = 0..<plainCount
    largeKeys = keys.count..<keys.count + 8
    for number in keys.count..<plainCount {
      // Some long beginnings in common, as paths have.
      let prefix = number.isMultiple(of: 7) ? "a/path/that/many/keys/have/in/common/" : "key/"
      keys.append(ByteString("\(prefix)\(number)".utf8))
    }
    var groups: [Range<Int>] = []
    for size in [2, 3, 5, 8, 20, 60] {
      let first = keys.count
      keys += (0..<size).map { ByteString("\(Self.name(ofGroup: groups.count))\($0)".utf8) }
      groups.append(first..<keys.count)
    }
    self.groups = groups
    self.keys = keys
  }

  /// What the keys of a group begin with.
  static func name(ofGroup number: Int) -> String { "group/\(number)/" }

  /// A generator for the operation of a number.
  func numbers(for number: Int) -> SeededNumbers {
    SeededNumbers(seed: seed ^ (UInt64(number) &* 0x9e6c_63d0_876a_68de))
  }
}
