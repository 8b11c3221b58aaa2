// From the calls that have to be fast down to everything that they call on their way, unless a rule
// says that it is slow.

/// A call that must not be there.
struct Offence {
  /// Functions from the one that has to be fast to the one that calls.
  var chain: [Int]
  var instruction: Instruction
  var callee: Substring
}

/// What was looked at of one function.
struct Visit {
  var function: Int
  var hotInstructions: Int
  /// Calls through pointers, which are not followed.
  var pointerCalls: Int
}

struct HotPaths {
  private let listing: Listing
  private let rules: Rules
  /// Readable names by mangled ones.
  private let names: [Substring: Substring]
  private(set) var visits: [Visit] = []
  private(set) var offences: [Offence] = []
  private var rulesMet: Set<Substring> = []

  init(_ listing: Listing, _ rules: Rules, names: [Substring: Substring]) {
    self.listing = listing
    self.rules = rules
    self.names = names
    walk()
  }

  func name(of function: Int) -> Substring { readable(listing.functions[function].name) }

  /// Names in rules that nothing has.
  var unusedRules: [Substring] { rules.kinds.keys.filter { !rulesMet.contains($0) }.sorted() }

  private func readable(_ name: Substring) -> Substring { names[name] ?? name }

  private func name(of callee: Callee) -> Substring? {
    switch callee {
    case .function(let number): name(of: number)
    case .outside(let name): readable(name)
    case .pointer: nil
    }
  }

  private mutating func walk() {
    var waiting: [[Int]] = []
    var seen: Set<Int> = []
    for (number, function) in listing.functions.enumerated()
    where rules.kinds[readable(function.name)] == .path {
      rulesMet.insert(readable(function.name))
      waiting.append([number])
    }
    // Breadth first, so that the shortest chain is told.
    while !waiting.isEmpty {
      var next: [[Int]] = []
      for chain in waiting {
        guard let function = chain.last, seen.insert(function).inserted else { continue }
        for callee in visit(function, chain) { next.append(chain + [callee]) }
      }
      waiting = next
    }
  }

  /// Looks at one function; returns what it calls on its way, of what can be followed.
  private mutating func visit(_ number: Int, _ chain: [Int]) -> [Int] {
    let function = listing.functions[number]
    let flow = ControlFlow(of: function, in: listing)
    var stops: Set<Int> = []
    for (instruction, callee) in flow.calls {
      guard let name = name(of: callee), let kind = rules.kinds[name] else { continue }
      rulesMet.insert(name)
      if kind == .slow || kind == .end { stops.insert(instruction) }
    }
    let way = flow.way(avoiding: stops)
    var callees: [Int] = []
    var pointerCalls = 0
    for (instruction, callee) in flow.calls.sorted(by: { $0.key < $1.key })
    where way.contains(instruction) {
      switch callee {
      case .function(let called): callees.append(called)
      case .pointer: pointerCalls += 1
      case .outside(let symbol):
        guard rules.kinds[readable(symbol)] != .plain else { continue }
        offences.append(
          Offence(
            chain: chain,
            instruction: function.instructions[instruction],
            callee: readable(symbol)
          )
        )
      }
    }
    visits.append(
      Visit(function: number, hotInstructions: way.count, pointerCalls: pointerCalls)
    )
    return callees
  }
}
