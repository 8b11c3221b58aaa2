// The ways through a function, from its instructions (x86-64).

/// What is called.
enum Callee: Hashable {
  /// A function of the listing.
  case function(Int)
  /// One of another library, by name.
  case outside(Substring)
  /// Whatever the operand holds.
  case pointer(Substring)
}

/// Instructions by number, and how they follow each other.
struct ControlFlow {
  private(set) var successors: [[Int]]
  /// What an instruction calls; a jump out of the function is a call, too.
  private(set) var calls: [Int: Callee] = [:]
  /// Instructions behind which the function is left.
  ///
  /// One that traps is none.
  private(set) var exits: Set<Int> = []

  init(of function: Function, in listing: Listing) {
    let instructions = function.instructions
    successors = Array(repeating: [], count: instructions.count)
    var numbers: [Int: Int] = [:]
    for (number, instruction) in instructions.enumerated() { numbers[instruction.offset] = number }
    let cases = Self.cases(of: function, in: listing).compactMap { numbers[$0] }

    for (number, instruction) in instructions.enumerated() {
      let mnemonic = instruction.mnemonic
      var goesOn = true
      if mnemonic.hasPrefix("ret") {
        exits.insert(number)
        goesOn = false
      } else if ["ud2", "int3", "hlt"].contains(mnemonic) {
        goesOn = false
      } else if mnemonic.hasPrefix("call") {
        calls[number] = Self.callee(of: instruction, function, listing)
      } else if mnemonic.hasPrefix("j") {
        goesOn = !mnemonic.hasPrefix("jmp")
        if instruction.relocation == nil, let target = Self.target(instruction),
          let next = numbers[target]
        {
          successors[number].append(next)
        } else if instruction.operands.hasPrefix("*"), !cases.isEmpty {
          // Which table a jump uses is not looked at: a function has few.
          successors[number] += cases
        } else {
          calls[number] = Self.callee(of: instruction, function, listing)
          exits.insert(number)
        }
      }
      if goesOn, number + 1 < instructions.count { successors[number].append(number + 1) }
    }
  }

  /// Instructions that lie on a way from the function's beginning to its end on which none of
  /// `stops` is met.
  func way(avoiding stops: Set<Int>) -> Set<Int> {
    guard !successors.isEmpty else { return [] }
    var predecessors = Array(repeating: [Int](), count: successors.count)
    for (number, next) in successors.enumerated() {
      for successor in next { predecessors[successor].append(number) }
    }
    func reached(from starts: [Int], by step: (Int) -> [Int]) -> Set<Int> {
      var found: Set<Int> = []
      var waiting = starts
      while let number = waiting.popLast() {
        guard !stops.contains(number), found.insert(number).inserted else { continue }
        waiting += step(number)
      }
      return found
    }
    return reached(from: [0]) { successors[$0] }
      .intersection(reached(from: Array(exits)) { predecessors[$0] })
  }

  /// The address that a direct jump or call names.
  private static func target(_ instruction: Instruction) -> Int? {
    guard instruction.operands.hasPrefix("0x") else { return nil }
    return Int(instruction.operands.dropFirst(2).prefix { $0.isHexDigit }, radix: 16)
  }

  private static func callee(
    of instruction: Instruction,
    _ function: Function,
    _ listing: Listing
  ) -> Callee {
    var place = function.place
    guard let relocation = instruction.relocation else {
      guard let target = target(instruction) else { return .pointer(instruction.operands) }
      place.offset = target
      return listing.function(at: place).map(Callee.function) ?? .outside("?")
    }
    // Through a table of addresses that the loader fills in.
    if instruction.operands.hasPrefix("*"), !relocation.kind.contains("GOT") {
      return .pointer(instruction.operands)
    }
    if relocation.symbol.hasPrefix(".text") {
      // An offset is counted from behind its own four bytes.
      place.section = relocation.symbol
      place.offset = relocation.addend + 4
      return listing.function(at: place).map(Callee.function) ?? .outside(relocation.symbol)
    }
    return listing.function(named: relocation.symbol).map(Callee.function)
      ?? .outside(relocation.symbol)
  }

  /// Where the jump tables lead that a function takes the address of.
  ///
  /// An entry holds the distance from its table, so an entry's addend counts from the entry.
  private static func cases(of function: Function, in listing: Listing) -> Set<Int> {
    var tables: Set<Place> = []
    for instruction in function.instructions where instruction.mnemonic.hasPrefix("lea") {
      guard let relocation = instruction.relocation, relocation.symbol.hasPrefix(".rodata") else {
        continue
      }
      var table = function.place
      table.section = relocation.symbol
      table.offset = relocation.addend + 4
      tables.insert(table)
    }
    var targets: Set<Int> = []
    for table in tables {
      var distance = 0
      var entry = table
      while let relocation = listing.tables[entry], distance == 0 || !tables.contains(entry),
        relocation.symbol == function.place.section
      {
        targets.insert(relocation.addend - distance)
        distance += 4
        entry.offset += 4
      }
    }
    return targets
  }
}
