// One way to damage a store: what is changed, and what it is called.

/// What sort of accident it is.
package enum DamageKind: String, Sendable, CaseIterable {
  case flip
  case truncate
  case zeroLine = "zero-line"
  case zeroPage = "zero-page"
  case swapLines = "swap-lines"
  case swapPages = "swap-pages"
  case copyPage = "copy-page"
  case swapFiles = "swap-files"
  case copyFile = "copy-file"
  case addCopy = "add-copy"
  case removeFiles = "remove-files"
  case mixStores = "mix-stores"
  case olderFile = "older-file"
}

extension DamageKind {
  /// Whether bits change, rather than files.
  package var isWithinFiles: Bool {
    switch self {
    case .flip, .truncate, .zeroLine, .zeroPage, .swapLines, .swapPages, .copyPage: true
    case .swapFiles, .copyFile, .addCopy, .removeFiles, .mixStores, .olderFile: false
    }
  }
}

/// An aligned piece of a file.
package struct Block: Sendable, Hashable {
  let file: Int
  let size: Int
  let index: Int

  var range: Range<Int> { index * size..<(index + 1) * size }
}

/// A change to the files of a sample store; files are numbered from the oldest.
package enum Damage: Sendable, Hashable {
  case flip(file: Int, offset: Int, bit: Int)
  case truncate(file: Int, length: Int)
  case zero(Block)
  case swap(Block, Block)
  case copy(from: Block, to: Block)
  case swapFiles(Int, Int)
  case copyFile(from: Int, to: Int)
  /// A file once more, under a name that no file has.
  case addCopy(of: Int, number: UInt32)
  /// The files whose bits are set.
  case removeFiles(Int)
  /// The files whose bits are set come from another store.
  case mixStores(Int)
  /// A file as it was when the store was closed before.
  case olderFile(snapshot: Int, file: Int)
}

/// A change as a file system sees it.
enum Edit {
  case write(file: String, offset: Int, bytes: ByteString)
  case resize(file: String, length: Int)
  case replace(file: String, contents: ByteString)
  case remove(file: String)
}

extension Damage {
  /// What it is called within its group.
  func name(in store: SampleStore) -> String {
    switch self {
    case .flip(_, let offset, let bit): "\(offset).\(bit)"
    case .truncate(_, let length): "\(length)"
    case .zero(let block): "\(block.index)"
    case .swap(let left, let right), .copy(from: let left, to: let right):
      "\(left.file + 1):\(left.index)-\(right.file + 1):\(right.index)"
    case .swapFiles(let left, let right), .copyFile(from: let left, to: let right):
      "\(left + 1)-\(right + 1)"
    case .addCopy(let file, let number): "\(file + 1)-\(number)"
    case .removeFiles(let mask), .mixStores(let mask):
      store.files.indices.filter { mask >> $0 & 1 == 1 }.map { "\($0 + 1)" }.joined(separator: "+")
    case .olderFile(let snapshot, let file): "\(snapshot + 1)-\(file + 1)"
    }
  }

  /// What it changes.
  func edits(of store: SampleStore) -> [Edit] {
    let files = store.files
    switch self {
    case .flip(let file, let offset, let bit):
      return [
        .write(
          file: files[file].name,
          offset: offset,
          bytes: [files[file].contents[offset] ^ 1 << UInt8(bit)]
        )
      ]
    case .truncate(let file, let length): return [.resize(file: files[file].name, length: length)]
    case .zero(let block): return [write(ByteString(repeating: 0, count: block.size), block, files)]
    case .swap(let left, let right):
      return [write(bytes(right, files), left, files), write(bytes(left, files), right, files)]
    case .copy(from: let source, to: let target):
      return [write(bytes(source, files), target, files)]
    case .swapFiles(let left, let right):
      return [
        .replace(file: files[left].name, contents: files[right].contents),
        .replace(file: files[right].name, contents: files[left].contents),
      ]
    case .copyFile(from: let source, to: let target):
      return [.replace(file: files[target].name, contents: files[source].contents)]
    case .addCopy(let file, let number):
      let digits = String(number, radix: 16)
      let name = String(repeating: "0", count: 8 - digits.count) + digits + ".segment"
      return [.replace(file: name, contents: files[file].contents)]
    case .removeFiles(let mask):
      return files.indices.filter { mask >> $0 & 1 == 1 }.map { .remove(file: files[$0].name) }
    case .mixStores(let mask):
      let foreign = store.other?.files ?? []
      return files.indices.filter { mask >> $0 & 1 == 1 && $0 < foreign.count }
        .map { .replace(file: files[$0].name, contents: foreign[$0].contents) }
    case .olderFile(let snapshot, let file):
      let older = store.earlier[snapshot].files[file]
      return [.replace(file: older.name, contents: older.contents)]
    }
  }

  private func bytes(_ block: Block, _ files: [SampleFile]) -> ByteString {
    ByteString(files[block.file].contents[block.range])
  }

  private func write(_ bytes: ByteString, _ block: Block, _ files: [SampleFile]) -> Edit {
    .write(file: files[block.file].name, offset: block.range.lowerBound, bytes: bytes)
  }
}
