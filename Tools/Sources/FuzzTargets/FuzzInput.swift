// The bytes of an input, read as a directory of files. Any bytes are an input, and bytes that a fuzzer
// adds or takes away disturb little: what is missing is zero, what leads outside is left out.
//
//   options                      1 byte
//   for each file: name          1 byte: kind in bits 6-7, number in bits 0-5
//                  length        LEB128
//                  pieces        gap, count (LEB128 both), count bytes; ends with a count of 0
//
// Zeros are gaps, so a segment of 8 KiB with three records takes three hundred bytes.

/// What an input wants to be done with its files.
struct FuzzOptions: OptionSet {
  let rawValue: UInt8

  /// Records, headers and marks get the checks that belong there.
  static let sealsJournal = FuzzOptions(rawValue: 1 << 0)
  /// So do the index image and the changes behind it.
  static let sealsIndex = FuzzOptions(rawValue: 1 << 1)
  /// Successors state where their predecessors' journals end now.
  static let fitsEnds = FuzzOptions(rawValue: 1 << 2)
  /// Key checks are those of the keys.
  static let fitsKeys = FuzzOptions(rawValue: 1 << 3)
  /// The files lie on a disk, not in persistent memory.
  static let isOnDisk = FuzzOptions(rawValue: 1 << 4)
  /// The store makes an index image of its own, which is then damaged.
  static let damagesOwnImage = FuzzOptions(rawValue: 1 << 5)
}

/// One file of an input.
struct FuzzFile: Equatable {
  enum Kind: UInt8 {
    case segment, changes, image
    /// No file: what is changed in one that the store itself made.
    case damage
  }

  var kind: Kind
  /// Of the segment or the changes; 0 to 63.
  var number: UInt8
  var bytes: [UInt8]

  static let mostBytes = 1 << 18
  static let mostFiles = 16
}

/// An input, taken apart.
struct FuzzInput {
  var options = FuzzOptions()
  var files: [FuzzFile] = []

  init(options: FuzzOptions, files: [FuzzFile]) {
    self.options = options
    self.files = files
  }

  init(decoding input: [UInt8]) {
    guard input.count > 0 else { return }
    options = FuzzOptions(rawValue: input[0])
    var source = Source(bytes: input, position: 1)
    while let name = source.byte(), files.count < FuzzFile.mostFiles {
      let length = min(source.number(), FuzzFile.mostBytes)
      var bytes = [UInt8](repeating: 0, count: length)
      var end = 0
      while true {
        let gap = source.number()
        let count = source.number()
        guard count > 0 else { break }
        end = min(end + gap, length)
        for _ in 0..<count {
          guard let byte = source.byte() else { break }
          guard end < length else { continue }
          bytes[end] = byte
          end += 1
        }
      }
      let kind = FuzzFile.Kind(rawValue: name >> 6) ?? .segment
      files.append(FuzzFile(kind: kind, number: name & 0x3f, bytes: bytes))
    }
  }

  /// The files with the checksums that the options want mended.
  func sealedFiles() -> [FuzzFile] {
    var files = files
    if options.contains(.sealsJournal) { JournalSealer(options).seal(&files) }
    if options.contains(.sealsIndex) { IndexSealer.seal(&files) }
    return files
  }

  /// The bytes that stand for the input.
  func encoded() -> [UInt8] {
    var output = [options.rawValue]
    for file in files {
      output.append(file.kind.rawValue << 6 | file.number & 0x3f)
      output.append(number: file.bytes.count)
      var end = 0
      while let start = file.bytes[end...].firstIndex(where: { $0 != 0 }) {
        let stop = file.bytes.endOfPiece(from: start)
        output.append(number: start - end)
        output.append(number: stop - start)
        output += file.bytes[start..<stop]
        end = stop
      }
      output += [0, 0]
    }
    return output
  }

  /// Reads an input from front to back.
  private struct Source {
    let bytes: [UInt8]
    var position: Int

    mutating func byte() -> UInt8? {
      guard position < bytes.count else { return nil }
      defer { position += 1 }
      return bytes[position]
    }

    /// At most 2^28: enough for everything here, and safe to add.
    mutating func number() -> Int {
      var number = 0
      for shift in stride(from: 0, to: 28, by: 7) {
        guard let byte = byte() else { break }
        number |= Int(byte & 0x7f) << shift
        if byte < 0x80 { break }
      }
      return number
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(number: Int) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  /// Where the bytes from `start` on are followed by zeros enough to be left out.
  fileprivate func endOfPiece(from start: Int) -> Int {
    var end = start
    var zeros = 0
    for index in start..<count {
      if self[index] != 0 {
        zeros = 0
        end = index + 1
      } else {
        zeros += 1
        if zeros == 8 { break }
      }
    }
    return end
  }
}
