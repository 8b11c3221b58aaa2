// What llvm-objdump prints of the object files, as functions of instructions.

import Foundation

/// Where something stands in the object files.
struct Place: Hashable {
  /// Number of the object file.
  var object: Int
  var section: Substring
  var offset: Int
}

/// What the linker has to fill in.
struct Relocation {
  var kind: Substring
  /// A function, or a section for what has no name outside of its file.
  var symbol: Substring
  var addend: Int
}

struct Instruction {
  var offset: Int
  var mnemonic: Substring
  var operands: Substring
  var relocation: Relocation?
  /// File and line of the innermost source line.
  var source: Substring?
}

struct Function {
  /// Mangled.
  var name: Substring
  var place: Place
  var instructions: [Instruction] = []
}

/// All functions of some object files, and the jump tables beside them.
struct Listing {
  private(set) var functions: [Function] = []
  /// Entries of jump tables, by where they stand.
  private(set) var tables: [Place: Relocation] = [:]
  private var numbers: [Place: Int] = [:]
  private var numbersByName: [Substring: Int] = [:]

  /// Reads the output of `llvm-objdump -d -r -l --no-show-raw-insn` and that of `llvm-objdump -r` on
  /// the same files in the same order.
  init(code: String, relocations: String) {
    readCode(code)
    readTables(relocations)
    for (number, function) in functions.enumerated() {
      numbers[function.place] = number
      // Of functions that several files have, one as good as the other, the linker keeps one too.
      if numbersByName[function.name] == nil { numbersByName[function.name] = number }
    }
  }

  /// The function at a place, if one begins there.
  func function(at place: Place) -> Int? { numbers[place] }

  func function(named name: Substring) -> Int? { numbersByName[name] }

  private mutating func readCode(_ text: String) {
    var place = Place(object: -1, section: "", offset: 0)
    var source: Substring?
    for line in text.split(separator: "\n") {
      switch line.utf8.first {
      case UInt8(ascii: ";"):
        // "; file:line"; "; function():" says which function was inlined.
        let words = line.dropFirst(2)
        if words.utf8.last != UInt8(ascii: ":") { source = words }
      case UInt8(ascii: " "):
        if let instruction = Self.instruction(line, source) {
          functions[functions.count - 1].instructions.append(instruction)
        }
      case UInt8(ascii: "\t"):
        guard let (_, relocation) = Self.relocation(line), let last = functions.indices.last,
          let latest = functions[last].instructions.indices.last
        else { continue }
        functions[last].instructions[latest].relocation = relocation
      default:
        if line.hasSuffix(">:"), let space = line.firstIndex(of: " ") {
          place.offset = Int(line[..<space], radix: 16) ?? 0
          let name = line[space...].dropFirst(2).dropLast(2)
          functions.append(Function(name: name, place: place))
          source = nil
        } else if line.hasPrefix("Disassembly of section ") {
          place.section = line.dropFirst("Disassembly of section ".count).dropLast()
        } else if line.contains(":\tfile format ") {
          place.object += 1
        }
      }
    }
  }

  /// Reads "  1a:      \tmovq\t%rsp, %rbp".
  private static func instruction(_ line: Substring, _ source: Substring?) -> Instruction? {
    let fields = line.split(separator: "\t", maxSplits: 2)
    let offset = fields[0].drop { $0 == " " }.prefix { $0 != ":" }
    guard fields.count >= 2, let offset = Int(offset, radix: 16) else { return nil }
    return Instruction(
      offset: offset,
      mnemonic: fields[1].prefix { $0 != " " },
      operands: fields.count > 2 ? fields[2] : "",
      source: source
    )
  }

  /// Reads "0000000000000642:  R_X86_64_PLT32\tswift_retain-0x4", with other blanks in the other listing.
  private static func relocation(_ line: Substring) -> (offset: Int, Relocation)? {
    let fields = line.split { $0 == " " || $0 == "\t" || $0 == ":" }
    guard fields.count == 3, let offset = Int(fields[0], radix: 16) else { return nil }
    var symbol = fields[2]
    var addend = 0
    if let sign = symbol.lastIndex(where: { $0 == "-" || $0 == "+" }),
      let value = Int(symbol[sign...].dropFirst(3), radix: 16)
    {
      addend = symbol[sign] == "-" ? -value : value
      symbol = symbol[..<sign]
    }
    return (offset, Relocation(kind: fields[1], symbol: symbol, addend: addend))
  }

  private mutating func readTables(_ text: String) {
    var place = Place(object: -1, section: "", offset: 0)
    let title = "RELOCATION RECORDS FOR ["
    for line in text.split(separator: "\n") {
      if line.hasPrefix(title) {
        place.section = line.dropFirst(title.count).prefix { $0 != "]" }
      } else if line.contains(":\tfile format ") {
        place.object += 1
      } else if place.section.hasPrefix(".rodata"), let (offset, entry) = Self.relocation(line) {
        place.offset = offset
        tables[place] = entry
      }
    }
  }
}
