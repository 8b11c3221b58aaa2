// A file of an image, with a fingerprint that follows every change. Images of one moment share their
// files; the enumeration changes a few words from one to the next, and the fingerprint with them.

/// The bytes of a file as a crash left them.
final class ImageFile {
  let memory: FileMemory
  /// Equal contents have equal fingerprints; zeros add nothing.
  private(set) var fingerprint: UInt64

  init(_ memory: FileMemory) {
    self.memory = memory
    fingerprint = 0
    for index in 0..<memory.length / 8 {
      fingerprint &+= Self.share(of: memory.word(at: index), at: index)
    }
  }

  func word(at index: Int) -> UInt64 { memory.word(at: index) }

  func setWord(at index: Int, to word: UInt64) {
    let old = memory.word(at: index)
    guard word != old else { return }
    fingerprint &+= Self.share(of: word, at: index) &- Self.share(of: old, at: index)
    memory.setWord(at: index, to: word)
  }

  private static func share(of word: UInt64, at index: Int) -> UInt64 {
    word == 0 ? 0 : Mix.mix(word ^ Mix.mix(UInt64(truncatingIfNeeded: index) &+ 1))
  }
}
