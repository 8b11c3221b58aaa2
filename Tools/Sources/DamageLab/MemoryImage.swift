// A sample store on the simulated medium: no system calls, so that millions of images can be tried. The
// layers below the journal are left out; every kind of damage is tried on files too.

internal import CrashLab
internal import Fenceline
internal import SystemPackage

/// The files of a sample store in memory.
final class MemoryImage: StoreImage {
  let path: FilePath = "/simulated"
  private let pristine: [SampleFile]
  private var directory: SimulatedDirectory
  private var memories: [String: FileMemory]
  private var contents: [String: ByteString]
  private var edits: [Edit] = []
  /// Files are other ones than before, or a writer was let in.
  private var isRewritten = false

  init(of store: SampleStore) {
    pristine = store.files
    (directory, memories) = Self.make(pristine)
    contents = Self.contents(pristine)
  }

  private static func make(_ files: [SampleFile]) -> (SimulatedDirectory, [String: FileMemory]) {
    let memories = files.map { (name: $0.name, memory: FileMemory(contents: $0.contents)) }
    return (
      SimulatedDirectory(files: memories),
      Dictionary(uniqueKeysWithValues: memories.map { ($0.name, $0.memory) })
    )
  }

  private static func contents(_ files: [SampleFile]) -> [String: ByteString] {
    Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.contents) })
  }

  var hasSegments: Bool { !contents.isEmpty }

  func apply(_ edits: [Edit]) throws {
    self.edits = edits
    for edit in edits {
      switch edit {
      case .write(let name, let offset, let bytes):
        contents[name]?.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        memories[name]?.overwrite(bytes, at: offset)
        continue
      case .resize(let name, let length):
        contents[name] = contents[name].map { ByteString($0.prefix(length)) }
      case .replace(let name, let bytes): contents[name] = bytes
      case .remove(let name): contents[name] = nil
      }
      isRewritten = true
    }
    if isRewritten {
      (directory, memories) = Self.make(
        contents.map { SampleFile(name: $0.key, contents: $0.value) }
      )
    }
  }

  func difference() throws -> String? {
    let files = directory.files
    let expected = contents.keys.sorted()
    guard files.map(\.name) == expected else {
      return "the files are \(files.map(\.name)) instead of \(expected)"
    }
    for file in files {
      let isEqual = file.memory.withBytes { Files.areEqual($0, contents[file.name] ?? []) }
      if !isEqual { return "\(file.name) has changed" }
    }
    return nil
  }

  func noteWriting() { isRewritten = true }

  func restore() throws {
    if isRewritten {
      (directory, memories) = Self.make(pristine)
      contents = Self.contents(pristine)
    } else {
      for case .write(let name, let offset, let bytes) in edits {
        guard let file = pristine.first(where: { $0.name == name }) else { continue }
        let original = ByteString(file.contents[offset..<offset + bytes.count])
        contents[name]?.replaceSubrange(offset..<offset + bytes.count, with: original)
        memories[name]?.overwrite(original, at: offset)
      }
    }
    isRewritten = false
    edits = []
  }

  func openReadOnly() throws(StoreError) -> Store {
    try Store(readingIn: directory, options: StoreScript.options)
  }

  func openForWriting() throws(StoreError) -> Store {
    try Store(writingIn: directory, options: StoreScript.options)
  }

  func verify() throws(StoreError) -> VerificationReport { try Store.verify(in: directory) }

  func salvage(to output: FilePath) throws(StoreError) -> SalvageReport {
    let target = try Store.open(at: output, options: StoreScript.options)
    let report = try Store.salvage(in: directory, into: target)
    try target.close()
    return report
  }
}
