// The encoding of changes: what goes in comes out, and whatever bytes there are, nothing is read beyond them.

import JournalFormat
import Testing

struct IndexChangeTests {
  private static let mostUnits: UInt64 = 1 << 40

  private func encoded(_ changes: [IndexChange]) -> (bytes: [UInt8], length: Int) {
    var bytes = [UInt8](
      repeating: 0,
      count: changes.count * IndexChangeField.mostBytes + IndexChangeField.tail
    )
    var span = bytes.mutableSpan
    var rawSpan = unsafe span.mutableBytes
    var coder = IndexChangeCoder()
    var end = 0
    for change in changes { end += coder.encode(change, into: &rawSpan, at: end) }
    return (bytes, end)
  }

  private func decoded(_ bytes: [UInt8], count: Int) -> (changes: [IndexChange], length: Int) {
    var coder = IndexChangeCoder()
    var changes: [IndexChange] = []
    var end = 0
    let span = unsafe bytes.span.bytes
    for _ in 0..<count where end + IndexChangeField.tail < bytes.count {
      let (change, length) = coder.decode(span, at: end)
      changes.append(change)
      end += length
    }
    return (changes, end)
  }

  @Test func `Changes come back as they were`() {
    var generator = SystemRandomNumberGenerator()
    for round in 0..<200 {
      let bits = UInt64.random(in: 0...40, using: &generator)
      let changes = (0..<50).map { _ in
        let units = (0..<2).map { _ in
          Bool.random(using: &generator)
            ? 0 : UInt64.random(in: 0..<max(1, 1 << bits), using: &generator)
        }
        return IndexChange(hash: generator.next() & 0xffff_ffff, old: units[0], new: units[1])
      }
      let (bytes, length) = encoded(changes)
      let result = decoded(bytes, count: changes.count)
      #expect(result.changes == changes, "round \(round)")
      #expect(result.length == length, "round \(round)")
    }
  }

  @Test func `The largest units, and the longest ways between them, come back`() {
    let units: [UInt64] = [0, 1, 127, 128, 255, 256, Self.mostUnits - 1, 1, Self.mostUnits / 2]
    let changes = units.flatMap { (old) in
      units.map { IndexChange(hash: 0xffff_ffff, old: old, new: $0) }
    }
    let (bytes, length) = encoded(changes)
    #expect(decoded(bytes, count: changes.count).changes == changes)
    #expect(length <= changes.count * IndexChangeField.mostBytes)
  }

  /// Puts of new keys: the unit moves on by the length of a record.
  @Test func `A change in the order of the journal takes few bytes`() {
    let changes = (1...1000 as ClosedRange<UInt64>).map {
      IndexChange(hash: $0, old: 0, new: 1_000_000_000 + 17 * $0)
    }
    #expect(encoded(changes).length < 7 * changes.count)
  }

  @Test func `Any bytes decode to some change within them`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let bytes = (0..<IndexChangeField.tail + 40).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let (changes, length) = decoded(bytes, count: 40)
      #expect(length < bytes.count)
      #expect(changes.allSatisfy { $0.old < Self.mostUnits && $0.new < Self.mostUnits })
    }
  }
}
