// What has found each mutant before. A trial looks there first, so that a table in which all are found
// again takes a fraction of the time; a list that is out of date costs time and nothing else.

#if Mutants
import CFlush
import Glibc
import PersistentMemory
import SystemPackage

/// A list of mutants and what found them: name, tab, finder, a line each.
struct MutantFinders {
  private let path: FilePath?
  private var finders: [String: String] = [:]

  /// How the finder of a mutant that ended the process begins.
  static let trap = "a trap in "

  /// Reads the list at `path`; nothing is known where there is none.
  init(_ path: String?) throws {
    self.path = path.map { FilePath($0) }
    guard let path = self.path, unsafe access(path.string, F_OK) == 0 else { return }
    let file = try FileDescriptor.open(path, .readOnly)
    var text: [UInt8] = []
    try file.closeAfter {
      var chunk: [UInt8]
      repeat {
        chunk = try unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { (buffer, count) in
          unsafe count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        text += chunk
      } while !chunk.isEmpty
    }
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: "\t"), maxSplits: 1)
      guard fields.count == 2 else { continue }
      let name = String(decoding: fields[0], as: UTF8.self)
      finders[name] = String(decoding: fields[1], as: UTF8.self)
    }
  }

  /// What found a mutant; nil where that is not known.
  subscript(_ mutant: Mutant?) -> String? {
    get { mutant.flatMap { finders[$0.description] } }
    set { if let mutant { finders[mutant.description] = newValue } }
  }

  /// Writes the list of all mutants anew.
  func write() throws {
    guard let path else { return }
    let lines = Mutant.allCases.compactMap { (mutant) in
      self[mutant].map { "\(mutant)\t\($0)\n" }
    }
    let file = try FileDescriptor.open(
      path,
      .writeOnly,
      options: [.create, .truncate],
      permissions: [.ownerReadWrite, .groupRead, .otherRead]
    )
    _ = try file.closeAfter { try file.writeAll(lines.joined().utf8) }
  }
}
#endif
