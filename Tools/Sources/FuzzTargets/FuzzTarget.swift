// What is fuzzed. A target is a function of bytes, so a fuzzer calls it and a test replays it.
//
// Invariant: the same bytes give the same end, in any process.

internal import Fenceline

/// One of the functions that take any bytes.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// The record reader, over the bytes of a segment.
  case records
  /// A whole directory: opened, read, listed, verified, written to, compacted, closed.
  case store
  /// The index image and the changes behind it.
  case image
  /// The parsers of what `kvctl import` reads.
  case text

  /// Gives the target an input.
  ///
  /// - Parameter input: any bytes.
  /// - Throws: ``FuzzFinding``: an answer that no bytes may cause.
  package func check(_ input: [UInt8]) throws(FuzzFinding) {
    switch self {
    case .records: try RecordsTarget.check(FuzzInput(decoding: input))
    case .store: try StoreTarget.check(FuzzInput(decoding: input))
    case .image: try ImageTarget.check(FuzzInput(decoding: input))
    case .text: try TextTarget.check(input)
    }
  }

  /// Inputs to start from.
  ///
  /// - Throws: what the store says where they can't be made.
  package func seeds() throws -> [[UInt8]] {
    switch self {
    case .records: try SeedStores.segments().map { $0.encoded() }
    case .store: try SeedStores.all().map { $0.encoded() }
    case .image: try SeedStores.imaged().map { $0.encoded() }
    case .text: TextTarget.seeds
    }
  }

  /// The files that an input stands for, by name, as a store is opened from them; empty for lines.
  package func files(of input: [UInt8]) -> [(name: String, bytes: [UInt8])] {
    guard takesFiles else { return [] }
    return FuzzInput(decoding: input).sealedFiles().compactMap { (file) in
      file.name.map { ($0, file.bytes) }
    }
  }

  /// Whether inputs are files, which ``InputMutator`` knows how to change.
  var takesFiles: Bool { self != .text }
}
