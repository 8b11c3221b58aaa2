// One state that a crash can leave: names, and the bytes behind them. Images of one moment share
// their memory; the enumeration changes a few words from one to the next, and the fingerprint with
// them.

/// A file of an image, with a fingerprint that follows every change.
final class ImageFile {
  let number: Int
  let memory: FileMemory
  /// Equal contents have equal fingerprints; zeros add nothing.
  private(set) var fingerprint: UInt64

  init(number: Int, memory: FileMemory) {
    self.number = number
    self.memory = memory
    fingerprint = 0
    for index in 0..<memory.length / 8 {
      let word = memory.word(at: index)
      if word != 0 { fingerprint &+= Self.share(of: word, at: index) }
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

/// A state that a crash can leave, valid until the enumeration goes on.
struct CrashImage {
  let files: [(name: String, file: ImageFile)]
  /// Equal images have equal fingerprints.
  let fingerprint: UInt64

  init(files: [(name: String, file: ImageFile)]) {
    self.files = files
    fingerprint = files.reduce(0) { sum, entry in
      var name: UInt64 = UInt64(entry.file.memory.length)
      for byte in entry.name.utf8 { name = Mix.mix(name ^ UInt64(byte)) }
      return sum &+ Mix.mix(name ^ entry.file.fingerprint)
    }
  }

  /// A directory over the image's own memory: for reading only.
  func shared() -> SimulatedDirectory {
    SimulatedDirectory(files: files.map { ($0.name, $0.file.memory) })
  }

  /// A directory over a copy: for writing.
  func copied() -> SimulatedDirectory {
    SimulatedDirectory(files: files.map { ($0.name, FileMemory(copying: $0.file.memory)) })
  }

  /// The image as the beginning of another trace.
  var initialFiles: [Trace.InitialFile] {
    files.map { Trace.InitialFile(name: $0.name, contents: $0.file.memory.contents) }
  }
}

/// Mixing for fingerprints and for reproducible choices.
enum Mix {
  /// The finalizer of SplitMix64.
  @inline(__always)
  static func mix(_ word: UInt64) -> UInt64 {
    var word = word &+ 0x9e37_79b9_7f4a_7c15
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}

/// SplitMix64: a seed gives the same choices on every machine.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Mix.mix(state)
  }
}
