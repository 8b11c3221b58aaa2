// A sample store in a directory, damaged and mended again in place: a flipped bit costs one write of
// one byte each way, not a copy of the store.

internal import Fenceline
internal import PersistentMemory
internal import SystemPackage

/// The files of a sample store on a file system.
final class FileImage: StoreImage {
  let path: FilePath
  private let isTemporary: Bool
  private let pristine: [String: ByteString]
  private var contents: [String: ByteString]
  private var edits: [Edit] = []
  /// Something else than `edits` has changed the files.
  private var isRewritten = false

  /// Makes the directory and the files in it.
  init(of store: SampleStore, at path: FilePath, isTemporary: Bool = true) throws {
    self.path = path
    self.isTemporary = isTemporary
    pristine = Dictionary(uniqueKeysWithValues: store.files.map { ($0.name, $0.contents) })
    contents = pristine
    try Files.makeDirectory(path)
    isRewritten = true
    try restore()
  }

  func openReadOnly() throws(StoreError) -> Store {
    try Store.openReadOnly(at: path, options: StoreScript.options)
  }

  func openForWriting() throws(StoreError) -> Store {
    try Store.open(at: path, options: StoreScript.options)
  }

  func verify() throws(StoreError) -> VerificationReport {
    try Store.verify(at: path, options: StoreScript.options)
  }

  func salvage(to output: FilePath) throws(StoreError) -> SalvageReport {
    try Store.salvage(from: path, to: output, options: StoreScript.options)
  }

  deinit { if isTemporary { Files.removeDirectory(path) } }

  var hasSegments: Bool { !contents.isEmpty }

  func apply(_ edits: [Edit]) throws {
    self.edits = edits
    for edit in edits {
      switch edit {
      case .write(let name, let offset, let bytes):
        contents[name]?.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        try Files.write(bytes, at: offset, to: path.appending(name))
      case .resize(let name, let length):
        contents[name] = contents[name].map { ByteString($0.prefix(length)) }
        try Files.resize(path.appending(name), to: length)
      case .replace(let name, let bytes):
        contents[name] = bytes
        try Files.replace(path.appending(name), with: bytes)
      case .remove(let name):
        contents[name] = nil
        Files.remove(path.appending(name))
      }
    }
  }

  func difference() throws -> String? {
    let names = try Files.names(in: path).filter { $0 != FileSystemDirectory.lockName }
    let expected = contents.keys.sorted()
    guard names == expected else { return "the files are \(names) instead of \(expected)" }
    for (name, bytes) in contents where try Files.read(path.appending(name)) != bytes {
      return "\(name) has changed"
    }
    return nil
  }

  func noteWriting() { isRewritten = true }

  func restore() throws {
    if isRewritten {
      for name in try Files.names(in: path) where pristine[name] == nil {
        Files.remove(path.appending(name))
      }
      for (name, bytes) in pristine { try Files.replace(path.appending(name), with: bytes) }
      contents = pristine
    } else {
      for edit in edits { try undo(edit) }
    }
    isRewritten = false
    edits = []
  }

  private func undo(_ edit: Edit) throws {
    switch edit {
    case .write(let name, let offset, let bytes):
      guard let original = pristine[name]?[offset..<offset + bytes.count] else { return }
      contents[name]?.replaceSubrange(original.indices, with: original)
      try Files.write(ByteString(original), at: offset, to: path.appending(name))
    case .resize(let name, _), .replace(let name, _), .remove(let name):
      contents[name] = pristine[name]
      if let bytes = pristine[name] {
        try Files.replace(path.appending(name), with: bytes)
      } else {
        Files.remove(path.appending(name))
      }
    }
  }
}
