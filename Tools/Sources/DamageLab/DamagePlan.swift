// Every image that there is, by number and by name; an image is made only when it is looked at.
//
// All bits, all lengths, all lines, all pages, all pairs of pages and of files, all subsets of files.
// Pairs of lines are all tried within the small files; in a file of more than 256 lines only those
// that are a power of two apart, for their number grows with the square.

/// Images of one kind that concern one file, or the whole store.
package struct DamageGroup: Sendable {
  package let store: Int
  package let kind: DamageKind
  /// "store/kind/file" or "store/kind".
  package let name: String
  package let count: Int
  let damage: @Sendable (Int) -> Damage
}

/// One image.
package struct DamageImage: Sendable {
  /// Its store's place among the samples.
  package let store: Int
  package let kind: DamageKind
  package let damage: Damage
  package let name: String
}

/// All images of some stores.
package struct DamagePlan: Sendable {
  package let stores: [SampleStore]
  package private(set) var groups: [DamageGroup] = []
  private var starts: [Int] = []
  /// How many images there are.
  package private(set) var count = 0

  /// Plans images.
  ///
  /// - Parameters:
  ///   - stores: the samples.
  ///   - kinds: the kinds to plan.
  package init(for stores: [SampleStore], kinds: [DamageKind] = DamageKind.allCases) {
    self.stores = stores
    for (number, store) in stores.enumerated() {
      for kind in kinds { add(kind, of: store, number) }
    }
  }

  /// The image with a number below `count`.
  package func image(_ number: Int) -> DamageImage {
    let group = group(of: number)
    return image(number - starts[group], of: groups[group])
  }

  private func group(of number: Int) -> Int {
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= number { low = middle } else { high = middle }
    }
    return low
  }

  private func image(_ index: Int, of group: DamageGroup) -> DamageImage {
    let damage = group.damage(index)
    return DamageImage(
      store: group.store,
      kind: group.kind,
      damage: damage,
      name: "\(group.name)/\(damage.name(in: stores[group.store]))"
    )
  }

  /// The number of the image with a name, or nil.
  package func number(named name: String) -> Int? {
    for (start, group) in zip(starts, groups) where name.hasPrefix(group.name + "/") {
      for index in 0..<group.count where image(index, of: group).name == name {
        return start + index
      }
    }
    return nil
  }

  /// Whether an image belongs to a sample of one in `rate`.
  ///
  /// Kinds of few images are sampled whole.
  package func isSampled(_ number: Int, oneIn rate: Int, seed: UInt64) -> Bool {
    if rate <= 1 || groups[group(of: number)].count <= 64 { return true }
    return Self.isChosen(number, oneIn: rate, seed: seed)
  }

  /// A few images of every kind, store and file.
  package func sample(ofEach count: Int, seed: UInt64) -> [Int] {
    var numbers = SeededNumbers(seed: seed)
    return zip(starts, groups).flatMap { start, group in
      (0..<min(count, group.count)).map { _ in
        start + Int.random(in: 0..<group.count, using: &numbers)
      }
    }
  }

  /// Whether a number is one of those that chance picks, always the same ones.
  package static func isChosen(_ number: Int, oneIn rate: Int, seed: UInt64 = 0) -> Bool {
    var numbers = SeededNumbers(seed: UInt64(number) ^ seed &<< 32)
    return numbers.next() % UInt64(rate) == 0
  }

  // MARK: Kinds

  private mutating func add(
    _ kind: DamageKind,
    of store: SampleStore,
    _ number: Int,
    file: Int? = nil,
    count: Int,
    _ damage: @escaping @Sendable (Int) -> Damage
  ) {
    guard count > 0 else { return }
    let place = file.map { "/" + store.files[$0].name } ?? ""
    groups.append(
      DamageGroup(
        store: number,
        kind: kind,
        name: "\(store.name)/\(kind.rawValue)\(place)",
        count: count,
        damage: damage
      )
    )
    starts.append(self.count)
    self.count += count
  }

  private mutating func add(_ kind: DamageKind, of store: SampleStore, _ number: Int) {
    switch kind {
    case .flip, .truncate, .zeroLine, .zeroPage, .swapLines:
      for file in store.files.indices { add(kind, of: store, number, within: file) }
    default:
      let list = Self.wholeStoreDamages(kind, store)
      add(kind, of: store, number, count: list.count) { list[$0] }
    }
  }

  private mutating func add(
    _ kind: DamageKind,
    of store: SampleStore,
    _ number: Int,
    within file: Int
  ) {
    let contents = store.files[file].contents
    switch kind {
    case .flip:
      add(kind, of: store, number, file: file, count: 8 * contents.count) {
        .flip(file: file, offset: $0 / 8, bit: $0 % 8)
      }
    case .truncate:
      add(kind, of: store, number, file: file, count: contents.count) {
        .truncate(file: file, length: $0)
      }
    case .zeroLine, .zeroPage:
      let blocks = Self.blocks(of: store, file, size: kind == .zeroLine ? 64 : 4096)
        .filter { block in contents[block.range].contains { $0 != 0 } }
      add(kind, of: store, number, file: file, count: blocks.count) { .zero(blocks[$0]) }
    default:
      let pairs = Self.linePairs(of: store, file)
      add(kind, of: store, number, file: file, count: pairs.count) { pairs[$0] }
    }
  }

  private static func blocks(of store: SampleStore, _ file: Int, size: Int) -> [Block] {
    (0..<store.files[file].contents.count / size).map { Block(file: file, size: size, index: $0) }
  }

  private static func linePairs(of store: SampleStore, _ file: Int) -> [Damage] {
    let contents = store.files[file].contents
    let lines = blocks(of: store, file, size: 64)
    let isSmall = lines.count <= 256
    var pairs: [Damage] = []
    for left in lines {
      for right in lines[(left.index + 1)...] {
        let distance = right.index - left.index
        guard isSmall || distance & (distance - 1) == 0 else { continue }
        if contents[left.range].elementsEqual(contents[right.range]) { continue }
        pairs.append(.swap(left, right))
      }
    }
    return pairs
  }

  private static func wholeStoreDamages(_ kind: DamageKind, _ store: SampleStore) -> [Damage] {
    let files = Array(store.files.indices)
    let pairs = files.flatMap { left in files.filter { $0 != left }.map { (left, $0) } }
    let masks = Array(1..<1 << files.count)
    switch kind {
    case .swapPages, .copyPage:
      let pages = files.flatMap { blocks(of: store, $0, size: 4096) }
      func contents(_ page: Block) -> ArraySlice<UInt8> {
        store.files[page.file].contents[page.range]
      }
      return pages.indices.flatMap { left in
        pages.indices.filter { right in
          (kind == .copyPage ? left != right : left < right)
            && !contents(pages[left]).elementsEqual(contents(pages[right]))
        }
        .map { right in
          kind == .copyPage
            ? .copy(from: pages[left], to: pages[right]) : .swap(pages[left], pages[right])
        }
      }
    case .swapFiles: return pairs.filter { $0.0 < $0.1 }.map { .swapFiles($0.0, $0.1) }
    case .copyFile: return pairs.map { .copyFile(from: $0.0, to: $0.1) }
    case .addCopy:
      let last = UInt32(store.files[files.count - 1].name.prefix(8), radix: 16) ?? 0
      return files.flatMap { file in
        [1, last + 1, last + 2, .max].map { .addCopy(of: file, number: $0) }
      }
    case .removeFiles: return masks.map { .removeFiles($0) }
    case .mixStores:
      guard let other = store.other else { return [] }
      return masks.filter { $0 < 1 << other.files.count }.map { .mixStores($0) }
    case .olderFile:
      return store.earlier.indices.flatMap { snapshot in
        store.earlier[snapshot].files.enumerated().filter { file in
          file.element != store.files[file.offset]
        }
        .map { .olderFile(snapshot: snapshot, file: $0.offset) }
      }
    default: return []
    }
  }
}
