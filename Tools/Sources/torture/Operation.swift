// What a writer does, as a function of the store's seed and the operation's number alone: the checker
// derives it again instead of being told.

import DamageLab

/// One key's part of an operation; a nil length deletes.
struct Change {
  let key: Int
  let length: Int?
}

/// One call, or one transaction.
enum Operation {
  case put(Change, durable: Bool)
  case delete(key: Int, durable: Bool)
  case transaction([Change], durable: Bool, commits: Bool)
  case sync(deep: Bool)
  case read([Int])
  case compact
  case image
  case reopen
  case pause(microseconds: UInt32)

  /// The operation of a number in a store.
  init(number: Int, in shape: StoreShape) {
    var numbers = shape.numbers(for: number)
    func isOne(in count: UInt64) -> Bool { numbers.next() % count == 0 }
    switch numbers.next() % 1000 {
    case ..<580: self = .put(Self.change(in: shape, &numbers), durable: isOne(in: 16))
    case ..<660:
      self = .delete(key: Self.key(in: shape, &numbers), durable: isOne(in: 10))
    case ..<770:
      let most: UInt64 = isOne(in: 12) ? 500 : 40
      let changes = (0..<numbers.next() % most).map { _ in
        let change = Self.change(in: shape, &numbers)
        return isOne(in: 6) ? Change(key: change.key, length: nil) : change
      }
      self = .transaction(changes, durable: isOne(in: 3), commits: !isOne(in: 8))
    case ..<880:
      let group = shape.groups[Int(numbers.next() % UInt64(shape.groups.count))]
      let isRemoved = isOne(in: 8)
      let changes = group.map { (key) in
        let length = Values.telling + Int(numbers.next() % 300)
        return Change(key: key, length: isRemoved ? nil : length)
      }
      self = .transaction(changes, durable: isOne(in: 4), commits: !isOne(in: 12))
    case ..<920: self = .sync(deep: isOne(in: 8))
    case ..<990: self = .read((0..<4).map { _ in Self.key(in: shape, &numbers) })
    case 990: self = .compact
    case 991: self = .image
    case 992, 993: self = .reopen
    default:
      // Long enough, now and then, for the store to take itself for idle.
      let most: UInt32 = isOne(in: 80) ? 400_000 : 2000
      self = .pause(microseconds: UInt32(truncatingIfNeeded: numbers.next()) % most)
    }
  }

  /// A put of a line that is imported from text.
  init(importing number: Int, in shape: StoreShape) {
    var numbers = shape.numbers(for: number)
    let key = Int(numbers.next() % UInt64(shape.plainKeys.count - shape.largeKeys.upperBound))
    let length = Int(numbers.next() % 120)
    self = .put(Change(key: shape.largeKeys.upperBound + key, length: length), durable: false)
  }

  /// What it commits, one after the other.
  var changes: [Change] {
    switch self {
    case .put(let change, _): [change]
    case .delete(let key, _): [Change(key: key, length: nil)]
    case .transaction(let changes, _, true): changes
    default: []
    }
  }

  /// Whether it and everything before it is durable when it has returned.
  var isOrderingPoint: Bool {
    switch self {
    case .put(_, let durable), .delete(_, let durable): durable
    case .transaction(_, let durable, let commits): durable && commits
    case .sync, .compact, .reopen: true
    case .read, .image, .pause: false
    }
  }

  private static func key(in shape: StoreShape, _ numbers: inout SeededNumbers) -> Int {
    if numbers.next() % 60 == 0 {
      return shape.largeKeys.lowerBound + Int(numbers.next() % UInt64(shape.largeKeys.count))
    }
    return Int(numbers.next() % UInt64(shape.plainKeys.count))
  }

  private static func change(in shape: StoreShape, _ numbers: inout SeededNumbers) -> Change {
    let key = key(in: shape, &numbers)
    let isLarge = shape.largeKeys.contains(key)
    let lengths: Range<Int> =
      switch numbers.next() % 20 {
      case 0, 1: 0..<1
      case 2, 3: 1..<Values.telling
      case 4...12 where isLarge: 60_000..<Values.longest
      case 4...16: Values.telling..<300
      default: 300..<4000
      }
    return Change(
      key: key,
      length: lengths.lowerBound + Int(numbers.next() % UInt64(lengths.count))
    )
  }
}
