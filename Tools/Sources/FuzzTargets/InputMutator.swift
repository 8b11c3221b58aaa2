// Changes inputs as one who knows what is in them: fields of headers and records get numbers that hurt,
// records and files change places, go or come twice. What a fuzzer does by itself, bytes here and there,
// it does to the bytes that are no zeros.

internal import CrashLab
internal import Fenceline
internal import JournalFormat

/// Makes another input of one.
package struct InputMutator {
  private var numbers: SeededGenerator

  package init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

  /// Another input for `target`.
  ///
  /// - Parameters:
  ///   - input: any bytes.
  ///   - target: what it is for.
  ///   - mostBytes: of what is returned.
  ///   - changeBytes: changes some bytes; may make them more or fewer.
  /// - Returns: at most so many bytes.
  package mutating func mutated(
    _ input: [UInt8],
    for target: FuzzTarget,
    mostBytes: Int,
    changeBytes: (inout [UInt8]) -> Void
  ) -> [UInt8] {
    guard target.takesFiles, chance(7, of: 8) else {
      var output = input
      changeBytes(&output)
      return Array(output.prefix(mostBytes))
    }
    var mutated = FuzzInput(decoding: input)
    repeat { change(&mutated, changeBytes) } while chance(1, of: 3)
    return Array(mutated.encoded().prefix(mostBytes))
  }

  /// An input made of two: of the files of both, or of the front of one and the end of the other.
  package mutating func crossed(
    _ first: [UInt8],
    _ second: [UInt8],
    for target: FuzzTarget,
    mostBytes: Int
  ) -> [UInt8] {
    guard target.takesFiles else {
      let front = first.prefix(Int.random(in: 0...first.count, using: &numbers))
      let end = second.suffix(Int.random(in: 0...second.count, using: &numbers))
      return Array((front + end).prefix(mostBytes))
    }
    var result = FuzzInput(decoding: first)
    for file in FuzzInput(decoding: second).files where chance(1, of: 2) {
      if chance(1, of: 2) {
        result.files.removeAll { $0.kind == file.kind && $0.number == file.number }
      }
      result.files.append(file)
    }
    return Array(result.encoded().prefix(mostBytes))
  }

  /// Changes some bytes where no fuzzer does.
  package mutating func changeBytes(_ bytes: inout [UInt8]) {
    for _ in 0..<Int.random(in: 1...4, using: &numbers) {
      let index = Int.random(in: 0...bytes.count, using: &numbers)
      switch Int.random(in: 0..<5, using: &numbers) {
      case 0: bytes.insert(anyByte(), at: index)
      case 1 where index < bytes.count: bytes.remove(at: index)
      case 2 where index < bytes.count:
        bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
      case 3:
        let count = min(bytes.count - index, Int.random(in: 0...16, using: &numbers))
        let place = Int.random(in: 0...bytes.count, using: &numbers)
        bytes.insert(contentsOf: bytes[index..<index + count], at: place)
      default: if index < bytes.count { bytes[index] = anyByte() }
      }
    }
  }

  // MARK: One change

  private mutating func change(_ input: inout FuzzInput, _ changeBytes: (inout [UInt8]) -> Void) {
    guard let index = input.files.indices.randomElement(using: &numbers), !chance(1, of: 12) else {
      input.options = FuzzOptions(rawValue: input.options.rawValue ^ 1 << anyBit())
      return
    }
    if chance(1, of: 6) { return changeFiles(&input, at: index) }
    switch input.files[index].kind {
    case .segment:
      switch Int.random(in: 0..<8, using: &numbers) {
      case 0, 1: changeField(&input.files[index].bytes, FieldTable.segment)
      case 2, 3, 4: changeRecordField(&input.files[index].bytes)
      case 5, 6: moveRecord(&input, at: index)
      default: changePiece(&input.files[index].bytes, changeBytes)
      }
    case .image:
      if chance(1, of: 3) { return changePiece(&input.files[index].bytes, changeBytes) }
      changeField(&input.files[index].bytes, FieldTable.image)
    case .changes:
      if chance(1, of: 2) { return changePiece(&input.files[index].bytes, changeBytes) }
      changeField(&input.files[index].bytes, FieldTable.changes)
    case .damage: changePiece(&input.files[index].bytes, changeBytes)
    }
  }

  private mutating func changeFiles(_ input: inout FuzzInput, at index: Int) {
    switch Int.random(in: 0..<5, using: &numbers) {
    case 0: input.files.remove(at: index)
    case 1:
      var copy = input.files[index]
      copy.number = (copy.number + 1) & 0x3f
      input.files.append(copy)
    case 2: input.files[index].number = UInt8.random(in: 0..<8, using: &numbers)
    case 3:
      let length = input.files[index].bytes.count
      resize(&input.files[index].bytes, to: max(0, chance(1, of: 2) ? length / 2 : length - 8))
    default:
      let length = input.files[index].bytes.count + 1 << Int.random(in: 0..<13, using: &numbers)
      resize(&input.files[index].bytes, to: min(length, FuzzFile.mostBytes))
    }
  }

  private func resize(_ bytes: inout [UInt8], to length: Int) {
    if length < bytes.count { bytes.removeLast(bytes.count - length) }
    bytes += Array(repeating: 0, count: length - bytes.count)
  }

  /// Puts a number into a field.
  private mutating func changeField(_ bytes: inout [UInt8], _ table: [FieldTable.Field]) {
    guard let field = table.randomElement(using: &numbers) else { return }
    changeNumber(&bytes, at: field.offset + stride(field), size: field.size)
  }

  private mutating func stride(_ field: FieldTable.Field) -> Int {
    field.stride == 0 ? 0 : field.stride * Int.random(in: 0..<4, using: &numbers)
  }

  private mutating func changeNumber(_ bytes: inout [UInt8], at offset: Int, size: Int) {
    guard offset >= 0, offset + size <= bytes.count else { return }
    var number: UInt64 = 0
    for byte in bytes[offset..<offset + size].reversed() { number = number << 8 | UInt64(byte) }
    switch Int.random(in: 0..<7, using: &numbers) {
    case 0: number = number &+ 1
    case 1: number = number &- 1
    case 2: number = 0
    case 3: number = .max
    case 4: number ^= 1 << UInt64.random(in: 0..<UInt64(8 * size), using: &numbers)
    case 5: number = 1 << UInt64.random(in: 0..<UInt64(8 * size), using: &numbers)
    default: number = number &+ 8 &* UInt64.random(in: 0..<64, using: &numbers) &- 256
    }
    for index in 0..<size {
      bytes[offset + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
    }
  }

  private mutating func changeRecordField(_ bytes: inout [UInt8]) {
    guard let record = JournalSealer.records(in: bytes).randomElement(using: &numbers) else {
      return
    }
    let isOptional = chance(1, of: 4)
    guard !isOptional, let field = FieldTable.record.randomElement(using: &numbers) else {
      // Optional fields, the key and what comes behind.
      let length = min(record.count - RecordField.headerEnd, 48)
      let offset = Int.random(in: 0...max(0, length - 1), using: &numbers) & ~3
      let start = record.lowerBound + RecordField.headerEnd + offset
      return changeNumber(&bytes, at: start, size: chance(1, of: 2) ? 4 : 8)
    }
    changeNumber(&bytes, at: record.lowerBound + field.offset, size: field.size)
  }

  /// Takes a record out, or puts one in.
  private mutating func moveRecord(_ input: inout FuzzInput, at index: Int) {
    let length = input.files[index].bytes.count
    let records = JournalSealer.records(in: input.files[index].bytes)
    guard let record = records.randomElement(using: &numbers) else { return }
    if chance(1, of: 3) {
      input.files[index].bytes.removeSubrange(record)
      return resize(&input.files[index].bytes, to: length)
    }
    guard let other = input.files.randomElement(using: &numbers), other.kind == .segment,
      let source = JournalSealer.records(in: other.bytes).randomElement(using: &numbers),
      source.count < 1 << 10
    else { return }
    let piece = other.bytes[source]
    if chance(1, of: 2) {
      input.files[index].bytes.replaceSubrange(record, with: piece)
    } else {
      let place = chance(1, of: 2) ? record.lowerBound : record.upperBound
      input.files[index].bytes.insert(contentsOf: piece, at: place)
    }
    resize(&input.files[index].bytes, to: length)
  }

  /// Changes bytes somewhere where there are some.
  private mutating func changePiece(_ bytes: inout [UInt8], _ changeBytes: (inout [UInt8]) -> Void)
  {
    guard let place = bytes.indices.randomElement(using: &numbers) else { return }
    let start = bytes[place...].firstIndex { $0 != 0 } ?? bytes.firstIndex { $0 != 0 } ?? 0
    let end = min(bytes.count, start + Int.random(in: 1...64, using: &numbers))
    guard start < end else { return }
    var piece = Array(bytes[start..<end])
    changeBytes(&piece)
    let length = bytes.count
    // In place mostly: what moves, moves everything behind.
    if chance(7, of: 8) { piece = Array((piece + bytes[start..<end]).prefix(end - start)) }
    bytes.replaceSubrange(start..<end, with: piece)
    resize(&bytes, to: length)
  }

  // MARK: Choices

  private mutating func chance(_ count: Int, of all: Int) -> Bool {
    Int.random(in: 0..<all, using: &numbers) < count
  }

  private mutating func anyByte() -> UInt8 { UInt8.random(in: 0...255, using: &numbers) }
  private mutating func anyBit() -> UInt8 { UInt8.random(in: 0..<6, using: &numbers) }
}
