// Writes a history into a store and notes it. The same seed gives the same files, byte for byte: an
// image that failed can be made again from its name and the seed.

internal import Fenceline
internal import JournalFormat
internal import PersistentMemory
internal import SystemPackage

/// Drives one store.
struct StoreScript {
  let path: FilePath
  private(set) var history = History()
  private(set) var store: Store
  private var numbers: SeededNumbers
  /// Keys that are used again and again; the bytes of some are no text.
  private static let keys: [ByteString] =
    ["alpha", "beta", "gamma", "delta", "user/1", "user/2", "user/3", "user/10", ""].map {
      ByteString($0.utf8)
    } + [[0xff, 0x00, 0x80], [0x00], ByteString(repeating: 0x6b, count: 90)]

  static var options: StoreOptions {
    var options = StoreOptions()
    options.segmentOptions.smallest = 8 << 10
    options.segmentOptions.largest = 8 << 10
    options.segmentOptions.clock.fixedTime = 1_700_000_000_000_000_000
    options.compactsInBackground = false
    return options
  }

  /// Creates a store whose identity follows from the seed.
  init(creating path: FilePath, seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    let id = StoreID(low: numbers.next(), high: numbers.next())
    try Files.makeDirectory(path)
    let name = "00000001.segment"
    try Files.replace(path.appending(name), with: Self.emptySegment(of: id))
    self.init(continuing: path, try Store.open(at: path, options: Self.options), History(), seed)
  }

  /// Goes on in a store whose history is known.
  init(continuing path: FilePath, _ store: Store, _ history: History, _ seed: UInt64) {
    self.path = path
    self.store = store
    self.history = history
    numbers = SeededNumbers(seed: seed &+ 1)
  }

  /// A first segment in which nothing was written: recovery replaces it with one of the same store.
  private static func emptySegment(of id: StoreID) -> ByteString {
    var contents = ByteString(repeating: 0, count: 8 << 10)
    var header = SegmentHeader(
      storeID: id,
      segmentID: 1,
      predecessorID: 0,
      incarnation: 1,
      capacity: contents.count,
      firstSequence: 1,
      predecessorEnd: 0,
      createdAt: 0
    )
    header.seal(into: &contents)
    return contents
  }

  // MARK: Steps

  mutating func put(_ key: ByteString, _ value: ByteString, durable: Bool) throws {
    try store.put(key, value, durability: durable ? .durable : .buffered)
    history.append([Change(key: key, value: value)])
  }

  mutating func delete(_ key: ByteString) throws {
    if try store.delete(key) { history.append([Change(key: key, value: nil)]) }
  }

  mutating func commit(_ changes: [Change], durable: Bool) throws {
    try store.transaction(durability: durable ? .durable : .buffered) { (transaction) in
      for change in changes {
        if let value = change.value {
          try transaction.put(change.key, value)
        } else {
          try transaction.delete(change.key)
        }
      }
    }
    history.append(changes)
  }

  /// One step of any kind.
  mutating func anyStep(durable: Bool? = nil) throws {
    let isDurable = durable ?? Bool.random(using: &numbers)
    let state = history.finalState
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0, 1:
      let present = state.keys.sorted { $0.lexicographicallyPrecedes($1) }
      if let key = present.randomElement(using: &numbers) { try delete(key) }
    case 2, 3:
      var changes: [Change] = []
      for key in Self.keys.shuffled(using: &numbers).prefix(3) {
        let deletes = changes.count == 1 && state[key] != nil
        changes.append(Change(key: key, value: deletes ? nil : value()))
      }
      try commit(changes, durable: isDurable)
    default:
      try put(key(), value(), durable: isDurable)
    }
  }

  private mutating func key() -> ByteString {
    let number = Int.random(in: 0..<24, using: &numbers)
    return number < Self.keys.count ? Self.keys[number] : ByteString("key-\(number)".utf8)
  }

  private mutating func value() -> ByteString {
    let isLong = Int.random(in: 0..<8, using: &numbers) == 0
    return numbers.bytes(Int.random(in: 0..<(isLong ? 900 : 120), using: &numbers))
  }

  /// Any steps until the newest segment is `number` segments further and holds a few records.
  mutating func fill(segments number: Int) throws {
    let wanted = try store.segments().count + number
    while try store.segments().count < wanted { try anyStep() }
    for _ in 0..<6 { try anyStep() }
  }

  mutating func closeAndReopen() throws {
    try store.close()
    store = try Store.open(at: path, options: Self.options)
  }

  mutating func large(_ count: Int) throws {
    try put(ByteString("large".utf8), numbers.bytes(count), durable: false)
  }

  /// The segments as they lie in the file system.
  func files() throws -> [SampleFile] { try Files.segments(in: path) }
}

extension SegmentHeader {
  /// Writes the header with its checksum to the start of a file's contents.
  fileprivate mutating func seal(into contents: inout ByteString) {
    checksum = 0
    var span = contents.mutableSpan
    var bytes = unsafe span.mutableBytes
    encode(into: &bytes)
    let crc = Checksum.crc32c(bytes.bytes.extracting(0..<SegmentField.checksum))
    bytes.storeLittleEndian(crc, at: SegmentField.checksum)
  }
}
